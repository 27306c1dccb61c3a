"""Letters: what a person writes to a reporter, what for, and what follows from it. Pure."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from cases.lifecycle import TRANSITIONS, Status
from cases.terms import DueKind


class Purpose(StrEnum):
    ASK = "ask"  # for what is missing
    MINUTES = "minutes"  # of a conversation, for its approval (directive (EU) 2019/1937 art. 18(4))
    STATUS = "status"
    FEEDBACK = "feedback"
    REFERRAL = "referral"
    CLOSING = "closing"
    OTHER = "other"


_TELLS_WHAT_IS_DONE = frozenset({Purpose.FEEDBACK, Purpose.REFERRAL, Purpose.CLOSING})
"""Directive (EU) 2019/1937 art. 5(13) and recital 57: the action that is taken and its grounds, a referral too."""

LEADS_TO: Mapping[Purpose, Status] = MappingProxyType(
    {
        Purpose.ASK: Status.AWAITING_REPORTER,
        Purpose.MINUTES: Status.AWAITING_REPORTER,
        Purpose.REFERRAL: Status.REFERRED,
    }
)
"""Where a case stands once such a letter is on its way. A closing has an outcome and an approver, and is said apart."""


_PLACE = re.compile(r"\[[^\[\]]*\]")
_WORD = re.compile(r"\w+")


def follows(text: str, begun_from: str) -> bool:
    """Does a letter still say most of what the text says that such letters begin from, places to fill in aside?"""
    said, offered = (set(_WORD.findall(_PLACE.sub("", each).casefold())) for each in (text, begun_from))
    return 2 * len(said & offered) > len(offered)


def fulfils(purpose: Purpose) -> tuple[DueKind, ...]:
    """What a letter meets when it went out."""
    return (DueKind.FIRST_MESSAGE, *([DueKind.FEEDBACK] if purpose in _TELLS_WHAT_IS_DONE else []))


def leads_to(purpose: Purpose, current: Status) -> Status | None:
    """The status that a case gets by such a letter; None where it keeps the one that it has."""
    wanted = LEADS_TO.get(purpose)
    return wanted if wanted in TRANSITIONS[current] else None
