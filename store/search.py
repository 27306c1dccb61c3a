"""Searching the cases that a person may open, in an index that is in memory while they are logged in.

The index says which cases to look at; the cases themselves, opened with the person's own keys, give what is shown of
them. So a hit never shows what its reader does not open, whatever an index says.

First come the cases that hold every word as it was typed, in any of its forms, then those where a word is spelled a
little otherwise, then those that hold only some of the words; each newest first.
"""

from __future__ import annotations

import heapq
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice, zip_longest
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from cases.lifecycle import Status
from store import audit, folding, records, segments, tokens
from store.audit import Action
from store.database import Database
from store.keyring import KeyRing
from store.passages import Passage, passages
from store.queue import FEWEST_FOLDED
from store.records import RecordKind
from store.rows import unindexed
from store.schema import CaseFile
from store.segment_index import Comparison, Facts, Namesake, SegmentIndex, Standing, all_of, quoted
from store.segments import Audience, Stored
from store.tokens import Stemmer

PAGE = 10
MOST = 1000
"""Hits that are told apart; of more it is only said that there are more."""
MOST_WORDS = 12
AT_ONCE = 16
"""New and changed cases that are read while somebody waits for the answer; more are read beside it."""
_WRITTEN_TOGETHER = re.compile(r"(?ai)(?<!\w)(?=[a-z]*\d)(?=\d*[a-z])([a-z\d]{5})([a-z\d]{5})(?!\w)")
"""A reference without its hyphen: letters and figures in one are no word of a language, and no telephone number."""
_FEW = 4000
"""So many cases that the columns in clear choose are known by heart; of more, those are asked for that were found."""
_CHUNK = 400
_MOST_SPELLINGS = 40
_MOST_OF_A_WORD = 2000
_PASSAGES = 2
_MOST_NAMESAKES = 10

_MOST_CHOSEN = 4

