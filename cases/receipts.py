"""Which receipt may go out by itself for a mail, if any, and why.

First rule that hits wins, and its reason goes onto the audit trail. The rules are those of DESIGN.md ("Receipts by
themselves", "Required"), RFC 3834 §2 and the caps; nothing here reads a mail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from config.taxonomy import ABOUT_THE_REPORTER, Automatic, Kind, MissingField

WITH_TERMS_OF_LAW = frozenset({Kind.MELDING, Kind.AANVULLING})


class ReceiptKind(StrEnum):
    NONE = "none"
    NEUTRAL = "neutral"
    FULL = "full"


@dataclass(frozen=True)
class Caps:
    """Automatic mails already sent or on their way, and how many there may be. What is held has gone to nobody."""

    to_address: int = 0
    to_address_max: int = 10
    to_domain: int = 0
    to_domain_max: int = 500
    in_case: int = 0
    in_case_max: int = 5
    in_all: int = 0
    in_all_max: int = 1000


@dataclass(frozen=True)
class ReceiptFacts:
    """All that the decision rests on. `arrived_at` is the mail server's time of arrival, None where unknown.

    `denial` is a slug where the domain in From disowns the mail (`ingest.authentication`), else "".
    """

    now: datetime
    arrived_at: datetime | None
    has_sender: bool
    own_mail: bool
    automatic: Automatic | None
    understood: bool
    anonymous: bool
    kind_scores: Mapping[Kind, float]
    missing_scores: Mapping[MissingField, float]
    sender_is_new_to_case: bool
    first_connection: bool
    imported: bool
    denial: str
    caps: Caps
    max_age: timedelta
    ask_threshold: float
    kind_threshold: float
    encrypted: bool = False
    """Was any of it encrypted, whether it could be opened or not?"""
    unread_files: bool = False
    """Is there more in its files than could be read? Then nobody knows what is missing."""


@dataclass(frozen=True)
class ReceiptDecision:
    """`ask` names the fields that the receipt asks for; empty means: say in general what a report holds.

    `held`: the receipt is written but waits for one word of the coordinator. `reason` is a slug.
    """

    kind: ReceiptKind
    held: bool
    ask: tuple[MissingField, ...]
    reason: str

    @property
    def goes_at_once(self) -> bool:
        return self.kind is not ReceiptKind.NONE and not self.held


def decide_receipt(facts: ReceiptFacts) -> ReceiptDecision:
    """The receipt for one mail."""
    refused = _reason_for_silence(facts)
    if refused:
        return ReceiptDecision(ReceiptKind.NONE, False, (), refused)
    held = _reason_to_hold(facts)
    # Who sends somebody else's ciphertext to the desk learns nothing of what is in it, not even whether it opens.
    may_be_full = facts.understood and not facts.sender_is_new_to_case and not facts.encrypted
    full = may_be_full and _is_surely_a_report(facts)
    return ReceiptDecision(
        kind=ReceiptKind.FULL if full else ReceiptKind.NEUTRAL,
        held=held is not None,
        ask=_fields_to_ask(facts) if full else (),
        reason=held or ("report" if full else "encrypted" if facts.encrypted else "neutral"),
    )


def _reason_for_silence(facts: ReceiptFacts) -> str | None:
    rules = (
        ("own_mail", facts.own_mail),
        ("automatic", facts.automatic is not None),
        ("no_sender", not facts.has_sender),
    )
    return next((reason for reason, hit in rules if hit), None)


def _reason_to_hold(facts: ReceiptFacts) -> str | None:
    caps = facts.caps
    old = facts.arrived_at is None or facts.now - facts.arrived_at > facts.max_age
    rules = (
        (facts.denial, bool(facts.denial)),  # else whoever is named in From gets mail for what a stranger wrote
        ("imported", facts.imported),
        ("first_connection", facts.first_connection),
        ("too_old", old),
        # held, not left out: others may have spent the cap in their name
        ("cap_address", caps.to_address >= caps.to_address_max),
        ("cap_case", caps.in_case >= caps.in_case_max),
        ("cap_domain", caps.to_domain >= caps.to_domain_max),
        ("cap_total", caps.in_all >= caps.in_all_max),
    )
    return next((reason for reason, hit in rules if hit), None)


def _is_surely_a_report(facts: ReceiptFacts) -> bool:
    return sum(facts.kind_scores.get(kind, 0.0) for kind in WITH_TERMS_OF_LAW) >= facts.kind_threshold


def _fields_to_ask(facts: ReceiptFacts) -> tuple[MissingField, ...]:
    """Fields that are almost surely missing: none that may stand in an unread file. An anonymous reporter is asked
    nothing about themselves."""
    if facts.unread_files:
        return ()
    excluded = ABOUT_THE_REPORTER if facts.anonymous else frozenset()
    return tuple(
        field
        for field in MissingField
        if field not in excluded and facts.missing_scores.get(field, 0.0) >= facts.ask_threshold
    )
