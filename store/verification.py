"""Is the trail as it was written? Finds rows that were changed, removed, inserted or reordered, and names the first.

Needs no key that opens anything: the hashes of `store/chains.py`, the checkpoints of `store/checkpoints.py` with the
public half of the key that signs them, and, against who can also remove checkpoints, a copy kept outside.

What it cannot find: who writes to the database can write new rows, and change or remove the rows that no checkpoint
covers yet. Between two checkpoints whose chain was computed anew it names the first row that may have been changed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.audit import Action
from store.cases_accounted import Removed, account
from store.chains import GENESIS, row_hash
from store.checkpoints import SETTLED_AFTER, ChainHead, Checkpoint, Kept, NoCheckpoint, after, digest
from store.loose_rows import LooseRow, read, trail_rows
from store.rows import table_of
from store.schema import Audit

_AUDIT = table_of(Audit)
_AT_ONCE = 1000
_FIRST_ACTIONS = (Action.DESK_CREATED, Action.TRAIL_CHAINED)


class Wrong(StrEnum):
    """What was done to the trail."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CHECKPOINT_FORGED = "checkpoint_forged"
    CHECKPOINT_REMOVED = "checkpoint_removed"
    CHECKPOINT_DIFFERS = "checkpoint_differs"
    CASE_REMOVED = "case_removed"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. Of rows that are gone, `row_id` and `at` are those of the row before them in the chain
    (None where none is left), `number` is the first that is missing, and `rows` how many. Rows whose hashes were
    computed anew cannot be told from those before, back to a checkpoint: `row_id` is the first that may have been
    changed, `up_to` the last.

    Of a checkpoint, `number` is its own and `chain_id` is empty; number 0: a line that has none. Of a case, `row_id` is
    its last row.
    """

    wrong: Wrong
    number: int
    chain_id: str = ""
    row_id: int | None = None
    at: datetime | None = None
    rows: int = 1
    up_to: int | None = None
    case_id: str | None = None


@dataclass(frozen=True)
class Span:
    """Rows, from the first id to the last."""

    rows: int
    first_id: int
    last_id: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Restore:
    """What two rows of the trail tell of, the second of this id: at `at` a backup of `then` was put back. `explained`:
    the checkpoints of the copy, made in between, that are not in the database, or are others there.

    Who writes to the database can write such rows. So they excuse nothing, and what is missing stays a fault; but rows
    that no such checkpoint saw may have come after it, and are not called inserted by what it says.
    """

    row_id: int
    then: datetime
    at: datetime
    explained: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """`faults` of rows stand in the order of the trail, the first first; those of cases and checkpoints after them.

    `unhashed`: rows of before there were chains. `uncovered`: those that no checkpoint vouches for. `gone`: sealed
    details that went with their case. `undeclared`: cases that were destroyed, for which no member signed.
    """

    faults: tuple[Fault, ...]
    rows: int
    chains: int
    checkpoints: int
    newest: datetime | None
    unhashed: Span | None
    uncovered: Span | None
    gone: int
    undeclared: tuple[str, ...] = ()
    copied: Checkpoint | None = None
    """The newest checkpoint of this desk in the copy from outside."""
    restores: tuple[Restore, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.faults


def verify(
    session: Session,
    desk: str,
    public: bytes | None,
    outside: Iterable[bytes] | None = None,
    root: bytes | None = None,
) -> Verdict:
    """Look at the whole trail of a desk, and for every case that it knows of. `public`: the trail key; without it no
    checkpoint counts. `outside`: the lines of a copy of the checkpoints, in which those of other desks may stand too.
    `root`: the desk's signing key as it is pinned; without it no declaration of a destruction counts."""
    signed = _Checkpoints(desk, public)
    if public is not None:
        signed.look_at(after(session, desk, 0))
        signed.compare(line.strip() for line in outside or ())
    restores = tuple(_restores(session, desk, signed))
    signed.set_back_by(restores)
    cases = account(session, desk, root)
    trail = _Trail(session, desk, signed, cases.destroyed - cases.undeclared)
    trail.look_at()
    return Verdict(
        faults=(*trail.in_order(), *map(_of_case, cases.removed), *signed.faults),
        rows=trail.rows,
        chains=trail.chains,
        checkpoints=len(signed.good),
        newest=max((each.at for each in signed.good.values()), default=None),
        unhashed=trail.unhashed.span,
        uncovered=trail.uncovered.span,
        gone=trail.gone,
        undeclared=tuple(sorted(cases.undeclared)),
        copied=signed.copied,
        restores=restores,
    )