_Hit = tuple[int, str]
_State = tuple[tuple[str, int], ...]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Query:
    """What is searched for: any of each of these, all of them together. Times are those of a case's arrival."""

    text: str = field(default="", repr=False)
    statuses: frozenset[Status] = frozenset()
    kinds: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    since: datetime | None = None
    before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Does it ask for nothing? Signs alone are no words."""
        return self == Query(text=self.text) and not any(tokens.words(self.text))


@dataclass(frozen=True)
class Found:
    """The cases that a search found, best first; `near` of them are spelled otherwise or hold some words only.

    `stems` are what to mark in them. `more`: there are more than these.
    """

    case_ids: tuple[str, ...]
    near: frozenset[str]
    stems: frozenset[str] = field(repr=False)
    more: bool


@dataclass(frozen=True)
class Hit:
    """A case that was found, opened: what its card says, and where the words stand."""

    case_id: str
    status: Status
    opened_at: datetime
    card: Mapping[str, Any] = field(repr=False)
    passages: tuple[Passage, ...] = field(repr=False)
    near: bool


@dataclass(frozen=True)
class Other:
    """Another case that names somebody who may be the same person concerned, as it spells them."""

    case_id: str
    reference: str
    status: Status
    opened_at: datetime
    spelled: tuple[str, ...] = field(repr=False)


@dataclass
class _Loaded:
    index: SegmentIndex
    stored: Stored
    live: frozenset[str] | None
    """None while every case in it is spoken for by it."""

    def speaks_for(self, case_id: str) -> bool:
        return self.live is None or case_id in self.live


class SearchIndex:
    """The index of one member, in memory. It holds no keys; whoever asks it something brings their ring.

    For many threads: one at a time searches, and reading cases in goes on beside that.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, _Loaded] = {}
        self._before: list[_Loaded] = []
        """Of a key of the desk's before the newest: they speak for the cases that were not read anew since."""
        self._closed: dict[str, dict[str, int]] = {}
        self._alike: tuple[_State, tuple[frozenset[str], ...]] | None = None
        self._chosen: dict[str, tuple[_State, frozenset[str]]] = {}
        """What was chosen last, by its facets: a filter is looked at page after page."""
        self._stemmer = Stemmer()
        self._lock = threading.RLock()
        self._folding = threading.Lock()
        self._ready = False
        self._wiped = False

    @property
    def ready(self) -> bool:
        """Has it read all that was sealed before?"""
        return self._ready and not self._wiped

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        with self._lock:
            return sum(each.index.size for each in self._all())

    def wipe(self) -> None:
        """Let go of everything, for good."""
        with self._lock:
            self._wiped = True
            for each in self._all():
                each.index.close()
            self._loaded.clear()
            self._before.clear()
            self._closed.clear()
            self._alike = None
            self._chosen.clear()
            self._stemmer = Stemmer()

    def load(self, db: Database, ring: KeyRing) -> None:
        """Have in memory what is sealed in the database now, and nothing else. Waits for no cases to be read."""
        with db.read() as session:
            self._load(session, ring)

    def refresh(self, db: Database, ring: KeyRing, *, now: datetime, most: int | None = None) -> int:
        """Read new and changed cases in; with `most`, no more than that, and then only where no more wait. Gives how
        many still wait."""
        self.load(db, ring)
        if not self._folding.acquire(blocking=most is None):
            return self.waiting(db, ring)
        try:
            with db.read() as session:
                audience = segments.audiences(session, ring)
                outlived = segments.outlived(session, ring.desk, audience)
            if outlived:
                with db.begin() as session:
                    segments.forget(session, outlived)
            return sum(self._refresh(db, ring, each, now, most) for each in audience)
        finally:
            self._folding.release()

    def waiting(self, db: Database, ring: KeyRing, most: int = MOST) -> int:
        """How many cases are not in the index as they are now, counted up to `most`."""
        with db.read() as session:
            return sum(len(self._waiting(session, ring, each, most)) for each in segments.audiences(session, ring))

    def search(self, session: Session, ring: KeyRing, query: Query) -> Found:
        """The cases that a query finds, of those that this person may open."""
        with self._lock:
            self._load(session, ring)
            keep = _clear(session, ring, query)
            forms = _forms(query.text)
            facets = _facets(query)
            if not forms and not facets:
                return _listed(session, ring, query)
            return self._search(keep, forms, facets)

    def chosen(self, session: Session, ring: KeyRing, query: Query) -> frozenset[str]:
        """The cases whose card says yes to a query without words, as far as they are in the index. What stands in
        clear is not asked of it, nor what this person may open."""
        facets = _facets(query)
        with self._lock:
            self._load(session, ring)
            if self._before:  # for how many of their cases these still speak changes by itself
                return self._matching(facets)
            state = self._state()
            found = self._chosen.pop(facets, None)
            if found is None or found[0] != state:
                found = state, self._matching(facets)
            self._chosen[facets] = found  # as the last that was asked for
            while len(self._chosen) > _MOST_CHOSEN:
                del self._chosen[next(iter(self._chosen))]
            return found[1]

    def alike(self, session: Session, ring: KeyRing) -> tuple[frozenset[str], ...]:
        """Cases whose first mails are of one wording, then those of one sender, as far as they are in the index: each
        `FEWEST_FOLDED` at least."""
        with self._lock:
            self._load(session, ring)
            state = self._state()
            if self._alike is None or self._alike[0] != state:
                self._alike = (state, tuple(self._groups()))
            return self._alike[1]

    def severities(self, case_ids: Collection[str]) -> frozenset[str | None]:
        """How serious these are, as far as they are in the index; None where nobody knows of one."""
        with self._lock:
            found = ((each, told) for each in self._all() for told in each.index.severities(case_ids))
            return frozenset(severity for each, (case_id, severity) in found if each.speaks_for(case_id))

    def standing(self, case_ids: Collection[str]) -> Mapping[str, Standing]:
        """What decides how soon these need a person, as far as they are in the index."""
        found: dict[str, Standing] = {}
        left = set(case_ids)
        with self._lock:
            for loaded in self._all():
                if left:
                    told = loaded.index.standing(left)
                    found |= {case_id: standing for case_id, standing in told if loaded.speaks_for(case_id)}
                    left -= found.keys()
        return found

    def _matching(self, facets: str) -> frozenset[str]:
        return frozenset(case_id for _, case_id in self._newest(facets))

    def _state(self) -> _State:
        """Changes whenever a case is read in, or spoken for by another segment."""
        return tuple(sorted((each.stored.id, each.stored.dead) for each in self._all()))

    def _groups(self) -> Iterator[frozenset[str]]:
        for kind in ("wording", "sender"):
            counted: Counter[str] = Counter()
            for each in self._all():
                counted.update(dict(each.index.repeated(kind)))
            for facet, count in counted.items():
                if count < FEWEST_FOLDED:
                    continue
                found = frozenset(case_id for _, case_id in self._newest(quoted([facet])))
                if len(found) >= FEWEST_FOLDED:
                    yield found

    def others_naming(self, session: Session, ring: KeyRing, case_id: str, persons: Iterable[str]) -> tuple[Other, ...]:
        """Other cases that name one of these persons concerned, the most alike first, then the newest."""
        best: dict[str, list[Namesake]] = {}
        with self._lock:
            self._load(session, ring)
            for name in dict.fromkeys(persons):
                known = Comparison(name)
                for loaded in self._all():
                    for each in loaded.index.namesakes(name, known):
                        if each.case_id != case_id and loaded.speaks_for(each.case_id):
                            best.setdefault(each.case_id, []).append(each)
        ranked = sorted(best.values(), key=lambda found: (-max(each.likeness for each in found), -found[0].number))
        return _others(session, ring, {found[0].case_id: found for found in ranked[: 2 * _MOST_NAMESAKES]})

    def facts(self, session: Session, ring: KeyRing) -> Mapping[str, Facts]:
        """What is counted of each case that this person may open, as far as it is in the index."""
        found: dict[str, Facts] = {}
        with self._lock:
            self._load(session, ring)
            for loaded in self._loaded.values():
                found |= {case_id: facts for case_id, facts in loaded.index.facts() if loaded.speaks_for(case_id)}
        return found

    def present(self, session: Session, ring: KeyRing, found: Found, page: int) -> tuple[Hit, ...]:
        """A page of what was found, opened; those that do not open are left out. `note_shown` goes with it."""
        ids = found.case_ids[(page - 1) * PAGE : page * PAGE]
        opened = records.opened_of_cases(session, ring, ids, folding.READ)
        rows = {row.id: row for row in _rows(session, ring.desk, ids)}
        hits = []
        for case_id in ids:
            card = next(iter(opened.get((case_id, RecordKind.CARD), {}).values()), None)
            if card is None or case_id not in rows:
                continue
            with self._lock:
                shown = self._passages(case_id, opened, found.stems)
            row = rows[case_id]
            hits.append(Hit(case_id, Status(row.status), row.opened_at, card, shown, case_id in found.near))
        return tuple(hits)

    def _passages(self, case_id: str, opened: folding.Opened, stems: Collection[str]) -> tuple[Passage, ...]:
        shown: list[Passage] = []
        for language, text in folding.texts_of(case_id, opened):
            if len(shown) < _PASSAGES:
                cut = text[: folding.LONGEST_TEXT]
                shown += passages(cut, language, stems, self._stemmer, _PASSAGES - len(shown))
        return tuple(shown)

    def _load(self, session: Session, ring: KeyRing) -> None:
        audience = {each.id: each for each in segments.audiences(session, ring)}
        there = {each.id: each for each in segments.stored(session, ring.desk, audience.values())}
        with self._lock:
            if self._wiped:
                return
            for gone in set(self._loaded) - set(there):
                self._let_go(self._loaded.pop(gone), audience)
            self._speak_for_what_waits(session, ring, audience.values())
            for stored in there.values():
                known = self._loaded.get(stored.id)
                if known is None:
                    image = segments.opened(session, ring.desk, audience[stored.key_pair_id], stored)
                    if image is None:
                        continue
                    known = _Loaded(SegmentIndex.from_bytes(image), stored, None)
                elif known.stored == stored:
                    continue
                live = frozenset(segments.live_cases(session, stored.id)) if stored.dead else None
                self._loaded[stored.id] = _Loaded(known.index, stored, live)
            self._ready = True

    def _all(self) -> list[_Loaded]:
        return [*self._loaded.values(), *self._before]

    def _let_go(self, gone: _Loaded, audience: Collection[str]) -> None:
        """A segment is not stored any more: its cases are in another, or are to be known no longer. Where the desk's
        key was made anew, all of its segments go at once, and reading so many cases again takes a while."""
        if gone.stored.key_pair_id in audience:
            gone.index.close()
        else:
            self._before.append(gone)

    def _speak_for_what_waits(self, session: Session, ring: KeyRing, audience: Collection[Audience]) -> None:
        """Segments from before a new key speak for what these audiences wait to have read, and then go. So they say
        nothing of a case that was destroyed, or is kept from the desk, since."""
        if not self._before:
            return
        live = frozenset(case.case_id for each in audience for case in self._waiting(session, ring, each, None))
        if not live:
            for each in self._before:
                each.index.close()
        self._before = [replace(each, live=live) for each in self._before] if live else []

    def _waiting(self, session: Session, ring: KeyRing, audience: Audience, most: int | None) -> list[segments.Waiting]:
        closed = self._closed.get(audience.id, {})
        found = segments.waiting(session, ring.desk, audience, None if most is None else most + len(closed))
        return [each for each in found if closed.get(each.case_id) != each.changes][:most]

    def _refresh(self, db: Database, ring: KeyRing, audience: Audience, now: datetime, most: int | None) -> int:
        """Read what waits of one audience. Gives how many still wait."""
        while not self._wiped:
            with db.read() as session:
                new = [each.case_id for each in self._waiting(session, ring, audience, folding.MOST_CASES)]
                there = segments.stored(session, ring.desk, [audience])
                if not new or (most is not None and len(new) > most):
                    return len(new)
                if most is None:
                    joined = folding.to_join(there, len(new))
                    new += [case_id for each in joined for case_id in segments.live_cases(session, each)]
            folded = folding.fold(db, ring, self._stemmer, audience, new, now)
            self._closed.setdefault(audience.id, {}).update(folded.closed)
            if folded.stored is not None and folded.index is not None:
                self._take(db, ring, folded.stored, folded.index)
            elif not folded.closed:
                return len(new)
        return 0

    def _take(self, db: Database, ring: KeyRing, stored: Stored, index: SegmentIndex) -> None:
        with self._lock:
            if self._wiped:
                index.close()
                return
            self._loaded[stored.id] = _Loaded(index, stored, None)
        self.load(db, ring)

    def _search(self, keep: Callable[[Iterable[_Hit]], Iterator[_Hit]], forms: Sequence[str], facets: str) -> Found:
        exact = [self._stemmer.stems(form) for form in forms]
        found = islice(keep(self._newest(_joined(map(quoted, exact), facets))), MOST + 1)
        best = dict.fromkeys(case_id for _, case_id in found)
        stems = frozenset().union(*exact)
        near: dict[str, None] = {}
        may_be_a_slip = len(forms) == 1 and not self._is_written(forms[0])
        if forms and (may_be_a_slip or len(best) < PAGE):
            spelled = [self._other_spellings(form, stems) for form in forms]
            if any(spelled):
                stems = stems.union(*(spelling for of_word in spelled for spelling in of_word))
                near |= dict.fromkeys(each for _, each in islice(keep(self._near(exact, spelled, facets)), MOST))
            if len(forms) > 1 and len(best | near) < PAGE:
                near |= dict.fromkeys(each for _, each in islice(keep(self._some(exact, spelled, facets)), MOST))
        case_ids = list(_by_turns(best, near)) if may_be_a_slip else list(best | near)
        return Found(tuple(case_ids[:MOST]), frozenset(near.keys() - best.keys()), stems, len(case_ids) > MOST)

    def _newest(self, expression: str) -> Iterator[_Hit]:
        """What matches in any segment, newest first."""
        streams = [_of(each, expression) for each in self._all()]
        return heapq.merge(*streams, key=lambda hit: hit[0], reverse=True)

    def _is_written(self, form: str) -> bool:
        """Does it stand so in any case? Of short words nobody knows, and takes it that they do."""
        return len(form) < tokens.FORGIVEN or any(each.index.spells(form) for each in self._all())

    def _other_spellings(self, form: str, besides: frozenset[str]) -> list[frozenset[str]]:
        """The stems, but those besides, of each word that is one edit from this one, the likelier first."""
        if len(form) < tokens.FORGIVEN:
            return []
        alike = {other for each in self._all() for other in each.index.spelled_alike(form)}
        nearest = sorted(alike, key=lambda other: (not _slips_easily(other, form), other[0] != form[0], other))
        every = (self._stemmer.stems(other) - besides for other in nearest[:_MOST_SPELLINGS])
        return [stems for stems in every if stems]

    def _near(
        self, exact: Sequence[frozenset[str]], spelled: Sequence[Sequence[frozenset[str]]], facets: str
    ) -> Iterator[_Hit]:
        """Every word, as typed or a little otherwise. Of one word's spellings each has its turn: which one was meant
        nobody knows."""
        if len(exact) > 1:
            both = [typed.union(*others) for typed, others in zip(exact, spelled, strict=True)]
            return self._newest(_joined(map(quoted, both), facets))
        return _by_turns(*(self._newest(_joined([quoted(stems)], facets)) for stems in spelled[0]))

    def _some(
        self, exact: Sequence[frozenset[str]], spelled: Sequence[Sequence[frozenset[str]]], facets: str
    ) -> Iterator[_Hit]:
        """Some of the words: the more, the better."""
        counted: Counter[_Hit] = Counter()
        for typed, others in zip(exact, spelled, strict=True):
            one_word = self._newest(_joined([quoted(typed.union(*others))], facets))
            counted.update(islice(one_word, _MOST_OF_A_WORD))
        yield from sorted(counted, key=lambda hit: (-counted[hit], -hit[0]))


