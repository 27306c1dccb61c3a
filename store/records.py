"""Sealed records: writing them to a public key, opening them with a private one, large ones in pieces.

A record is named by its subject (a message, an attachment, a case, ...), its kind and its version; the seal binds it
to that name, its desk and its case. Versions are kept: the newest counts.

What a person writes is signed (`by`), and what they should have written and Meldpost did not is not given as if it were
there: see `store/authentic.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import audit, remembered, rows
from store.audit import Action
from store.authentic import NotGenuine, Signed, Standing, Witness, Written, read_signed, signed
from store.frame import Context, Damaged, SealError
from store.keyring import KeyRing, NoSuchKey, OpenedPair, PublicPair, pair
from store.rows import table_of
from store.schema import Audit, CaseFile, Record, RecordPiece, new_id
from store.sealing import open_stream, seal_stream
from store.signing import DESK, Author

PIECE = 1024 * 1024
"""Sealed bytes in a row of `record_piece`."""


class RecordKind(StrEnum):
    """What a record is. To the identity key go those that tell who the reporter is, to the case key the others."""

    RAW = "raw"  # the mail as it came
    MESSAGE = "message"  # headers and text as written
    ATTACHMENT = "attachment"
    CONTACT = "contact"
    OUTGOING = "outgoing"  # a copy of what was written to the reporter
    DRAFT = "draft"  # a letter that a member is writing
    ENCLOSURE = "enclosure"  # a file that goes with a letter
    REPORT = "report"
    MASKED = "masked"  # the text without what tells who wrote it
    CARD = "card"
    DECISIONS = "decisions"
    FIRST_LOOK = "first_look"
    OUTCOME = "outcome"
    APPROVAL = "approval"  # what the reporter answered to the minutes of what they said
    CORRECTIONS = "corrections"  # what they want to stand otherwise in them
    NOTE = "note"
    NOTE_DRAFT = "note_draft"  # one that a member is writing
    MERGER = "merger"  # into which case this one went, with what
    ACCESS = "access"  # who opens the case by a key of their own, and who is kept out
    MEMBER = "member"  # name and role of a member, to the desk key
    PROFILE = "profile"  # the same, to the member's own key: they know their role without the desk key
    MODEL = "model"  # what the desk trained, to the desk key
    ORDER = "order"  # by which rule a case is to be destroyed, to the desk key
    FIGURES = "figures"  # what stays of a case for the yearly report, to the desk key
    GIVEN_FIGURES = "given_figures"  # the figures of a year, to the own key of a member who reads figures alone
    LETTER_TEXT = "letter_text"  # a text of the desk's own that letters begin from, to the desk key
    DECLARATION = "declaration"  # that a case was destroyed, to the desk key
    MODELS = "models"  # which models there are, what each has seen, and which is in force; to the desk key


OF_THE_IDENTITY = frozenset(
    {
        *(RecordKind.RAW, RecordKind.MESSAGE, RecordKind.ATTACHMENT, RecordKind.CONTACT),
        *(RecordKind.OUTGOING, RecordKind.DRAFT, RecordKind.ENCLOSURE, RecordKind.CORRECTIONS),
    }
)
"""What tells who the reporter is: sealed to the identity key."""

_BY_PERSONS = {
    *(RecordKind.DECISIONS, RecordKind.FIRST_LOOK, RecordKind.OUTCOME, RecordKind.NOTE, RecordKind.MERGER),
    *(RecordKind.APPROVAL, RecordKind.CORRECTIONS),
    *(RecordKind.MEMBER, RecordKind.PROFILE, RecordKind.MODEL, RecordKind.MODELS),
    *(RecordKind.ORDER, RecordKind.FIGURES, RecordKind.GIVEN_FIGURES, RecordKind.DECLARATION),
    *(RecordKind.DRAFT, RecordKind.ENCLOSURE, RecordKind.NOTE_DRAFT, RecordKind.LETTER_TEXT),
}

_NO_JSON = {RecordKind.RAW, RecordKind.ATTACHMENT, RecordKind.MODEL, RecordKind.ENCLOSURE}

_THROWN_AWAY = [RecordKind.DRAFT, RecordKind.ENCLOSURE, RecordKind.NOTE_DRAFT]
"""What its writer may take away, so that nobody need be told that it is gone."""

_CASES = table_of(CaseFile)
_CHANGED = update(_CASES).where(_CASES.c.id == bindparam("changed")).values(changes=_CASES.c.changes + 1)

_KIND_OF_DESK = select(Record).where(Record.desk == bindparam("of_desk"), Record.kind == bindparam("of_kind"))
_OF_SUBJECTS = _KIND_OF_DESK.where(Record.subject_id.in_(bindparam("subjects", expanding=True))).order_by(
    Record.version
)
_OF_CASE = _KIND_OF_DESK.where(Record.case_id == bindparam("of_case")).order_by(Record.created_at, Record.version)
_NEWEST = _KIND_OF_DESK.where(Record.subject_id == bindparam("subject")).order_by(Record.version.desc()).limit(1)
_NEWEST_OF_CASE = _NEWEST.where(Record.case_id == bindparam("of_case"))
_NEWEST_OF_NO_CASE = _NEWEST.where(Record.case_id.is_(None))

_REMEMBERED = (RecordKind.CARD, RecordKind.MEMBER)
"""What every page opens again, of fifty cases at once."""

CANNOT_OPEN = (SealError, NoSuchKey, ValueError, NotGenuine)
"""What is raised where a record is there, and cannot be opened or counts for nothing: somebody changed the database, or
it is damaged."""


class NoSuchRecord(Exception):
    """There is no record of this name."""


class WrittenAtOnce(Exception):
    """Another wrote the same version of this record first."""


@dataclass(frozen=True)
class Name:
    """Which record. `case_id` is None for what belongs to no case."""

    case_id: str | None
    subject_id: str
    kind: RecordKind


@dataclass(frozen=True)
class Opened:
    """One version of a JSON record. `author_id` is the member who wrote it (empty: the desk itself), where they signed
    it and the signature is good."""

    content: Mapping[str, Any]
    version: int
    standing: Standing
    author_id: str | None
    by_a_person: bool
    """Does only a person write this?"""

    @property
    def counts(self) -> bool:
        """Does anything follow from it? Mail that the trail does not know is shown, for it may be all there is."""
        return self.standing is not Standing.FOREIGN or not self.by_a_person


def add(
    session: Session,
    name: Name,
    content: Iterable[bytes],
    to: PublicPair,
    now: datetime,
    *,
    version: int = 1,
    by: Author | None = None,
) -> int:
    """Seal content of any length, in constant memory, with its row on the trail; gives the size of the frame.

    For a subject that is new itself: of another, somebody else may write the same version (`write_json`).
    """
    written = Written(to.desk, name.case_id, name.subject_id, name.kind, version, now)
    return _write(session, written, content, to, now, by)


def _write(
    session: Session, written: Written, content: Iterable[bytes], to: PublicPair, now: datetime, by: Author | None
) -> int:
    """Seal and write down one version, with its row on the trail."""
    sealed = _seal(session, written, content, to)
    _put(session, written, sealed, to, by)
    _put_on_the_trail(session, written, sealed, now, Action.RECORD, by)
    return sealed.size


@dataclass(frozen=True)
class _Sealed:
    """A frame. Its pieces are written down already, but for one that is all of it."""

    record_id: str
    sha256: bytes
    size: int
    frame: bytes | None


def _seal(session: Session, written: Written, content: Iterable[bytes], to: PublicPair) -> _Sealed:
    record_id = new_id()
    context = Context(to.desk, written.case_id or "", written.kind, written.subject_id, to.generation, written.version)
    digest = hashlib.sha256()
    size = 0
    number = 0
    held: bytes | None = None
    for piece in _gathered(seal_stream(content, to.public, context)):
        if held is not None:
            _add_piece(session, record_id, number, held)
            number += 1
        held = piece
        digest.update(piece)
        size += len(piece)
    if number and held is not None:
        _add_piece(session, record_id, number, held)
        held = None
    return _Sealed(record_id, digest.digest(), size, held)


def _put(session: Session, written: Written, sealed: _Sealed, to: PublicPair, by: Author | None) -> None:
    rows.add(
        session,
        Record,
        id=sealed.record_id,
        desk=to.desk,
        case_id=written.case_id,
        subject_id=written.subject_id,
        kind=written.kind,
        version=written.version,
        key_pair_id=to.id,
        sha256=sealed.sha256,
        size=sealed.size,
        frame=sealed.frame,
        signed_by=by.id if by else None,
        signature=by.key.sign(written.frame_statement(by.id, to.id, sealed.sha256)) if by else None,
        created_at=written.created_at,
    )


def _put_on_the_trail(
    session: Session, written: Written, sealed: _Sealed, now: datetime, action: Action, by: Author | None
) -> None:
    audit.write_record(
        session,
        written.desk,
        now,
        action=action,
        member_id=by.member_id if by else None,
        case_id=written.case_id,
        subject_id=written.subject_id,
        kind=written.kind,
        version=written.version,
        sha256=sealed.sha256,
    )


def reseal(session: Session, ring: KeyRing, record_id: str, to: PublicPair, now: datetime) -> None:
    """Seal one version of a record anew, to another key, in constant memory; the old frame goes.

    Name, version and age stay as they are, and so does who wrote it; who seals it anew signs that. The trail gets a
    further row about this version: the newest holds the digest of the frame that is there. What Meldpost did not write
    gets neither a signature nor a row, so that it stays what it is. Raises what CANNOT_OPEN holds, and then changes
    nothing.
    """
    row = session.get_one(Record, record_id)
    written, as_written = Written.of(row), None
    if row.kind in _NO_JSON:
        for _ in _open(session, ring, row):
            pass  # to the end, for only then it is whole
        content = _open(session, ring, row)
    else:
        whole = b"".join(_open(session, ring, row))
        as_written = read_signed(whole)
        content = iter([whole])
    known = {row.id: as_written} if as_written else {}
    standing = Witness(session, ring).standings([row], known, _by_persons([row]), past=True)[row.id]
    if as_written and as_written.author_id == DESK and standing is Standing.GENUINE:  # older keys of the desk end
        content = iter([signed(written, as_written.content, ring.desk_author(session))])
    sealed = _seal(session, written, content, to)
    _delete(session, [record_id])
    if standing is Standing.FOREIGN:
        _put(session, written, sealed, to, None)
    else:
        _put(session, written, sealed, to, ring.author)
        _put_on_the_trail(session, written, sealed, now, Action.RESEALED, ring.author)
    rows.write(session)


def move(
    session: Session,
    ring: KeyRing,
    record_id: str,
    to: PublicPair,
    now: datetime,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Take one version of a record to the case whose key `to` is, sealed to that, in constant memory; the old frame
    goes.

    The name of its case is part of what was signed, so whoever takes it there signs it; its age stays. `more` is put
    into the content of a JSON record. Raises what CANNOT_OPEN holds, also for what Meldpost did not write, and then
    changes nothing.
    """
    row = session.get_one(Record, record_id)
    before, as_written = Written.of(row), None
    after = replace(before, case_id=to.owner)
    if row.kind in _NO_JSON:
        for _ in _open(session, ring, row):
            pass  # to the end, for only then it is whole
    else:
        as_written = read_signed(b"".join(_open(session, ring, row)))
    known = {row.id: as_written} if as_written else {}
    if Witness(session, ring).standings([row], known, _by_persons([row]), past=True)[row.id] is Standing.FOREIGN:
        raise NotGenuine("A record in the database was not written by Meldpost.")
    content = _open(session, ring, row)
    if as_written:
        author = None if as_written.author_id is None else ring.author
        content = iter([signed(after, {**as_written.content, **(more or {})}, author)])
    sealed = _seal(session, after, content, to)
    _delete(session, [record_id])
    _put(session, after, sealed, to, ring.author)
    _put_on_the_trail(session, after, sealed, now, Action.RESEALED, ring.author)
    rows.write(session)