@dataclass
class _Checkpoints:
    """The checkpoints that count, what they say of each chain, and what is wrong with them."""

    desk: str
    public: bytes | None
    good: dict[int, Checkpoint] = field(default_factory=dict)
    lines: dict[int, bytes] = field(default_factory=dict)
    heads: dict[str, list[ChainHead]] = field(default_factory=lambda: defaultdict(list))
    faults: list[Fault] = field(default_factory=list)
    copied: Checkpoint | None = None
    lost: list[Checkpoint] = field(default_factory=list)
    """Those of the copy that are not in the database, or are others there."""
    set_back: set[int] = field(default_factory=set)
    """The numbers of those that a restore would explain."""

    def look_at(self, kept: Iterable[Kept]) -> None:
        """Those of the database."""
        before = 0
        for each in kept:
            if each.number > before + 1:
                self._missing(before + 1, each.number)
            before = each.number
            found = self._read(each.line)
            if found is None or found.number != each.number:
                self.faults.append(Fault(Wrong.CHECKPOINT_FORGED, each.number))
                continue
            last = self.lines.get(found.number - 1)
            if last is not None and found.previous != digest(last):
                self.faults.append(Fault(Wrong.CHECKPOINT_DIFFERS, found.number - 1))
            self._count(found, each.line)

    def compare(self, lines: Iterable[bytes]) -> None:
        """Those of a copy: none of them may be missing, or be another, in the database."""
        before: Checkpoint | None = None
        for line in lines:
            if not line or _is_of_another(line, self.desk):
                continue
            found = self._read(line)
            if found is None:
                self.faults.append(Fault(Wrong.CHECKPOINT_FORGED, 0))
                continue
            if before is not None and found.number > before.number + 1:
                self._missing(before.number + 1, found.number)
            before = found
            if self.copied is None or found.number > self.copied.number:
                self.copied = found
            here = self.lines.get(found.number)
            if here != line:
                self.lost.append(found)
            if here is None:
                self._missing(found.number, found.number + 1)
                self._count(found, line)
            elif here != line:
                self.faults.append(Fault(Wrong.CHECKPOINT_DIFFERS, found.number))
                self._heads_of(found)

    def set_back_by(self, restores: Iterable[Restore]) -> None:
        missing = {each.number for each in self.lost if self.good.get(each.number) == each}
        self.set_back = missing & {number for each in restores for number in each.explained}

    @property
    def newest_id(self) -> int:
        return max((each.last_id for each in self._binding()), default=0)

    @property
    def settled_id(self) -> int:
        """The id up to which all rows were there when a checkpoint an hour before the newest was made."""
        newest = max((each.at for each in self._binding()), default=None)
        return max((cp.last_id for cp in self._binding() if newest and cp.at < newest - SETTLED_AFTER), default=0)

    def _binding(self) -> list[Checkpoint]:
        """Those by which a row can be said to have come too late: ids of before a restore are given once more."""
        return [each for each in self.good.values() if each.number not in self.set_back]

    def _read(self, line: bytes) -> Checkpoint | None:
        assert self.public is not None
        try:
            found = Checkpoint.read(line, self.public)
        except NoCheckpoint:
            return None
        return found if found.desk == self.desk else None

    def _missing(self, first: int, end: int) -> None:
        known = {fault.number for fault in self.faults if fault.wrong is Wrong.CHECKPOINT_REMOVED}
        gone = [number for number in range(first, min(end, first + _AT_ONCE)) if number not in known]
        self.faults += [Fault(Wrong.CHECKPOINT_REMOVED, number) for number in gone]

    def _count(self, found: Checkpoint, line: bytes) -> None:
        self.good[found.number], self.lines[found.number] = found, line
        self._heads_of(found)

    def _heads_of(self, found: Checkpoint) -> None:
        for head in found.heads:
            self.heads[head.chain_id].append(head)


