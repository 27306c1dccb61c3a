"""The letters of a case in their place among its messages."""

from collections.abc import Mapping, Sequence

from cases.roles import May
from desk import gate
from desk.parts import parts
from store import letters, note_drafts
from store.casework import CaseView, Outgoing
from store.outbox import OutgoingKind


def in_thread(view: CaseView) -> Mapping[str, Sequence[Outgoing]]:
    """The letters of a case, by the message that came in last before each."""
    placed: dict[str, list[Outgoing]] = {}
    first = view.messages[0].id if view.messages else ""  # a merged case has no message any more
    for mail in view.outgoing:
        if mail.kind is OutgoingKind.LETTER:
            before = [each.id for each in view.messages if each.taken_in_at <= mail.created_at]
            placed.setdefault(before[-1] if before else first, []).append(mail)
    return placed


def has_draft(case_id: str) -> bool:
    """Is the member writing a letter in this case?"""
    if not gate.ring().may(May.WRITE):
        return False
    with parts().database.read() as transaction:
        return bool(letters.draft_version(transaction, gate.ring(), case_id))


def has_note(case_id: str) -> bool:
    """Did the member begin a note in this case, and not add it yet?"""
    with parts().database.read() as transaction:
        return bool(note_drafts.begun(transaction, gate.ring(), case_id).version)