def write_json(
    session: Session,
    name: Name,
    content: Mapping[str, Any],
    to: PublicPair,
    now: datetime,
    *,
    version: int = 1,
    by: Author | None = None,
) -> None:
    """Seal one JSON object, in the next version of a record. Raises WrittenAtOnce."""
    add_json(session, name, content, to, now, version=version, by=by)
    try:
        rows.write(session)
    except IntegrityError:
        raise WrittenAtOnce("Another wrote this record at the same moment.") from None
    if name.case_id is not None:
        changed(session, name.case_id)


def add_json(
    session: Session,
    name: Name,
    content: Mapping[str, Any],
    to: PublicPair,
    now: datetime,
    *,
    version: int = 1,
    by: Author | None = None,
) -> None:
    """Seal one JSON object about a subject that is new itself."""
    written = Written(to.desk, name.case_id, name.subject_id, name.kind, version, now)
    _write(session, written, [signed(written, content, by)], to, now, by)


def changed(session: Session, case_id: str) -> None:
    """Note that something of a case changed that is searched: its words are read into the index again."""
    session.execute(_CHANGED, {"changed": case_id})


def destroy(session: Session, desk: str, name: Name) -> None:
    """Take all versions of a record away. Its rows on the trail stay, with what they say of it: a digest."""
    of = [Record.desk == desk, Record.subject_id == name.subject_id, Record.kind == name.kind]
    ids = session.scalars(select(Record.id).where(*of)).all()
    _delete(session, ids)