def _is_of_another(line: bytes, desk: str) -> bool:
    """A line that says that it is another desk's: whoever forges that only loses one of this desk's."""
    return not line.startswith(b'{"desk":"%s"' % desk.encode()) and line.startswith(b'{"desk":"')


@dataclass
class _Rows:
    """Counts rows that are of one kind."""

    count: int = 0
    ids: list[int] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def add(self, row: LooseRow) -> None:
        self.count += 1
        self.ids = [min([*self.ids[:1], row.id]), max([*self.ids[1:], row.id])]
        self.times = [min([*self.times[:1], row.at]), max([*self.times[1:], row.at])]

    @property
    def span(self) -> Span | None:
        if not self.count:
            return None
        return Span(self.count, self.ids[0], self.ids[-1], self.times[0], self.times[-1])


class _Trail:
    """The rows of a desk, chain by chain. A fault is kept with its place in the trail: the id, or just after one."""

    def __init__(self, session: Session, desk: str, signed: _Checkpoints, declared: frozenset[str]) -> None:
        self._session = session
        self._desk = desk
        self._signed = signed
        self._declared = declared
        one_by_one = session.get_bind().dialect.name == "sqlite"
        self._settled = signed.newest_id if one_by_one else signed.settled_id
        self._wanted = {row.previous for row in self._firsts()}
        self._begun: list[LooseRow] = []
        self.faults: list[tuple[float, Fault]] = []
        self.rows = 0
        self.chains = 0
        self.unhashed = _Rows()
        self.uncovered = _Rows()
        self.gone = 0

    def look_at(self) -> None:
        unseen = set(self._signed.heads)
        for chain_id, chain in groupby(self._all(), key=lambda row: row.chain_id):
            if chain_id is None:
                for row in chain:
                    if row.spoilt:
                        self._fault(row.id, _of(Wrong.CHANGED, row))
                    else:
                        self.unhashed.add(row)
                continue
            unseen.discard(chain_id)
            self.chains += 1
            self._follow(chain_id, chain)
        for chain_id in unseen:
            heads = sorted(self._signed.heads[chain_id], key=lambda head: head.number)
            self._fault(heads[0].row_id, Fault(Wrong.REMOVED, 1, chain_id, rows=heads[-1].number))
        self._beginnings()
        self._details()

    def in_order(self) -> Iterator[Fault]:
        """The faults, one of a row."""
        named = set[int]()
        for place, fault in sorted(self.faults, key=lambda placed: placed[0]):
            if fault.row_id is None or fault.row_id != place or fault.row_id not in named:
                yield fault
            if fault.row_id == place:
                named.add(fault.row_id)

    def _follow(self, chain_id: str, chain: Iterable[LooseRow]) -> None:
        walk = _Walk(chain_id, self._signed.heads.get(chain_id, []))
        for number, group in groupby(chain, key=lambda row: row.number):
            for row in walk.step(number, list(group)):
                self.rows += 1
                self._wanted.discard(row.hash)
                if number == 1:
                    self._begun.append(row)
                if number is None or number <= walk.covered:
                    continue
                if row.id <= self._settled:  # it would have been there when the checkpoint was made
                    self._fault(row.id, _of(Wrong.INSERTED, row))
                else:
                    self.uncovered.add(row)
        walk.end()
        self.faults += walk.faults

    def _beginnings(self) -> None:
        """Each chain follows a row that is there; one alone follows none, and is the first of the trail."""
        first = sorted((row for row in self._begun if row.previous == GENESIS), key=lambda row: row.id)
        named = {place for place, _ in self.faults}
        for row in self._begun:
            lost = row.previous in self._wanted and row.previous != GENESIS
            if lost and row.id not in named:
                self._fault(row.id - 0.5, Fault(Wrong.REMOVED, 0, row.chain_id, None, row.at))
        for row in first[1:]:
            self._fault(row.id, _of(Wrong.INSERTED, row))
        if not (first and first[0].action in _FIRST_ACTIONS):
            earliest = min((row.id for row in self._begun), default=None)
            explained = (earliest is None or place <= earliest for place, _ in self.faults)
            if not any(explained):
                self._fault(0, Fault(Wrong.REMOVED, 1))
        self._old(first[0] if first else None)

    def _old(self, first: LooseRow | None) -> None:
        """Rows without a hash are those of before there were chains: as many as the first row says, and none later."""
        chained = first is not None and first.action == Action.TRAIL_CHAINED
        newest = int(first.subject_id) if first is not None and chained and str(first.subject_id).isdecimal() else 0
        count = (first.record_version or 0) if first is not None and chained else 0
        late = trail_rows().where(_AUDIT.c.desk == self._desk, _AUDIT.c.chain_id.is_(None), _AUDIT.c.id > newest)
        found = list(read(self._session, late.order_by(_AUDIT.c.id).limit(_AT_ONCE), _AT_ONCE))
        for row in found:
            self._fault(row.id, _of(Wrong.INSERTED, row))
        there = self.unhashed.count - len(found)
        if there != count:
            wrong = Wrong.REMOVED if there < count else Wrong.INSERTED
            self._fault(newest, Fault(wrong, 0, rows=abs(there - count)))

    def _details(self) -> None:
        """A detail goes with its case alone, where a member signed for the destruction."""
        gone = (_AUDIT.c.desk == self._desk) & _AUDIT.c.detail.is_(None) & _AUDIT.c.detail_sha256.is_not(None)
        for case_id, count in self._session.execute(
            select(_AUDIT.c.case_id, func.count()).where(gone).group_by(_AUDIT.c.case_id)
        ).all():
            if case_id in self._declared:
                self.gone += count
                continue
            for row in read(
                self._session, trail_rows().where(gone, _AUDIT.c.case_id == case_id).limit(_AT_ONCE), _AT_ONCE
            ):
                self._fault(row.id, _of(Wrong.CHANGED, row))

    def _firsts(self) -> Iterator[LooseRow]:
        return read(self._session, trail_rows().where(_AUDIT.c.desk == self._desk, _AUDIT.c.number == 1), _AT_ONCE)

    def _all(self) -> Iterator[LooseRow]:
        found = trail_rows().where(_AUDIT.c.desk == self._desk)
        return read(self._session, found.order_by(_AUDIT.c.chain_id, _AUDIT.c.number, _AUDIT.c.id), _AT_ONCE)

    def _fault(self, place: float, fault: Fault) -> None:
        self.faults.append((place, fault))