def note_shown(session: Session, ring: KeyRing, hits: Iterable[Hit], now: datetime) -> None:
    """Put onto the trail of each case that a search showed of it; before it is shown."""
    for hit in hits:
        audit.write_look(session, ring, Action.FOUND, now, case_id=hit.case_id)


def _slips_easily(meant: str, typed: str) -> bool:
    """Were two letters swapped, or one left out? Of these slips a word has few; a letter that is wrong or too much may
    be any of the alphabet, so that each such slip is the less likely."""
    return len(meant) > len(typed) or sorted(meant) == sorted(typed)


def _by_turns(*streams: Iterable[_T]) -> Iterator[_T]:
    """The first of each, then the second of each, and so on, none twice."""
    turns = zip_longest(*streams)
    return iter(dict.fromkeys(each for turn in turns for each in turn if each is not None))


def _of(loaded: _Loaded, expression: str) -> Iterator[_Hit]:
    return (hit for hit in loaded.index.matches(expression) if loaded.speaks_for(hit[1]))


def _forms(text: str) -> list[str]:
    """The words of a query; those that say nothing count only where there are no others."""
    every = list(dict.fromkeys(word.form for word in tokens.words(_WRITTEN_TOGETHER.sub(r"\1-\2", text))))
    return ([form for form in every if not tokens.says_nothing(form)] or every)[:MOST_WORDS]


