"""Which of the cases that are due at about the same time needs a person first. Their severity and kind are sealed.

By what is due the database puts cases in order; within a stage of that (a day, say) the search index of the member
does, which knows the cards of all cases that they open. What is newer than the index is opened, where that is little.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import follow_ups, records
from store.keyring import KeyRing
from store.records import RecordKind
from store.schema import CaseFile
from store.segment_index import Standing

MOST_OPENED = 200
"""Cards and reports of one page that are opened: of more, those that the index does not know stand as not assessed."""
_AT_ONCE = 1000

_NEWEST = 2**62


@dataclass(frozen=True)
class Order:
    """`ends`: when the stage is over in which something is due at that time. `standing`: what the index knows of cases.
    `severities` and `kinds`: what needs a person first stands first; what is in neither stands last."""

    ends: Callable[[datetime], datetime]
    standing: Callable[[Collection[str]], Mapping[str, Standing]]
    severities: Sequence[str | None]
    kinds: Sequence[str | None]


def by_need(
    session: Session,
    ring: KeyRing,
    order: Order,
    stages: Sequence[Sequence[str]],
    folded: Mapping[str, Set[str]],
) -> list[str]:
    """The cases of one stage after the other, each stage in the order in which they need a person; a case that stands
    for others with theirs."""
    case_ids = [case_id for stage in stages for case_id in stage]
    behind = {each for case_id in case_ids for each in folded.get(case_id, ())}
    known = dict(order.standing([*case_ids, *behind]))
    known |= _opened(session, ring, [*case_ids, *behind], known)
    unread = _unread_severities(session, ring, case_ids)
    unknown = Standing(_NEWEST, None, None)

    def need(case_id: str) -> tuple[int, int, int]:
        own = known.get(case_id, unknown)
        others = [known.get(each, unknown).severity for each in folded.get(case_id, ())]
        severities = [own.severity, *others, *unread.get(case_id, ())]
        return (
            min(_place(each, order.severities) for each in severities),
            _place(own.kind, order.kinds),
            own.number,
        )

    return [case_id for stage in stages for case_id in sorted(stage, key=need)]


def _opened(
    session: Session, ring: KeyRing, case_ids: Sequence[str], known: Mapping[str, Standing]
) -> Mapping[str, Standing]:
    """What the cards say that the index does not know, or not as they are now."""
    newer = [each for some in _pieces(case_ids) for each in _changed(session, some)]
    wanted = [*dict.fromkeys([*(each for each in case_ids if each not in known), *newer])][:MOST_OPENED]
    cards = records.opened_of_subjects(session, ring, wanted, RecordKind.CARD) if wanted else {}
    numbers = {case_id: standing.number for case_id, standing in known.items()}
    return {
        case_id: Standing(numbers.get(case_id, _NEWEST), card.get("kind"), card.get("severity"))
        for case_id, card in cards.items()
    }


def _changed(session: Session, case_ids: Collection[str]) -> Iterator[str]:
    """Those that the index has not read since they were changed."""
    yield from session.scalars(
        select(CaseFile.id).where(CaseFile.id.in_(case_ids), CaseFile.changes != CaseFile.folded)
    )


def _unread_severities(session: Session, ring: KeyRing, case_ids: Sequence[str]) -> Mapping[str, Sequence[str | None]]:
    """How serious the follow-ups are that nobody has looked at, and that no card knows yet; a machine's mail is not."""
    unread = dict([each for some in _pieces(case_ids) for each in follow_ups.unread(session, some)][:MOST_OPENED])
    reports = records.opened_of_subjects(session, ring, unread, RecordKind.REPORT) if unread else {}
    found: dict[str, list[str | None]] = {}
    for message_id, case_id in unread.items():
        report = reports.get(message_id, {})
        if report.get("severity") or not report.get("automatic"):
            found.setdefault(case_id, []).append(report.get("severity"))
    return found


def _pieces(case_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (case_ids[at : at + _AT_ONCE] for at in range(0, len(case_ids), _AT_ONCE))


def _place(value: str | None, order: Sequence[str | None]) -> int:
    return order.index(value) if value in order else len(order)