class _Walk:
    """One chain, from its first row to its last."""

    def __init__(self, chain_id: str, heads: Iterable[ChainHead]) -> None:
        self._chain_id = chain_id
        self._heads: dict[int, list[ChainHead]] = defaultdict(list)
        for head in heads:
            self._heads[head.number].append(head)
        self.covered = max(self._heads, default=0)
        self.faults: list[tuple[float, Fault]] = []
        self._last: LooseRow | None = None
        self._hashes: tuple[bytes, ...] = ()  # of the last row: as it stands there, and as it should be
        self._number = 0
        self._vouched = 0  # a checkpoint agreed with the row of this number
        self._first_since: LooseRow | None = None  # the first row after that one

    def step(self, number: int | None, group: list[LooseRow]) -> Iterator[LooseRow]:
        """The rows that carry a number, of which one is the chain's own; gives them back, one by one."""
        if number is None or number < 1:
            self.faults += [(row.id, _of(Wrong.CHANGED if row.spoilt else Wrong.INSERTED, row)) for row in group]
            yield from group
            return
        own = self._own_of(number, group)
        self.faults += [(row.id, _of(Wrong.INSERTED, row)) for row in group if row is not own]
        if number > self._number + 1:
            self._gap(number, own.id)
        self._link(own, number)
        self._number = number
        yield from group

    def end(self) -> None:
        """Nothing that a checkpoint saw may be missing at the end."""
        if self.covered > self._number:
            self._gap(self.covered + 1, None)

    def _own_of(self, number: int, group: list[LooseRow]) -> LooseRow:
        signed = {head.hash for head in self._heads.get(number, ())}

        def trust(row: LooseRow) -> tuple[bool, bool, bool, int]:
            hashed = _hash_of(row)
            follows = number == 1 or row.previous in self._hashes
            return hashed in signed, hashed == row.hash, follows, -row.id

        return max(group, key=trust)

    def _gap(self, next_number: int, next_id: int | None) -> None:
        """Rows are missing before this number, which the row of that id has."""
        first, last = self._number + 1, self._last
        if last is not None:
            place = last.id + 0.5
        else:
            numbers = [number for number in self._heads if first <= number < next_number]
            known = [head.row_id for number in numbers for head in self._heads[number]]
            place = min([*known, *([next_id - 0.5] if next_id is not None else [])])
        row_id, at = (last.id, last.at) if last is not None else (None, None)
        self.faults.append((place, Fault(Wrong.REMOVED, first, self._chain_id, row_id, at, next_number - first)))
        self._last, self._hashes = None, ()  # what follows has nothing to follow

    def _link(self, row: LooseRow, number: int) -> None:
        hashed, last = _hash_of(row), self._last
        since = self._first_since or row
        self._first_since = since
        if hashed != row.hash or not _detail_is_its_own(row):
            self._fault(Wrong.CHANGED, row)
        if last is not None and row.previous not in self._hashes:
            if self._vouched == last.number:
                self._fault(Wrong.CHANGED, row)
            elif not self._is_known():
                self._fault(Wrong.CHANGED, since, last)
        if last is not None and row.id <= last.id:
            self._fault(Wrong.REORDERED, last)
        for head in self._heads.get(number, ()):
            if head.hash not in (hashed, row.hash):
                if not self._is_known():
                    self._fault(Wrong.CHANGED, since, row)
                continue
            self._vouched, self._first_since = number, None
            if head.row_id != row.id:
                self._fault(Wrong.REORDERED, row)
        self._last, self._hashes = row, (hashed, row.hash)

    def _is_known(self) -> bool:
        """Is it known already that something is wrong since a checkpoint agreed?"""
        return any(fault.number > self._vouched for _, fault in self.faults)

    def _fault(self, wrong: Wrong, row: LooseRow, up_to: LooseRow | None = None) -> None:
        self.faults.append((row.id, _of(wrong, row, up_to)))