def _facets(query: Query) -> str:
    chosen = {"k": query.kinds, "c": query.categories, "s": query.severities, "m": query.missing}
    return all_of([quoted(f"{letter}={slug}" for slug in slugs) for letter, slugs in chosen.items() if slugs])


def _joined(words: Iterable[str], facets: str) -> str:
    return all_of([*words, *([facets] if facets else [])])


def _clear(session: Session, ring: KeyRing, query: Query) -> Callable[[Iterable[_Hit]], Iterator[_Hit]]:
    """Keeps of what was found what the columns in clear say yes to, each case once."""
    if not query.statuses and query.since is None and query.before is None:
        return lambda hits: _once(hits, None)
    few = session.scalars(_chosen(CaseFile.desk == ring.desk, query).limit(_FEW + 1)).all()
    if len(few) <= _FEW:
        return lambda hits: _once(hits, frozenset(few))

    def keep(hits: Iterable[_Hit]) -> Iterator[_Hit]:
        stream = _once(hits, None)
        while some := list(islice(stream, _CHUNK)):
            among = CaseFile.id.in_([case_id for _, case_id in some])
            allowed = set(session.scalars(_chosen(unindexed(CaseFile.desk) == ring.desk, query).where(among)))
            yield from (hit for hit in some if hit[1] in allowed)

    return keep