def _delete(session: Session, ids: Sequence[str]) -> None:
    session.execute(delete(RecordPiece).where(RecordPiece.record_id.in_(ids)))
    session.execute(delete(Record).where(Record.id.in_(ids)))


def newest_version(session: Session, desk: str, name: Name) -> int:
    """The number of the newest version; 0 where there is none yet. Needs no key."""
    try:
        return _newest(session, desk, name).version
    except NoSuchRecord:
        return 0


def gone(session: Session, ring: KeyRing, case_id: str) -> int:
    """How many records of a case the trail knows of that are not there: somebody took them away."""
    there = select(Record.id).where(Record.subject_id == Audit.subject_id, Record.kind == Audit.record_kind)
    lost = (
        select(Audit.subject_id, Audit.record_kind)
        .where(Audit.desk == ring.desk, Audit.case_id == case_id, Audit.sha256.is_not(None), ~there.exists())
        .where(Audit.record_kind.not_in(_THROWN_AWAY))
        .distinct()
    )
    return session.scalar(select(func.count()).select_from(lost.subquery())) or 0


def next_version(session: Session, desk: str, name: Name) -> int:
    """The number of the version to write next: higher than any that the trail knows of, so that no number is used twice
    where a record was destroyed. Needs no key."""
    known = select(func.max(Audit.record_version)).where(
        Audit.desk == desk,
        Audit.subject_id == name.subject_id,
        Audit.record_kind == name.kind,
        Audit.sha256.is_not(None),
    )
    return max(newest_version(session, desk, name), session.scalar(known) or 0) + 1


