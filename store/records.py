"""Sealed records: writing them to a public key, opening them with a private one, large ones in pieces.

A record is named by its subject (a message, an attachment, a case, ...), its kind and its version; the seal binds it
to that name, its desk and its case. Versions are kept: the newest counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import audit, rows
from store.audit import Action
from store.frame import Context, SealError
from store.keyring import KeyRing, NoSuchKey, PublicPair, pair
from store.schema import Record, RecordPiece, new_id
from store.sealing import open_stream, seal_stream

PIECE = 1024 * 1024
"""Sealed bytes in a row of `record_piece`."""


class RecordKind(StrEnum):
    """What a record is. To the identity key go those that tell who the reporter is, to the case key the others."""

    RAW = "raw"  # the mail as it came
    MESSAGE = "message"  # headers and text as written
    ATTACHMENT = "attachment"
    CONTACT = "contact"
    OUTGOING = "outgoing"  # a copy of what was written to the reporter
    REPORT = "report"
    MASKED = "masked"  # the text without what tells who wrote it
    CARD = "card"
    DECISIONS = "decisions"
    FIRST_LOOK = "first_look"
    OUTCOME = "outcome"
    NOTE = "note"
    MEMBER = "member"  # name and role of a member, to the desk key
    PROFILE = "profile"  # the same, to the member's own key: they know their role without the desk key
    MODEL = "model"  # what the desk trained, to the desk key
    MODELS = "models"  # which models there are, what each has seen, and which is in force; to the desk key


CANNOT_OPEN = (SealError, NoSuchKey, ValueError)
"""What is raised where a record is there, and cannot be opened: somebody changed the database, or it is damaged."""


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


def add(
    session: Session,
    name: Name,
    content: Iterable[bytes],
    to: PublicPair,
    now: datetime,
    *,
    version: int = 1,
    member_id: str | None = None,
) -> int:
    """Seal content of any length, in constant memory, with its row on the trail; gives the size of the frame.

    For a subject that is new itself: of another, somebody else may write the same version (`write_json`).
    """
    sealed = _seal(session, name, content, to, version)
    _add_row(session, name, sealed, to, version, now)
    _note(session, name, sealed, to, version, now, Action.RECORD, member_id)
    return sealed.size


def reseal(session: Session, ring: KeyRing, record_id: str, to: PublicPair, now: datetime) -> None:
    """Seal one version of a record anew, to another key, in constant memory; the old frame goes.

    Name, version and age stay as they are. The trail gets a further row about this version: the newest holds the digest
    of the frame that is there. Raises what CANNOT_OPEN holds, and then changes nothing.
    """
    row = session.get_one(Record, record_id)
    for _ in _open(session, ring, row):
        pass  # to the end, for only then it is whole
    name = Name(row.case_id, row.subject_id, RecordKind(row.kind))
    version, created_at = row.version, row.created_at
    sealed = _seal(session, name, _open(session, ring, row), to, version)
    _delete(session, [record_id])
    _add_row(session, name, sealed, to, version, created_at)
    _note(session, name, sealed, to, version, now, Action.RESEALED, ring.member_id)
    rows.write(session)


@dataclass(frozen=True)
class _Frame:
    """A sealed record on its way into the database; `held` is all of it where it is small, and its pieces are written
    otherwise."""

    record_id: str
    sha256: bytes
    size: int
    held: bytes | None


def _seal(session: Session, name: Name, content: Iterable[bytes], to: PublicPair, version: int) -> _Frame:
    record_id = new_id()
    context = Context(to.desk, name.case_id or "", name.kind, name.subject_id, to.generation, version)
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
    return _Frame(record_id, digest.digest(), size, held)


def _add_row(session: Session, name: Name, sealed: _Frame, to: PublicPair, version: int, created_at: datetime) -> None:
    rows.add(
        session,
        Record,
        id=sealed.record_id,
        desk=to.desk,
        case_id=name.case_id,
        subject_id=name.subject_id,
        kind=name.kind,
        version=version,
        key_pair_id=to.id,
        sha256=sealed.sha256,
        size=sealed.size,
        frame=sealed.held,
        created_at=created_at,
    )


def _note(
    session: Session,
    name: Name,
    sealed: _Frame,
    to: PublicPair,
    version: int,
    now: datetime,
    action: Action,
    member_id: str | None,
) -> None:
    audit.write_record(
        session,
        to.desk,
        now,
        action=action,
        member_id=member_id,
        case_id=name.case_id,
        subject_id=name.subject_id,
        kind=name.kind,
        version=version,
        sha256=sealed.sha256,
    )


def write_json(
    session: Session,
    name: Name,
    content: Mapping[str, Any],
    to: PublicPair,
    now: datetime,
    *,
    version: int = 1,
    member_id: str | None = None,
) -> None:
    """Seal one JSON object, in the next version of a record. Raises WrittenAtOnce."""
    add_json(session, name, content, to, now, version=version, member_id=member_id)
    try:
        rows.write(session)
    except IntegrityError:
        raise WrittenAtOnce("Another wrote this record at the same moment.") from None


def add_json(
    session: Session,
    name: Name,
    content: Mapping[str, Any],
    to: PublicPair,
    now: datetime,
    *,
    version: int = 1,
    member_id: str | None = None,
) -> None:
    """Seal one JSON object about a subject that is new itself."""
    encoded = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
    add(session, name, [encoded], to, now, version=version, member_id=member_id)


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


def chunks(session: Session, ring: KeyRing, name: Name) -> Iterator[bytes]:
    """The newest version, opened piece by piece, in constant memory. Raises NoSuchRecord, SealError."""
    row = _newest(session, ring.desk, name)
    return _open(session, ring, row)


def opened(session: Session, ring: KeyRing, name: Name) -> bytes:
    """The newest version, whole."""
    return b"".join(chunks(session, ring, name))


def opened_json(session: Session, ring: KeyRing, name: Name) -> dict[str, Any]:
    """The newest version of a JSON object."""
    return _json(opened(session, ring, name))


def opened_json_or_none(session: Session, ring: KeyRing, name: Name) -> tuple[dict[str, Any] | None, int]:
    """The newest version of a JSON object and its number; None and 0 where there is none yet."""
    try:
        row = _newest(session, ring.desk, name)
    except NoSuchRecord:
        return None, 0
    return _json(b"".join(_open(session, ring, row))), row.version


def opened_of_case(
    session: Session, ring: KeyRing, case_id: str, kind: RecordKind
) -> Mapping[str, dict[str, Any] | None]:
    """All JSON records of one kind in a case, by their subject; the newest version of each, oldest subject first.

    None in the place of one that cannot be opened: a damaged record hides no other.
    """
    found = session.scalars(
        select(Record)
        .where(Record.desk == ring.desk, Record.case_id == case_id, Record.kind == kind)
        .order_by(Record.created_at, Record.version)
    )
    return _latest(session, ring, found)


def opened_of_subjects(
    session: Session, ring: KeyRing, subject_ids: Iterable[str], kind: RecordKind
) -> Mapping[str, dict[str, Any]]:
    """The newest JSON record of one kind about each of these subjects, without those that cannot be opened."""
    wanted = list(subject_ids)
    found = session.scalars(
        select(Record)
        .where(Record.desk == ring.desk, Record.subject_id.in_(wanted), Record.kind == kind)
        .order_by(Record.version)
    )
    return {subject_id: record for subject_id, record in _latest(session, ring, found).items() if record is not None}


def _latest(session: Session, ring: KeyRing, found: Iterable[Record]) -> dict[str, dict[str, Any] | None]:
    """The newest version of each by its number: two machines need not agree on what time it is."""
    latest: dict[str, Record] = {}
    for row in found:
        if row.subject_id not in latest or latest[row.subject_id].version < row.version:
            latest[row.subject_id] = row
    return {subject_id: _opened_or_none(session, ring, row) for subject_id, row in latest.items()}


def _opened_or_none(session: Session, ring: KeyRing, row: Record) -> dict[str, Any] | None:
    try:
        return _json(b"".join(_open(session, ring, row)))
    except CANNOT_OPEN:
        return None


def _open(session: Session, ring: KeyRing, row: Record) -> Iterator[bytes]:
    to = pair(session, row.key_pair_id)
    context = Context(row.desk, row.case_id or "", row.kind, row.subject_id, to.generation, row.version)
    pieces = [row.frame] if row.frame is not None else _pieces(session, row.id)
    return open_stream(pieces, ring.private(session, to.id), context)


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
    row = session.scalars(
        select(Record)
        .where(Record.desk == desk, Record.subject_id == name.subject_id, Record.kind == name.kind)
        .where(Record.case_id.is_(None) if name.case_id is None else Record.case_id == name.case_id)
        .order_by(Record.version.desc())
        .limit(1)
    ).one_or_none()
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


def _json(content: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(content.decode("utf-8", "surrogatepass"))
    return parsed
