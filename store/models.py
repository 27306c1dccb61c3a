"""Models that the desk trained from its own cases: sealed to the desk, numbered, and withdrawn with a case they saw.

A list names them all, with the cases that each has seen and the one in force; each change is a new version of it.
Anybody can seal to a public key, so the list proves by the index key that it was written here, and it holds the digest
of each model. Older models stay, to go back to. A model is in force only while every case that it saw is there:
whoever destroys one, and whether they knew of the model or not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases.lifecycle import Status
from store import audit, records
from store.audit import Action
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.records import CANNOT_OPEN, Name, NoSuchRecord, RecordKind
from store.schema import Audit, CaseFile, new_id

PACKAGED = 0
"""The number of the model that comes with Meldpost, which is no record."""
_PIECE = 1024 * 1024


class NoSuchModel(Exception):
    """There is no model of this number, or it was withdrawn."""


class UnprovenModels(Exception):
    """The list of models, or a model, was not written by Meldpost, or cannot be opened: none of them is used."""


@dataclass(frozen=True)
class Version:
    """One model. `figures` is what was measured when it was made: numbers by name."""

    number: int
    id: str
    made_at: str
    by: str
    sha256: str
    case_ids: tuple[str, ...]
    figures: Mapping[str, Sequence[float]]
    withdrawn: bool = False
    form: int = 0
    """Of the model's bytes: another version of Meldpost may have another, and cannot use them. 0 is one not told."""


@dataclass(frozen=True)
class Models:
    """All models of a desk, oldest first, the number of the one in force, and of the newest when a person last chose
    which one that is."""

    versions: tuple[Version, ...] = ()
    current: int = PACKAGED
    chosen_at: int = PACKAGED

    def version(self, number: int) -> Version:
        """Raises NoSuchModel."""
        found = next((each for each in self.versions if each.number == number and not each.withdrawn), None)
        if found is None:
            raise NoSuchModel(f"There is no model {number}, or it was withdrawn.")
        return found

    @property
    def before_current(self) -> int:
        """What going back leads to: the newest that is older than the one in force, in the end the packaged one."""
        older = (each.number for each in self.versions if each.number < self.current and not each.withdrawn)
        return max(older, default=PACKAGED)

    @property
    def seen(self) -> frozenset[str]:
        """The cases that the model in force has learned from."""
        return frozenset(self.version(self.current).case_ids) if self.current != PACKAGED else frozenset()


def kept(session: Session, ring: KeyRing, index: IndexKey) -> Models:
    """The desk's list of models. Raises UnprovenModels."""
    try:
        content, version = records.opened_json_or_none(session, ring, _list_of(ring.desk))
    except CANNOT_OPEN:
        raise UnprovenModels("The list of the desk's models cannot be opened.") from None
    if content is None:
        return Models()
    written, proof = str(content.get("list")), str(content.get("proof"))
    if not hmac.compare_digest(proof, _proof(index, ring.desk, version, written)):
        raise UnprovenModels("The list of the desk's models in the database was not written by Meldpost.")
    described = json.loads(written)
    versions = [{**each, "case_ids": tuple(each["case_ids"])} for each in described["versions"]]
    return Models(
        tuple(Version(**each) for each in versions), described["current"], described.get("chosen_at", PACKAGED)
    )


def add(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    content: bytes,
    case_ids: Iterable[str],
    figures: Mapping[str, Sequence[float]],
    now: datetime,
    form: int = 0,
) -> int:
    """Keep a new model, and put it in force; gives its number. Raises UnprovenModels, WrittenAtOnce."""
    before = kept(session, ring, index)
    number = max((each.number for each in before.versions), default=PACKAGED) + 1
    made = Version(
        number=number,
        id=new_id(),
        made_at=now.isoformat(),
        by=ring.member_id,
        sha256=hashlib.sha256(content).hexdigest(),
        case_ids=tuple(case_ids),
        figures=figures,
        form=form,
    )
    to = ring.to_desk(session)
    records.add(session, _model(made), _pieces(content), to, now, by=ring.author)
    _write(session, ring, index, Models((*before.versions, made), number, before.chosen_at), now)
    _note(session, ring, Action.MODEL_TRAINED, now, {"number": number, "cases": len(made.case_ids)})
    return number


def refused(session: Session, ring: KeyRing, figures: Mapping[str, Sequence[float]], now: datetime) -> None:
    """Put onto the trail that a model was trained and did worse."""
    _note(session, ring, Action.MODEL_REFUSED, now, {"figures": figures})


def use(session: Session, ring: KeyRing, index: IndexKey, number: int, now: datetime) -> None:
    """Put a model in force, or with PACKAGED none. Raises NoSuchModel, UnprovenModels, WrittenAtOnce."""
    before = kept(session, ring, index)
    if number != PACKAGED:
        before.version(number)
    newest = max((each.number for each in before.versions), default=PACKAGED)
    _write(session, ring, index, replace(before, current=number, chosen_at=newest), now)
    _note(session, ring, Action.MODEL_CHOSEN, now, {"number": number})