def chunks(session: Session, ring: KeyRing, name: Name) -> Iterator[bytes]:
    """The newest version, opened piece by piece, in constant memory. Raises NoSuchRecord, SealError."""
    row = _newest(session, ring.desk, name)
    return _open(session, ring, row)


def opened(session: Session, ring: KeyRing, name: Name) -> bytes:
    """The newest version, whole. Raises NotGenuine."""
    row = _newest(session, ring.desk, name)
    content = b"".join(_open(session, ring, row))
    standing = Witness(session, ring).standings([row], {}, _by_persons([row]))[row.id]
    if standing is Standing.FOREIGN and _by_persons([row]):
        raise NotGenuine("A record in the database was not written by Meldpost.")
    return content


def opened_json(session: Session, ring: KeyRing, name: Name) -> Mapping[str, Any]:
    """The newest version of a JSON object. Raises NotGenuine."""
    return _counting(_marked(session, ring, _newest(session, ring.desk, name))).content


def opened_json_or_none(session: Session, ring: KeyRing, name: Name) -> tuple[Mapping[str, Any] | None, int]:
    """The newest version of a JSON object and its number; None and 0 where there is none yet. Raises NotGenuine."""
    found = marked(session, ring, name)
    return (None, 0) if found is None else (_counting(found).content, found.version)