def _restores(session: Session, desk: str, signed: _Checkpoints) -> Iterator[Restore]:
    told = trail_rows().where(_AUDIT.c.desk == desk, _AUDIT.c.action.in_((Action.BACKUP_OF_THEN, Action.RESTORED)))
    rows = [row for row in read(session, told.order_by(_AUDIT.c.id), _AT_ONCE) if not row.spoilt]
    backups = {row.hash: row for row in rows if row.action == Action.BACKUP_OF_THEN}
    for row in rows:
        backup = backups.get(row.previous)
        if row.action == Action.RESTORED and backup is not None:
            between = tuple(sorted({each.number for each in signed.lost if backup.at <= each.at <= row.at}))
            yield Restore(row.id, backup.at, row.at, between)


def _of_case(removed: Removed) -> Fault:
    return Fault(Wrong.CASE_REMOVED, 0, row_id=removed.row_id, case_id=removed.case_id)


def _hash_of(row: LooseRow) -> bytes:
    return b"" if row.spoilt else row_hash(row.columns())


def _detail_is_its_own(row: LooseRow) -> bool:
    return row.detail is None or hashlib.sha256(row.detail).digest() == row.detail_sha256


def _of(wrong: Wrong, row: LooseRow, up_to: LooseRow | None = None) -> Fault:
    last = row if up_to is None else up_to
    return Fault(wrong, row.number or 0, row.chain_id or "", row.id, row.at, up_to=last.id)
