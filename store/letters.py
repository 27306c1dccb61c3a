"""What a member writes to the reporter of a case: the draft, the files that go with it, sending it, taking it back.

A draft belongs to one member and one case. It is sealed to the key of who reported, since a person may write a name in
it, and its versions before are thrown away. Where the letter goes is found here and shown to nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from cases.letters import Purpose, fulfils, leads_to
from cases.lifecycle import Status
from cases.roles import May
from config.addresses import BadAddress, domain_to_ascii, without_tag
from store import changes, lookups, outbox, presence, records, rows
from store.authentic import Standing
from store.casework import NotFound, case_row, opens_identity
from store.changes import Changed
from store.keypairs import KeyKind
from store.keyring import KeyRing, PublicPair, newest_proven
from store.lookups import IndexKey
from store.outbox import NewOutgoing, OutgoingKind
from store.records import Name, NoSuchRecord, Opened, RecordKind, WrittenAtOnce
from store.schema import new_id

DISOWNED = frozenset({"dmarc_fail", "spf_fail"})
"""Flags of a message whose sender's domain says that it is not from there."""


class NoWay(StrEnum):
    """Why no letter can go to the reporter of a case."""

    CLOSED = "closed"  # the member does not open who reported
    UNKNOWN = "unknown"
    FALSE_SENDER = "false_sender"
    MACHINE = "machine"
    MERGED = "merged"


class CannotBeSent(Exception):
    """The reporter cannot be written to."""

    def __init__(self, why: NoWay) -> None:
        super().__init__(f"The reporter of this case cannot be written to: {why}.")
        self.why = why


class DraftChanged(Exception):
    """The draft was changed in another window since it was shown."""


class TooLate(Exception):
    """The letter is gone, or is being handed over right now."""


@dataclass(frozen=True)
class Recipient:
    """Where a letter goes, and which message it answers. `encrypted`: did the reporter ever write encrypted?"""

    address: str = field(repr=False)
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    encrypted: bool = False


@dataclass(frozen=True)
class Enclosure:
    """A file that goes with a letter."""

    id: str
    name: str
    content_type: str
    size: int


@dataclass(frozen=True)
class Draft:
    """A letter as far as it is written. `version` is 0 where nothing is kept yet. `known`: how many messages the case
    had as far as its writer saw. `before`: what they wrote themselves, before another text took its place."""

    purpose: Purpose
    language: str
    text: str = field(repr=False)
    files: tuple[Enclosure, ...] = ()
    version: int = 0
    known: int = 0
    before: str = field(default="", repr=False)


@dataclass(frozen=True)
class Written:
    """A letter that is ready to go: as the sender completes it (`mime`), and as the case keeps it."""

    recipient: Recipient
    subject: str
    mime: bytes = field(repr=False)
    draft: Draft


def recipient_of(session: Session, ring: KeyRing, case_id: str, own: Collection[str]) -> Recipient | NoWay:
    """Where a letter to the reporter goes: to the address that a person wrote down, else to the sender of the newest
    message that a person sent and whose domain stands by it. Never to an address that the machine found in a text, nor
    to one of the desk's `own`. Raises NotFound.
    """
    row = case_row(session, ring, case_id)
    if row.status == Status.MERGED:
        return NoWay.MERGED
    if not opens_identity(session, ring, case_id):
        return NoWay.CLOSED
    found = records.marked_of_case(session, ring, case_id, RecordKind.MESSAGE)
    messages = [each.content for each in reversed(list(found.values())) if each and _is_the_reporters(each)]
    by_persons = [content for content in messages if not content.get("automatic")]
    trusted = [content for content in by_persons if DISOWNED.isdisjoint(content.get("flags") or ())]
    answered = trusted[0] if trusted else {}
    candidates = [_written_down(session, ring, case_id), *(_sender(content) for content in trusted)]
    address = next((each for each in candidates if each and _can_be_written_to(each, own)), None)
    if address:
        encrypted = any((content.get("protection") or {}).get("encrypted") for content in by_persons)
        return Recipient(address, answered.get("message_id"), tuple(answered.get("references") or ()), encrypted)
    if by_persons and not trusted:
        return NoWay.FALSE_SENDER
    return NoWay.MACHINE if messages and not by_persons else NoWay.UNKNOWN