def marked(session: Session, ring: KeyRing, name: Name, witness: Witness | None = None) -> Opened | None:
    """The newest version of a JSON object, with what is known of where it comes from. One `witness` for many reads
    looks each key up once."""
    try:
        row = _newest(session, ring.desk, name)
    except NoSuchRecord:
        return None
    return _marked(session, ring, row, witness)


def history(session: Session, ring: KeyRing, name: Name) -> tuple[Opened, ...]:
    """All versions of a JSON object that can be opened and count, oldest first: who wrote what, and when."""
    found = session.scalars(
        select(Record)
        .where(Record.desk == ring.desk, Record.case_id == name.case_id, Record.subject_id == name.subject_id)
        .where(Record.kind == name.kind)
        .order_by(Record.version)
    ).all()
    opened_by_id = _opened_all(session, ring, found, past=True)
    return tuple(each for each in opened_by_id.values() if each and each.counts)


def opened_of_case(
    session: Session, ring: KeyRing, case_id: str, kind: RecordKind
) -> Mapping[str, Mapping[str, Any] | None]:
    """All JSON records of one kind in a case, by their subject; the newest version of each, oldest subject first.

    None in the place of one that cannot be opened, or counts for nothing: a damaged record hides no other.
    """
    found = marked_of_case(session, ring, case_id, kind)
    return {subject_id: each.content if each and each.counts else None for subject_id, each in found.items()}


def marked_of_case(
    session: Session, ring: KeyRing, case_id: str, kind: RecordKind, witness: Witness | None = None
) -> Mapping[str, Opened | None]:
    """As `opened_of_case`, with what is known of where each comes from; None where it cannot be opened alone."""
    found = session.scalars(_OF_CASE, {"of_desk": ring.desk, "of_case": case_id, "of_kind": kind})
    return _latest(session, ring, found, witness)


def opened_of_subjects(
    session: Session, ring: KeyRing, subject_ids: Iterable[str], kind: RecordKind
) -> Mapping[str, Mapping[str, Any]]:
    """The newest JSON record of one kind about each of these subjects, without those that cannot be opened or count for
    nothing."""
    wanted = list(subject_ids)
    if not wanted:
        return {}
    found = session.scalars(_OF_SUBJECTS, {"of_desk": ring.desk, "subjects": wanted, "of_kind": kind})
    latest = _latest(session, ring, found)
    return {subject_id: each.content for subject_id, each in latest.items() if each and each.counts}


