"""Writing a mail that was read into the store: the middle of the one transaction of intake.

The caller opens the transaction, calls `open_case` or `add_message`, enqueues the receipt, settles the ledger, commits.
Only public keys are at hand. A new case's private keys exist for a moment, are sealed to the desk and to the recovery
key, and are forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases.lifecycle import Status
from cases.terms import DueKind
from store import access_list, audit, lookups, merging, records, rows
from store.access_list import AccessList
from store.alike import marks
from store.audit import Action
from store.database import changed_rows
from store.dues import set_first_dues
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import CaseKeys as CaseKeys
from store.keyring import DeskPublicKeys, PublicPair, add_pair, newest_proven, seal_seed
from store.lookups import IndexKey
from store.records import Name, RecordKind
from store.restriction import Restriction
from store.schema import Attachment, CaseFile, Message, new_id
from store.signing import Author

Chunks = Callable[[], Iterator[bytes]]


class NoSuchCase(Exception):
    """The case is not there (any more), or belongs to another desk."""


@dataclass(frozen=True)
class NewAttachment:
    name: str = field(repr=False)
    content_type: str
    size: int
    inline: bool
    content_id: str | None
    chunks: Chunks = field(repr=False)
    found: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What was read in it: the shape of docs/flow.md."""


@dataclass(frozen=True)
class NewMessage:
    """What is known of a mail. `content`, `contact` and `report` have the shapes of docs/flow.md, {} where unknown.

    `message_ids` are its own Message-ID and those it refers to; `sender` the address in From, None where unsure.
    """

    received_at: datetime
    state: Literal["read", "unreadable", "too_large"]
    raw: Chunks = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    contact: Mapping[str, Any] = field(repr=False)
    report: Mapping[str, Any] = field(repr=False)
    masked_text: str = field(repr=False)
    attachments: Sequence[NewAttachment] = field(repr=False)
    message_ids: Sequence[str] = field(repr=False)
    sender: str | None = field(repr=False)
    masked_subject: str = field(default="", repr=False)


@dataclass(frozen=True)
class TakenIn:
    case_id: str
    message_id: str
    keys: CaseKeys


def open_case(
    session: Session,
    keys: DeskPublicKeys,
    index: IndexKey,
    new: NewMessage,
    *,
    reference: str,
    now: datetime,
    dues: Mapping[DueKind, datetime],
    linked_case: str | None = None,
    restriction: Restriction | None = None,
    case_id: str | None = None,
) -> TakenIn:
    """A new case with its first message. With a restriction it is never sealed to the desk's key. `case_id`: where
    it was chosen before, so that there is one such case at most; IntegrityError is raised by the second."""
    case_keys = begin_case(
        *(session, keys, index),
        reference=reference,
        now=now,
        linked_case=linked_case,
        restriction=restriction,
        case_id=case_id,
    )
    case_id = case_keys.case.owner
    taken_in = _write_message(session, case_keys, index, case_id, new, sender_is_new=False, now=now)
    alike = marks(index, new.sender, new.contact, new.report, new.masked_text)
    card = merging.card(
        reference,
        new.report,
        merging.marks([new.report]),
        merging.scores(new.report, is_linked=linked_case is not None),
        alike,
    )
    records.add_json(session, Name(case_id, case_id, RecordKind.CARD), card, case_keys.case, now)
    if new.sender:
        lookups.remember_address(session, keys.desk, case_id, index.address(case_id, new.sender))
    set_first_dues(session, keys.desk, case_id, dues)
    return taken_in


def begin_case(
    session: Session,
    keys: DeskPublicKeys,
    index: IndexKey,
    *,
    reference: str,
    now: datetime,
    linked_case: str | None = None,
    restriction: Restriction | None = None,
    case_id: str | None = None,
) -> CaseKeys:
    """The row and the keys of a new case; the caller writes its first message, its card and its dues."""
    chosen, case_id = case_id is not None, case_id or new_id()
    rows.add(
        session,
        CaseFile,
        id=case_id,
        desk=keys.desk,
        status=Status.RECEIVED,
        version=1,
        restricted=restriction is not None,
        reference_digest=index.reference(reference),
        linked_case_id=linked_case,
        opened_at=now,
    )
    if chosen:
        rows.write(session)  # now, so that who is second is told by this row and no other
    return _new_keys(session, keys, index, case_id, restriction, now)


def add_message(
    session: Session,
    keys: DeskPublicKeys,
    index: IndexKey,
    case_id: str,
    new: NewMessage,
    *,
    sender_is_new: bool,
    now: datetime,
) -> TakenIn:
    """A further message of a case, sealed to its newest keys. Raises NoSuchCase, UnprovenKey.

    The case's row is locked first, so that its keys cannot be made anew meanwhile. A sender who is new to the case is
    marked so and stays unknown to it until a person says otherwise.
    """
    there = (CaseFile.id == case_id, CaseFile.desk == keys.desk, CaseFile.status != Status.DESTROYED)
    found = select(CaseFile.id).where(*there).with_for_update()
    if session.scalars(found).one_or_none() is None:
        raise NoSuchCase("The case that this mail belongs to is not there any more.")
    case_keys = CaseKeys(
        case=newest_proven(session, index, keys.desk, KeyKind.CASE, case_id),
        identity=newest_proven(session, index, keys.desk, KeyKind.IDENTITY, case_id),
    )
    if new.sender and not sender_is_new:
        address = index.address(case_id, new.sender)
        if not lookups.knows_address(session, keys.desk, case_id, address):  # known to a case that went into this one
            lookups.remember_address(session, keys.desk, case_id, address)
    records.changed(session, case_id)
    return _write_message(session, case_keys, index, case_id, new, sender_is_new=sender_is_new, now=now)