def withdraw_outlived(session: Session, ring: KeyRing, index: IndexKey, now: datetime) -> tuple[int, ...]:
    """Destroy the models that saw a case which is not there any more; gives their numbers. Raises UnprovenModels.

    In force is then the newest that is older, in the end the packaged one.
    """
    before = kept(session, ring, index)
    gone = _gone(session, ring.desk, before)
    struck = [each for each in before.versions if not each.withdrawn and gone.intersection(each.case_ids)]
    numbers = tuple(each.number for each in struck)
    if not struck:
        return ()
    for each in struck:
        records.destroy(session, ring.desk, _model(each))
    left = tuple(
        replace(each, withdrawn=True, case_ids=()) if each.number in numbers else each for each in before.versions
    )
    after = replace(before, versions=left)
    current = after.before_current if before.current in numbers else before.current
    _write(session, ring, index, replace(after, current=current), now)
    for number in numbers:
        _note(session, ring, Action.MODEL_WITHDRAWN, now, {"number": number})
    return numbers


def in_force(session: Session, ring: KeyRing, index: IndexKey) -> bytes | None:
    """The model in force, opened; None where that is the packaged one. Raises UnprovenModels.

    One that saw a case which is gone is not given: then an older one is in force, or the packaged one.
    """
    models = kept(session, ring, index)
    gone = _gone(session, ring.desk, models)
    good = [e for e in models.versions if e.number <= models.current and not e.withdrawn and not gone & {*e.case_ids}]
    if not good:
        return None
    version = good[-1]
    try:
        content = records.opened(session, ring, _model(version))
    except (NoSuchRecord, *CANNOT_OPEN):
        raise UnprovenModels("The desk's model in force cannot be opened.") from None
    if hashlib.sha256(content).hexdigest() != version.sha256:
        raise UnprovenModels("The desk's model in force was not written by Meldpost.")
    return content


def training_due(session: Session, ring: KeyRing, index: IndexKey, form: int) -> bool:
    """Is the newest model of no use any more, and did nobody choose another since? Raises UnprovenModels.

    It saw a case that is gone, or is not of the form that this version of Meldpost can use.
    """
    models = kept(session, ring, index)
    if not models.versions or models.versions[-1].number <= models.chosen_at:
        return False
    newest = models.versions[-1]
    return newest.withdrawn or newest.form != form or bool(_gone(session, ring.desk, models) & {*newest.case_ids})


def outlived_on_trail(session: Session, desk: str) -> bool:
    """The same by the trail alone, for who has no key that opens the list: has the model that was trained last seen a
    case that is gone? Only cases from which the training before it, or one that was refused, learned too may count
    wrongly."""
    ended = (Action.MODEL_TRAINED, Action.MODEL_REFUSED)
    trained = _last(session, desk, (Action.MODEL_TRAINED,))
    if trained is None:
        return False
    since = _last(session, desk, (Action.MODEL_CHOSEN,)) or 0
    withdrawn = _last(session, desk, (Action.MODEL_WITHDRAWN,)) or 0
    if since > max(trained, withdrawn):
        return False
    taught = select(Audit.case_id).where(
        Audit.desk == desk,
        Audit.action == Action.TAUGHT,
        Audit.id < trained,
        Audit.id > (_last(session, desk, ended, before=trained) or 0),
    )
    there = select(CaseFile.id).where(CaseFile.desk == desk, CaseFile.status != Status.DESTROYED)
    return withdrawn > trained or session.scalar(taught.where(Audit.case_id.not_in(there)).limit(1)) is not None


def _last(session: Session, desk: str, actions: Sequence[Action], before: int | None = None) -> int | None:
    """The newest row of the trail about one of these."""
    rows = select(func.max(Audit.id)).where(Audit.desk == desk, Audit.action.in_(actions))
    return session.scalar(rows if before is None else rows.where(Audit.id < before))


def _gone(session: Session, desk: str, models: Models) -> set[str]:
    """The cases that some model saw, and that are there no more."""
    there = set(session.scalars(select(CaseFile.id).where(CaseFile.desk == desk, CaseFile.status != Status.DESTROYED)))
    return {case_id for each in models.versions for case_id in each.case_ids} - there


def _write(session: Session, ring: KeyRing, index: IndexKey, models: Models, now: datetime) -> None:
    name = _list_of(ring.desk)
    version = records.next_version(session, ring.desk, name)
    described = asdict(models)
    written = json.dumps(described, sort_keys=True)
    content = {"list": written, "proof": _proof(index, ring.desk, version, written)}
    to = ring.to_desk(session)
    records.write_json(session, name, content, to, now, version=version, by=ring.author)


def _note(session: Session, ring: KeyRing, action: Action, now: datetime, detail: Mapping[str, Any]) -> None:
    to = ring.to_desk(session)
    audit.write(session, ring.desk, action, now, member_id=ring.member_id, detail=detail, to=to)
    session.flush()


def _proof(index: IndexKey, desk: str, version: int, written: str) -> str:
    return index.models(desk, version, written.encode()).hex()


def _list_of(desk: str) -> Name:
    """The one record that a desk has of this kind: its subject follows from the desk."""
    return Name(None, hashlib.sha256(b"models of " + desk.encode()).hexdigest()[:32], RecordKind.MODELS)


def _model(version: Version) -> Name:
    return Name(None, version.id, RecordKind.MODEL)


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
