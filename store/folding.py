"""Reading cases into segments of the search index: opening them, taking their words, sealing what comes of it.

Only what the case's own key opens is read: report, masked text, notes and card. What tells who the reporter is, which
the identity key opens, is in no index; so neither are the mails as written, nor the copies of mails to the reporter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from store import follow_ups, merging, records, segments, tokens
from store.database import Database
from store.keyring import KeyRing
from store.records import RecordKind
from store.segment_index import Document, Facts, SegmentIndex, facets
from store.segments import Audience, Stored, Waiting, Withdrawn
from store.tokens import Stemmer

MOST_CASES = 4096
"""Cases in a segment."""
BATCH = 64
"""Cases that are open at the same time."""
LONGEST_TEXT = 200_000
"""Letters of one text that are read."""
READ = (RecordKind.CARD, RecordKind.REPORT, RecordKind.MASKED, RecordKind.NOTE)
_COUNTED = (RecordKind.OUTCOME,)
"""What is read for the figures of the desk alone."""
_TRIES = 3

Opened = Mapping[tuple[str, RecordKind], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Folded:
    """A segment that was just made, and the cases that could not be opened on the way, with their changes."""

    stored: Stored | None
    index: SegmentIndex | None
    closed: Mapping[str, int]


def fold(
    db: Database, ring: KeyRing, stemmer: Stemmer, audience: Audience, case_ids: Collection[str], now: datetime
) -> Folded:
    """Make a segment of these cases, as far as they are an audience's. Opens nothing but by the keys of the audience,
    so that a segment never holds what they do not open."""
    narrow = ring.only(audience.through)
    for _ in range(_TRIES):
        documents: list[tuple[Waiting, Document]] = []
        closed: dict[str, int] = {}
        with db.read() as session:
            read = segments.as_they_are(session, ring.desk, audience, case_ids)
            for start in range(0, len(read), BATCH):
                batch = read[start : start + BATCH]
                opened = records.opened_of_cases(session, narrow, [each.case_id for each in batch], (*READ, *_COUNTED))
                found = dict(_documents(opened, batch, _unread(session, batch), stemmer))
                documents += [(each, found[each.case_id]) for each in batch if each.case_id in found]
                closed |= {each.case_id: each.changes for each in batch if each.case_id not in found}
                session.expunge_all()
        if not documents:
            return Folded(None, None, closed)
        index = SegmentIndex.build(_numbered([document for _, document in documents]))
        of = [each for each, _ in documents]
        try:
            with db.begin() as session:
                return Folded(segments.store(session, ring.desk, audience, index.to_bytes(), of, now), index, closed)
        except Withdrawn:
            index.close()
    return Folded(None, None, {})


def to_join(found: Sequence[Stored], new: int, most: int = MOST_CASES) -> list[str]:
    """The segments that go into one with `new` cases: small ones, so that there are few, and each case is read anew
    seldom."""
    joined, total = [], new
    for segment in sorted(found, key=lambda each: each.cases - each.dead):
        live = segment.cases - segment.dead
        if live > total or total + live > most:
            break
        joined.append(segment.id)
        total += live
    return joined


def _unread(session: Session, batch: Sequence[Waiting]) -> Mapping[str, Set[str]]:
    """The follow-ups that nobody has looked at, by their cases."""
    found: dict[str, set[str]] = {}
    for message_id, case_id in follow_ups.unread(session, [each.case_id for each in batch]):
        found.setdefault(case_id, set()).add(message_id)
    return found


def _documents(
    opened: Opened, batch: Sequence[Waiting], unread: Mapping[str, Set[str]], stemmer: Stemmer
) -> Iterator[tuple[str, Document]]:
    for each in batch:
        card = next(iter(opened.get((each.case_id, RecordKind.CARD), {}).values()), None)
        if card is not None:
            yield each.case_id, document(each, card, opened, stemmer, unread.get(each.case_id, frozenset()))


def document(
    case: Waiting,
    card: Mapping[str, Any],
    opened: Opened,
    stemmer: Stemmer,
    unread: Set[str] = frozenset(),
) -> Document:
    """What a segment is told of a case whose records are open. It is chosen by how serious its card says that it is,
    and by what is graver in an `unread` message, as its row in the queue says."""
    reports = opened.get((case.case_id, RecordKind.REPORT), {})
    severities = [report.get("severity") for message_id, report in reports.items() if message_id in unread]
    graver = merging.gravest([card.get("severity"), *severities])
    stems, forms = facets(card) | facets({"severity": graver}), set()
    for language, text in texts_of(case.case_id, opened):
        seen = {word.form for word in tokens.words(text[:LONGEST_TEXT])}
        forms |= {form for form in seen if len(form) >= tokens.FORGIVEN - 1}
        for form in seen:
            if not tokens.says_nothing(form):
                stems |= stemmer.stems(form, tokens.spoken(language))
    return Document(
        number=int(case.opened_at.timestamp() * 1_000_000),
        case_id=case.case_id,
        stems=frozenset(stems),
        forms=frozenset(forms),
        persons=persons_of(card, reports.values()),
        facts=_facts(case.case_id, card, opened),
    )


def _facts(case_id: str, card: Mapping[str, Any], opened: Opened) -> Facts:
    outcome = next(iter(opened.get((case_id, RecordKind.OUTCOME), {}).values()), {})
    return Facts(card.get("kind"), card.get("primary"), card.get("severity"), outcome.get("outcome"))


def texts_of(case_id: str, opened: Opened) -> list[tuple[str | None, str]]:
    """The texts of a case that are searched, each with its language where that is known, in the order in which a person
    wants to see where a word stands: messages, notes, then reference and persons concerned."""
    reports = opened.get((case_id, RecordKind.REPORT), {})
    found: list[tuple[str | None, str]] = []
    for message_id, masked in opened.get((case_id, RecordKind.MASKED), {}).items():
        found.append((reports.get(message_id, {}).get("language"), str(masked.get("text") or "")))
    for note in opened.get((case_id, RecordKind.NOTE), {}).values():
        found.append((None, str(note.get("text") or "")))
    card = next(iter(opened.get((case_id, RecordKind.CARD), {}).values()), {})
    found.append((None, str(card.get("reference") or "")))
    for person in _persons(card, reports.values()):
        found.append((None, ", ".join(filter(None, (person.get("name"), person.get("function"))))))
    return found


def persons_of(card: Mapping[str, Any], reports: Collection[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of the persons concerned: by the card, and by reports that the card does not know yet."""
    return tuple(dict.fromkeys(str(each["name"]) for each in _persons(card, reports) if each.get("name")))


def _persons(card: Mapping[str, Any], reports: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    every = [*(card.get("concerned") or ()), *(each for report in reports for each in report.get("concerned") or ())]
    return list({(each.get("name"), each.get("function")): each for each in every}.values())


def _numbered(documents: Sequence[Document]) -> Iterator[Document]:
    """Each with a number of its own, in the order of time."""
    last = 0
    for document in documents:
        last = max(document.number, last + 1)
        yield replace(document, number=last)