def opened_of_cases(
    session: Session, ring: KeyRing, case_ids: Iterable[str], kinds: Iterable[RecordKind]
) -> Mapping[tuple[str, RecordKind], Mapping[str, Mapping[str, Any]]]:
    """The newest JSON records of these kinds in these cases, by case and kind, then by subject, oldest first; without
    those that cannot be opened or count for nothing."""
    by_kind: dict[str, list[Record]] = {}
    for row in session.scalars(
        select(Record)
        .where(Record.desk == ring.desk, Record.case_id.in_(list(case_ids)), Record.kind.in_(list(kinds)))
        .order_by(Record.created_at, Record.version)
    ):
        by_kind.setdefault(row.kind, []).append(row)
    latest = {kind: _newest_of_each(found) for kind, found in by_kind.items()}
    keys = ring.privates_of(session, {row.key_pair_id for found in latest.values() for row in found.values()})
    witness = Witness(session, ring)
    gathered: dict[tuple[str, RecordKind], dict[str, Mapping[str, Any]]] = {}
    for kind, found in latest.items():
        opened_by_id = _opened_all(session, ring, found.values(), witness, keys=keys)
        for subject_id, row in found.items():
            each = opened_by_id[row.id]
            if each and each.counts:
                gathered.setdefault((row.case_id or "", RecordKind(kind)), {})[subject_id] = each.content
    return gathered


def all_of_desk(session: Session, ring: KeyRing, kind: RecordKind) -> Mapping[str, Mapping[str, Any]]:
    """The newest JSON record of one kind about each subject, of those of no case; without those that cannot be opened
    or count for nothing."""
    found = session.scalars(
        select(Record)
        .where(Record.desk == ring.desk, Record.case_id.is_(None), Record.kind == kind)
        .order_by(Record.created_at, Record.version)
    )
    latest = _latest(session, ring, found)
    return {subject_id: each.content for subject_id, each in latest.items() if each and each.counts}


def _latest(
    session: Session, ring: KeyRing, found: Iterable[Record], witness: Witness | None = None
) -> dict[str, Opened | None]:
    latest = _newest_of_each(found)
    opened_by_id = _opened_all(session, ring, latest.values(), witness)
    return {subject_id: opened_by_id[row.id] for subject_id, row in latest.items()}


def _newest_of_each(found: Iterable[Record]) -> dict[str, Record]:
    """The newest version of each by its number: two machines need not agree on what time it is."""
    latest: dict[str, Record] = {}
    for row in found:
        if row.subject_id not in latest or latest[row.subject_id].version < row.version:
            latest[row.subject_id] = row
    return latest


def _opened_all(
    session: Session,
    ring: KeyRing,
    found: Collection[Record],
    witness: Witness | None = None,
    *,
    past: bool = False,
    keys: Mapping[str, OpenedPair] | None = None,
) -> dict[str, Opened | None]:
    if not found:
        return {}
    seeds = ring.seeds_of(session, {row.key_pair_id for row in found}) if keys is None else ()
    tickets = _tickets(ring, found, seeds)
    contents = _remembered(ring, tickets)
    closed = {row.key_pair_id for row in found if row.id not in contents}
    directly = ring.opened_by(seed for seed in seeds if seed.id in closed)
    if keys is None:
        keys = {**directly, **ring.reached_otherwise(session, closed - set(directly))}
    for row in found:
        if row.id in contents or row.key_pair_id not in keys:
            continue
        try:
            content = b"".join(_open_with(session, keys[row.key_pair_id], row))
            contents[row.id] = read_signed(content)
        except CANNOT_OPEN:
            continue
        if ring.remembered is not None and row.id in tickets and row.key_pair_id in directly:
            ring.remembered.keep(tickets[row.id], content)
    known = witness or Witness(session, ring)
    standings = known.standings(found, contents, _by_persons(found), past=past)
    return {row.id: _opened(row, contents[row.id], standings[row.id]) if row.id in contents else None for row in found}