def _once(hits: Iterable[_Hit], allowed: frozenset[str] | None) -> Iterator[_Hit]:
    seen = set[str]()
    for hit in hits:
        if hit[1] not in seen and (allowed is None or hit[1] in allowed):
            seen.add(hit[1])
            yield hit


def _listed(session: Session, ring: KeyRing, query: Query) -> Found:
    """By the columns in clear alone, newest first."""
    if query.is_empty:
        return Found((), frozenset(), frozenset(), more=False)
    openable = _chosen(CaseFile.desk == ring.desk, query).where(segments.may_be_opened(ring))
    newest = openable.order_by(CaseFile.opened_at.desc(), CaseFile.id).limit(MOST + 1)
    ids = list(session.scalars(newest))
    return Found(tuple(ids[:MOST]), frozenset(), frozenset(), len(ids) > MOST)


def _chosen(of_the_desk: ColumnElement[bool], query: Query) -> Select[str]:
    """The ids of the cases that the columns in clear choose."""
    chosen = select(CaseFile.id).where(of_the_desk)
    if query.statuses:
        chosen = chosen.where(CaseFile.status.in_(list(query.statuses)))
    if query.since is not None:
        chosen = chosen.where(CaseFile.opened_at >= query.since)
    if query.before is not None:
        chosen = chosen.where(CaseFile.opened_at < query.before)
    return chosen


def _others(session: Session, ring: KeyRing, found: Mapping[str, Sequence[Namesake]]) -> tuple[Other, ...]:
    cards = records.opened_of_subjects(session, ring, found, RecordKind.CARD)
    rows = {row.id: row for row in _rows(session, ring.desk, list(found))}
    return tuple(
        Other(
            case_id=case_id,
            reference=str(cards[case_id].get("reference") or ""),
            status=Status(rows[case_id].status),
            opened_at=rows[case_id].opened_at,
            spelled=tuple(dict.fromkeys(each.name for each in named)),
        )
        for case_id, named in found.items()
        if case_id in cards and case_id in rows
    )[:_MOST_NAMESAKES]


def _rows(session: Session, desk: str, ids: Sequence[str]) -> Sequence[Row[str, str, datetime]]:
    query = select(CaseFile.id, CaseFile.status, CaseFile.opened_at)
    return session.execute(query.where(unindexed(CaseFile.desk) == desk, CaseFile.id.in_(ids))).all()