def end_waiting(session: Session, keys: CaseKeys, now: datetime) -> bool:
    """The reporter answered: a case that waited for them is to be looked at again. Did it wait?

    Where it stood before nobody tells without a key. Its version stays, which counts what persons write.
    """
    case_id, before, after = keys.case.owner, Status.AWAITING_REPORTER, Status.ASSESSING
    waited = update(CaseFile).where(CaseFile.id == case_id, CaseFile.status == before)
    if changed_rows(session, waited.values(status=after)) != 1:
        return False
    detail = {"from": before, "to": after, "outcome": None}
    audit.write(session, keys.case.desk, Action.STATUS, now, case_id=case_id, detail=detail, to=keys.case)
    return True


def _new_keys(
    session: Session,
    keys: DeskPublicKeys,
    index: IndexKey,
    case_id: str,
    restriction: Restriction | None,
    now: datetime,
) -> CaseKeys:
    """Both key pairs of a new case. Their private halves go out of scope here: nobody but those to whom they are sealed
    has them, and the recovery pages."""
    case, identity = generate(), generate()
    to = [keys.to_desk] if restriction is None else list(restriction.recipients.values())
    made = CaseKeys(
        case=_new_pair(session, keys, index, KeyKind.CASE, case_id, case, to, now),
        identity=_new_pair(session, keys, index, KeyKind.IDENTITY, case_id, identity, to, now),
    )
    if restriction is not None:
        _keep_out(session, made, identity, restriction, now)
    return made


def _new_pair(
    session: Session,
    keys: DeskPublicKeys,
    index: IndexKey,
    kind: KeyKind,
    case_id: str,
    private: PrivateKey,
    to: Sequence[PublicPair],
    now: datetime,
) -> PublicPair:
    pair = add_pair(session, keys.desk, kind, case_id, private.public, now, index)
    for each in (*to, keys.recovery):
        seal_seed(session, private, pair, each)
    return pair


def _keep_out(session: Session, keys: CaseKeys, identity: PrivateKey, restriction: Restriction, now: datetime) -> None:
    """Write down who opens the case and who must not, so that it stays so when its keys are made anew."""
    listed = AccessList(dict.fromkeys(restriction.recipients, True), restriction.shut_out)
    access_list.begin(session, keys, identity, listed, now)
    for member_id in sorted(restriction.shut_out):
        audit.write(
            *(session, keys.case.desk, Action.SHUT_OUT, now),
            case_id=keys.case.owner,
            subject_id=member_id,
            detail={"member": member_id, "at_intake": True, "by_link": member_id in restriction.by_link},
            to=keys.case,
        )


def _write_message(
    session: Session,
    keys: CaseKeys,
    index: IndexKey,
    case_id: str,
    new: NewMessage,
    *,
    sender_is_new: bool,
    now: datetime,
) -> TakenIn:
    message_id = new_id()
    desk = keys.case.desk
    rows.add(
        session,
        Message,
        id=message_id,
        desk=desk,
        case_id=case_id,
        state=new.state,
        received_at=new.received_at,
        taken_in_at=now,
    )
    records.add(session, Name(case_id, message_id, RecordKind.RAW), new.raw(), keys.identity, now)
    add_content(session, keys, case_id, message_id, new, sender_is_new=sender_is_new, now=now)
    digests = [index.message_id(each) for each in new.message_ids if each.strip()]
    lookups.remember_message_ids(session, desk, case_id, message_id, digests)
    audit.write(session, desk, Action.INTAKE, now, case_id=case_id, subject_id=message_id)
    return TakenIn(case_id, message_id, keys)


def add_content(
    session: Session,
    keys: CaseKeys,
    case_id: str,
    message_id: str,
    new: NewMessage,
    *,
    sender_is_new: bool,
    now: datetime,
    version: int = 1,
    by: Author | None = None,
    brought: bool = False,
) -> None:
    """Seal what a mail says, all but the mail itself, as one version of the message's records."""

    def add(kind: RecordKind, value: Mapping[str, Any], to: PublicPair) -> None:
        name = Name(case_id, message_id, kind)
        records.add_json(session, name, value, to, now, version=version, by=by)

    attachments = [
        _write_attachment(session, keys.identity, case_id, message_id, position, attachment, now, by)
        for position, attachment in enumerate(new.attachments)
    ]
    stands = {"sender_is_new": sender_is_new} | ({"brought": True} if brought else {})
    content = {**new.content, "attachments": attachments, **stands}
    add(RecordKind.MESSAGE, content, keys.identity)
    add(RecordKind.CONTACT, new.contact, keys.identity)
    add(RecordKind.REPORT, new.report, keys.case)
    masked = {
        "text": new.masked_text,
        "subject": new.masked_subject,
        "file_types": [_file_type(each) for each in new.attachments if each.found.get("inside") is None],
        "checked": False,
        **stands,
    }
    add(RecordKind.MASKED, masked, keys.case)


def _file_type(attachment: NewAttachment) -> str:
    return str(attachment.found.get("found_type") or attachment.content_type)


def _write_attachment(
    session: Session,
    identity: PublicPair,
    case_id: str,
    message_id: str,
    position: int,
    attachment: NewAttachment,
    now: datetime,
    by: Author | None,
) -> dict[str, Any]:
    """Seal one attachment byte for byte; gives what the message's content says about it."""
    attachment_id = new_id()
    name = Name(case_id, attachment_id, RecordKind.ATTACHMENT)
    size = records.add(session, name, attachment.chunks(), identity, now, by=by)
    rows.add(session, Attachment, id=attachment_id, message_id=message_id, position=position, padded_size=size)
    return {
        "id": attachment_id,
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "inline": attachment.inline,
        "content_id": attachment.content_id,
        **attachment.found,
    }
