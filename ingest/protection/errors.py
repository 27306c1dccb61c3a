"""Why something stays closed."""

from __future__ import annotations

from ingest.mail import Unopened


class CannotOpen(Exception):
    """`reason` is all that is told: an error's own words could tell an attacker how near a forgery came."""

    def __init__(self, reason: Unopened) -> None:
        super().__init__(reason)
        self.reason = reason