def draft_of(session: Session, ring: KeyRing, case_id: str) -> Draft | None:
    """What the member has written so far; None where there is nothing."""
    found = records.marked(session, ring, _draft(ring, case_id))
    if found is None or not found.counts:
        return None
    return _read(found.content, found.version)


def draft_version(session: Session, ring: KeyRing, case_id: str) -> int:
    """The version of the member's draft, whatever stands in it; 0 where there is none."""
    return records.newest_version(session, ring.desk, _draft(ring, case_id))


def keep_draft(session: Session, ring: KeyRing, index: IndexKey, case_id: str, draft: Draft, now: datetime) -> Draft:
    """Keep a draft in the place of the one that has its version; gives it with its own.

    Raises NotAllowed, NotFound, DraftChanged.
    """
    ring.require(May.WRITE)
    case_row(session, ring, case_id)
    name = _draft(ring, case_id)
    if records.newest_version(session, ring.desk, name) != draft.version:
        raise DraftChanged("This draft was changed in another window.")
    version = records.next_version(session, ring.desk, name)
    records.destroy(session, ring.desk, name)
    to = newest_proven(session, index, ring.desk, KeyKind.IDENTITY, case_id)
    content = {**_described(draft), "before": draft.before, "at": now.isoformat()}
    try:
        records.write_json(session, name, content, to, now, version=version, by=ring.author)
    except WrittenAtOnce:
        raise DraftChanged("This draft was changed in another window.") from None
    return replace(draft, version=version)


def drop_draft(session: Session, ring: KeyRing, case_id: str) -> None:
    """Throw the member's draft away, and the files that would have gone with it. Raises NotFound."""
    case_row(session, ring, case_id)
    kept = draft_of(session, ring, case_id)
    for enclosure in kept.files if kept else ():
        records.destroy(session, ring.desk, _enclosure(case_id, enclosure.id))
    records.destroy(session, ring.desk, _draft(ring, case_id))


def add_file(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    name: str,
    content_type: str,
    content: bytes,
    now: datetime,
) -> Enclosure:
    """Keep a file that is to go with a letter; the draft has to name it. Raises NotAllowed, NotFound."""
    ring.require(May.WRITE)
    case_row(session, ring, case_id)
    made = Enclosure(new_id(), name, content_type, len(content))
    to = newest_proven(session, index, ring.desk, KeyKind.IDENTITY, case_id)
    records.add(session, _enclosure(case_id, made.id), iter([content]), to, now, by=ring.author)
    rows.write(session)
    return made


def drop_file(session: Session, ring: KeyRing, case_id: str, enclosure: Enclosure) -> None:
    """Throw a file away that a draft names no longer."""
    records.destroy(session, ring.desk, _enclosure(case_id, enclosure.id))


def file_content(session: Session, ring: KeyRing, case_id: str, file_id: str) -> bytes:
    """A file of a letter. Raises NotFound, and what cannot be opened."""
    try:
        return records.opened(session, ring, _enclosure(case_id, file_id))
    except NoSuchRecord:
        raise NotFound("There is no such file in this case.") from None


def send(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    mailer: PublicPair,
    case_id: str,
    written: Written,
    *,
    version: int,
    known: int,
    not_before: datetime,
    now: datetime,
    move_on: bool = False,
) -> str:
    """Put a letter into the outbox, where it waits until `not_before`; gives its id. The draft goes.

    `move_on`: the case gets the status that such a letter leads to when it goes. The address that a letter goes to is
    known to the case from now on. Raises NotAllowed, NotFound, Changed: also where the case has more messages than are
    `known`.
    """
    ring.require(May.WRITE)
    before = Status(case_row(session, ring, case_id).status)
    draft, address = written.draft, written.recipient.address
    after = leads_to(draft.purpose, before) if move_on else None
    changes.claim_version(session, ring, case_id, version)
    if presence.first_after(session, ring, case_id, known):  # intake locks the case, too
        raise Changed("A message came in since you looked at this letter. Read it before you send.")
    outbox_id = outbox.new_outbox_id()
    copy = {
        **_described(draft),
        "kind": OutgoingKind.LETTER.value,
        "subject": written.subject,
        "to": address,
        "leads_to": after,
    }
    new = NewOutgoing(
        id=outbox_id,
        kind=OutgoingKind.LETTER,
        case_id=case_id,
        recipient=address,
        mime=written.mime,
        message_id="",
        envelope_sender="",
        copy=copy,
        not_before=not_before,
        fulfils=tuple(fulfils(draft.purpose)),
        leads_to=after,
    )
    outbox.enqueue(session, mailer, index, new, now, by=ring.author)
    lookups.remember_recipient(session, ring.desk, case_id, index.recipient(outbox_id, address))
    digest = index.address(case_id, address)
    if not lookups.knows_address(session, ring.desk, case_id, digest):
        lookups.remember_address(session, ring.desk, case_id, digest)
    records.destroy(session, ring.desk, _draft(ring, case_id))
    return outbox_id