def _tickets(ring: KeyRing, found: Iterable[Record], seeds: Iterable[Row[Any]]) -> Mapping[str, bytes]:
    """By what those of these records are found again, by id, that are remembered once they were opened."""
    if ring.remembered is None:
        return {}
    of_pairs: dict[str, list[Row[Any]]] = {}
    for seed in seeds:
        of_pairs.setdefault(seed.id, []).append(seed)
    rows = [row for row in found if row.kind in _REMEMBERED]
    tickets = {row.id: remembered.ticket(row, of_pairs.get(row.key_pair_id, ())) for row in rows}
    return {record_id: each for record_id, each in tickets.items() if each is not None}


def _remembered(ring: KeyRing, tickets: Mapping[str, bytes]) -> dict[str, Signed]:
    if ring.remembered is None:
        return {}
    found = {record_id: ring.remembered.find(ticket) for record_id, ticket in tickets.items()}
    return {record_id: read_signed(content) for record_id, content in found.items() if content is not None}


def _marked(session: Session, ring: KeyRing, row: Record, witness: Witness | None = None) -> Opened:
    content = read_signed(b"".join(_open(session, ring, row)))
    standing = (witness or Witness(session, ring)).standings([row], {row.id: content}, _by_persons([row]))[row.id]
    return _opened(row, content, standing)


def _opened(row: Record, content: Signed, standing: Standing) -> Opened:
    author_id = content.author_id if standing is Standing.GENUINE else None
    return Opened(content.content, row.version, standing, author_id, row.id in _by_persons([row]))


def _counting(found: Opened) -> Opened:
    if not found.counts:
        raise NotGenuine("A record in the database was not written by Meldpost.")
    return found


def _by_persons(found: Iterable[Record]) -> frozenset[str]:
    """Which of these only a person writes. Intake writes the first version of each, and never another."""
    return frozenset(
        row.id
        for row in found
        if row.version > 1
        or row.kind in _BY_PERSONS
        or (row.kind == RecordKind.CONTACT and row.subject_id == row.case_id)
    )


def _open(session: Session, ring: KeyRing, row: Record) -> Iterator[bytes]:
    to = OpenedPair(pair(session, row.key_pair_id), ring.private(session, row.key_pair_id))
    return _open_with(session, to, row)


def _open_with(session: Session, to: OpenedPair, row: Record) -> Iterator[bytes]:
    context = Context(row.desk, row.case_id or "", row.kind, row.subject_id, to.pair.generation, row.version)
    pieces = [row.frame] if row.frame is not None else _pieces(session, row.id)
    return open_stream(_as_digested(pieces, row.sha256), to.private, context)


def _as_digested(pieces: Iterable[bytes], sha256: bytes) -> Iterator[bytes]:
    """The sealed bytes, and at their end whether they are those that the row, and so the trail, speaks of."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    if digest.digest() != sha256:
        raise Damaged("this record is not the one whose digest was written down")


def _pieces(session: Session, record_id: str) -> Iterator[bytes]:
    number = 0
    while True:
        query = select(RecordPiece.frame).where(RecordPiece.record_id == record_id, RecordPiece.number == number)
        piece = session.scalars(query).one_or_none()
        if piece is None:
            return
        yield piece
        number += 1


def _newest(session: Session, desk: str, name: Name) -> Record:
    named = {"of_desk": desk, "subject": name.subject_id, "of_kind": name.kind}
    if name.case_id is not None:
        named["of_case"] = name.case_id
    row = session.scalars(_NEWEST_OF_NO_CASE if name.case_id is None else _NEWEST_OF_CASE, named).one_or_none()
    if row is None:
        raise NoSuchRecord(f"There is no {name.kind} record of this name.")
    return row


def _add_piece(session: Session, record_id: str, number: int, piece: bytes) -> None:
    rows.add(session, RecordPiece, record_id=record_id, number=number, frame=piece)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join a stream into pieces of about `PIECE` bytes."""
    held = bytearray()
    for piece in pieces:
        if held and len(held) + len(piece) > PIECE:
            yield bytes(held)
            held.clear()
        held += piece
    if held:
        yield bytes(held)
