"""What a backup needs of a database, whichever it is: taken apart into content and keys, and put together again.

The content file holds all that is sealed, and none of the keys; the key file holds whatever opens by a key that lies
elsewhere: sealed and wrapped seeds, and what is sealed to the mailer. A table that nobody sorted goes with the keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

OF_CONTENT = frozenset(
    {
        *("alembic_version", "desk", "key_pair", "signing_key", "case_file", "message", "attachment"),
        *(
            "record",
            "record_piece",
            "ledger",
            "mailbox",
            "mailbox_look",
            "mailbox_recheck",
            "lookup",
            "due",
            "mail_cap",
        ),
        *("legal_hold", "destruction", "backup", "audit", "audit_checkpoint", "audit_covered"),
    }
)
LEFT_OUT = frozenset(
    {
        *("session", "held_login", "login_attempt", "passkey_challenge", "mailbox_claim"),  # of the moment
        *("segment", "segment_piece", "segment_case"),  # made anew
    }
)


class BackupError(Exception):
    """No backup was made, or nothing was restored; the message says why and what to do."""


@dataclass(frozen=True)
class Taken:
    """What the copy is of. `destroyed`: the cases that were by then, with the desk of each."""

    schema: str
    cases: int
    destroyed: Mapping[str, str]


class Copies(Protocol):
    """One database. All but `destroyed` and `discard` raise BackupError."""

    def take(self, content: Path, keys: Path) -> Taken:
        """Write both files, of one moment, while everything runs. They are there already, empty and private."""

    def prove(self, file: Path) -> None:
        """Is this a whole file of this kind of database?"""

    def is_there(self) -> bool:
        """Is there a database, in the place of which a restored one would come?"""

    def destroyed(self) -> Mapping[str, str]:
        """The cases that are destroyed in the database that is there, with the desk of each; none where it cannot be
        read, which may be why somebody restores."""

    def put_together(self, content: Path, keys: Path) -> str:
        """Make one database of both files, beside the one that is there; gives its URL. `put_in_place` does the
        rest."""

    def put_in_place(self, now: datetime) -> str | None:
        """Make it the database; gives where the one before it is now, if there was one."""

    def discard(self) -> None:
        """Leave nothing of what was put together."""