def take_back(session: Session, ring: KeyRing, index: IndexKey, case_id: str, outbox_id: str, now: datetime) -> bool:
    """Take a letter back before it goes: it is the member's draft again.

    False: the member was writing another already, or its copy is not as a member signed it, so the letter stays among
    what was written. Raises NotAllowed, NotFound, TooLate.
    """
    ring.require(May.WRITE)
    case_row(session, ring, case_id)
    found = outbox.with_id(session, ring.desk, outbox_id)
    if found is None or found.case_id != case_id or found.kind is not OutgoingKind.LETTER:
        raise NotFound("There is no such letter in this case.")
    if not outbox.take_back(session, ring.desk, outbox_id, ring.member_id, now):
        raise TooLate("This letter is gone already, or is being handed over right now.")
    copy = _signed_copy(session, ring, case_id, outbox_id)
    if copy is None:
        return False
    if draft_version(session, ring, case_id):
        return False
    keep_draft(session, ring, index, case_id, _read(copy, 0), now)
    return True


def _signed_copy(session: Session, ring: KeyRing, case_id: str, outbox_id: str) -> Mapping[str, Any] | None:
    """What a member signed as their letter; None where that is damaged, or somebody else's words."""
    try:
        found = records.marked(session, ring, Name(case_id, outbox_id, RecordKind.OUTGOING))
    except records.CANNOT_OPEN:
        return None
    return found.content if found and found.author_id else None


def _is_the_reporters(found: Opened) -> bool:
    return found.standing is not Standing.FOREIGN and not found.content.get("sender_is_new", True)


def _written_down(session: Session, ring: KeyRing, case_id: str) -> str | None:
    """The address that a person wrote down as the reporter's."""
    found = records.marked(session, ring, Name(case_id, case_id, RecordKind.CONTACT))
    return (found.content.get("value") or {}).get("email") if found and found.counts else None


def _sender(content: Mapping[str, Any]) -> str | None:
    """From; Reply-To where that is the same mailbox, with another plus tag at most, as receipts have it."""
    sender = (content.get("from") or {}).get("address")
    answers = [one.get("address") or "" for one in content.get("reply_to") or ()]
    if sender and len(answers) == 1 and _mailbox(answers[0]) == _mailbox(sender):
        return answers[0]
    return sender


def _mailbox(address: str) -> str:
    try:
        return without_tag(address)
    except BadAddress:
        return address


def _can_be_written_to(address: str, own: Collection[str]) -> bool:
    try:
        return without_tag(domain_to_ascii(address)) not in own
    except BadAddress:
        return False


def _described(draft: Draft) -> dict[str, Any]:
    files = [asdict(each) for each in draft.files]
    return {
        "purpose": draft.purpose.value,
        "language": draft.language,
        "text": draft.text,
        "files": files,
        "known": draft.known,
    }


def _read(content: Mapping[str, Any], version: int) -> Draft:
    return Draft(
        Purpose(content["purpose"]),
        content["language"],
        content["text"],
        tuple(Enclosure(**each) for each in content["files"]),
        version,
        content.get("known", 0),
        content.get("before", ""),
    )


def _draft(ring: KeyRing, case_id: str) -> Name:
    """One draft a member and case: named by both, so that it is found without a row that says so."""
    subject_id = hashlib.sha256(f"draft of {ring.member_id} in {case_id}".encode()).hexdigest()[:32]
    return Name(case_id, subject_id, RecordKind.DRAFT)


def _enclosure(case_id: str, file_id: str) -> Name:
    return Name(case_id, file_id, RecordKind.ENCLOSURE)
