"""The tables of the store, and for every column what it may show to somebody who reads the database.

A column is either sealed (a frame that only a private key opens) or in clear; the `info` of each says which, and for
those in clear to which entry of the list "In clear" in the design it belongs. A test holds the two together.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

SEALED = {"sealed": True}
IDS = {"clear": "ids"}
GENERATIONS = {"clear": "key generations"}
PUBLIC_KEYS = {"clear": "public keys"}
TIMES = {"clear": "times"}
STATUS = {"clear": "status"}
DUE_DATES = {"clear": "due dates and their kind"}
SIZES = {"clear": "padded sizes"}
COUNTS = {"clear": "counts"}
DIGESTS = {"clear": "the keyed digests above"}
PLACES = {"clear": "account/folder/UID"}
MEMBERS = {"clear": "members' own addresses for notices"}


def new_id() -> str:
    """An id says nothing: 128 random bits, not a count."""
    return secrets.token_hex(16)


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in Python; without a zone on SQLite, which has none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("the store takes times with a time zone only")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: UtcTime(), bytes: LargeBinary()}  # noqa: RUF012 - SQLAlchemy's own way


def _id(**more: Any) -> MappedColumn[Any]:
    return mapped_column(String(32), info=IDS, **more)


def _desk(**more: Any) -> MappedColumn[Any]:
    return mapped_column(String(64), ForeignKey("desk.slug"), info=IDS, **more)


class Desk(Base):
    __tablename__ = "desk"

    slug: Mapped[str] = mapped_column(String(64), primary_key=True, info=IDS)
    created_at: Mapped[datetime] = mapped_column(info=TIMES)
    outbox_paused_at: Mapped[datetime | None] = mapped_column(info=TIMES)


class Member(Base):
    """One person of a desk. Their name, log-in name and role are a sealed record of kind "member"."""

    __tablename__ = "member"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    login_digest: Mapped[bytes] = mapped_column(LargeBinary(32), info=DIGESTS)
    address: Mapped[str] = mapped_column(String(320), info=MEMBERS)
    wrapped_seed: Mapped[bytes] = mapped_column(info=SEALED)  # by passphrase
    created_at: Mapped[datetime] = mapped_column(info=TIMES)
    retired_at: Mapped[datetime | None] = mapped_column(info=TIMES)

    __table_args__ = (UniqueConstraint("desk", "login_digest"),)


class KeyPair(Base):
    """The public half of a key pair. `owner` is a case's or a member's id, or empty for the desk's own.

    `proof` is a digest of a case's pair under the desk's index key: intake seals later mail to no pair without it.
    """

    __tablename__ = "key_pair"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    owner: Mapped[str] = _id(default="")
    kind: Mapped[str] = mapped_column(String(16), info=IDS)
    generation: Mapped[int] = mapped_column(info=GENERATIONS)
    public: Mapped[bytes] = mapped_column(info=PUBLIC_KEYS)
    proof: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)
    created_at: Mapped[datetime] = mapped_column(info=TIMES)
    retired_at: Mapped[datetime | None] = mapped_column(info=TIMES)

    __table_args__ = (UniqueConstraint("desk", "owner", "kind", "generation"),)


class SealedSeed(Base):
    """The private half of one key pair, sealed to the public half of another."""

    __tablename__ = "sealed_seed"

    key_pair_id: Mapped[str] = mapped_column(String(32), ForeignKey("key_pair.id"), primary_key=True, info=IDS)
    recipient_key_pair_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("key_pair.id"), primary_key=True, index=True, info=IDS
    )
    frame: Mapped[bytes] = mapped_column(info=SEALED)


class PublicSigningKey(Base):
    """The public half of a signing key. `owner` is a member's id, or empty for the desk's own.

    `certificate` is the signature that makes it count: of a desk's by the generation before it (of the first by
    itself), of a member's by the desk. `own_signature` is its own. Both are over the columns before them, but the id,
    over `created_at` and the hybrid public key.
    """

    __tablename__ = "signing_key"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    owner: Mapped[str] = _id(default="")
    generation: Mapped[int] = mapped_column(info=GENERATIONS)
    public: Mapped[bytes] = mapped_column(LargeBinary(32), info=PUBLIC_KEYS)
    own_signature: Mapped[bytes] = mapped_column(LargeBinary(64), info=PUBLIC_KEYS)
    certificate: Mapped[bytes] = mapped_column(LargeBinary(64), info=PUBLIC_KEYS)
    created_at: Mapped[datetime] = mapped_column(info=TIMES)

    __table_args__ = (UniqueConstraint("desk", "owner", "generation"),)


_TO_FOLD = text("changes <> folded")
_TAKEN = text("taken_by_id IS NOT NULL")


class CaseFile(Base):
    __tablename__ = "case_file"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    status: Mapped[str] = mapped_column(String(32), info=STATUS)
    version: Mapped[int] = mapped_column(info=COUNTS)  # how often a person wrote
    restricted: Mapped[bool] = mapped_column(default=False, info=STATUS)  # kept from the desk's key
    changes: Mapped[int] = mapped_column(default=1, info=COUNTS)  # how often anything of it that is searched changed
    folded: Mapped[int] = mapped_column(default=0, info=COUNTS)  # at which of these the desk's search index read it
    reference_digest: Mapped[bytes] = mapped_column(LargeBinary(32), info=DIGESTS)
    linked_case_id: Mapped[str | None] = mapped_column(String(32), index=True, info=IDS)
    merged_into_id: Mapped[str | None] = mapped_column(String(32), info=IDS)
    taken_by_id: Mapped[str | None] = mapped_column(String(32), info=IDS)  # the member who has it
    opened_at: Mapped[datetime] = mapped_column(info=TIMES)
    closed_at: Mapped[datetime | None] = mapped_column(info=TIMES)

    __table_args__ = (
        UniqueConstraint("desk", "reference_digest"),
        Index("ix_case_file_queue", "desk", "status", "opened_at", "restricted", "id", "taken_by_id"),
        Index(
            "ix_case_file_taken",
            *("desk", "taken_by_id", "status", "restricted", "id"),
            sqlite_where=_TAKEN,
            postgresql_where=_TAKEN,
        ),
        Index(
            "ix_case_file_restricted",
            "desk",
            "restricted",
            "id",
            sqlite_where=text("restricted IS 1"),
            postgresql_where=text("restricted IS true"),
        ),
        Index("ix_case_file_to_fold", "desk", "opened_at", sqlite_where=_TO_FOLD, postgresql_where=_TO_FOLD),
    )


class Message(Base):
    __tablename__ = "message"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    case_id: Mapped[str] = mapped_column(String(32), ForeignKey("case_file.id"), index=True, info=IDS)
    state: Mapped[str] = mapped_column(String(16), info=STATUS)  # read, unreadable, too_large
    received_at: Mapped[datetime] = mapped_column(info=TIMES)
    taken_in_at: Mapped[datetime] = mapped_column(info=TIMES)
    seen_at: Mapped[datetime | None] = mapped_column(info=TIMES)

    __table_args__ = (
        Index(
            "ix_message_unseen",
            "desk",
            "seen_at",  # always the same here, but SQLite chooses the index by it
            "case_id",
            sqlite_where=text("seen_at IS NULL"),
            postgresql_where=text("seen_at IS NULL"),
        ),
        Index("ix_message_taken_in", "desk", "taken_in_at"),
    )


class Attachment(Base):
    __tablename__ = "attachment"

    id: Mapped[str] = _id(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(32), ForeignKey("message.id"), index=True, info=IDS)
    position: Mapped[int] = mapped_column(info=COUNTS)
    padded_size: Mapped[int] = mapped_column(BigInteger, info=SIZES)


class Record(Base):
    """One version of one sealed record: what it is about (`subject_id`), its kind and version name it.

    Its frame stands here when small, otherwise in pieces. `signature` is over what names it, its key pair and its
    digest, by the member `signed_by` (empty: the desk itself) who sealed it; none where the program did by itself.
    """

    __tablename__ = "record"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    case_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("case_file.id"), index=True, info=IDS)
    subject_id: Mapped[str] = _id()
    kind: Mapped[str] = mapped_column(String(16), info=IDS)
    version: Mapped[int] = mapped_column(info=GENERATIONS)
    key_pair_id: Mapped[str] = mapped_column(String(32), ForeignKey("key_pair.id"), index=True, info=IDS)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), info=DIGESTS)  # of the ciphertext
    size: Mapped[int] = mapped_column(BigInteger, info=SIZES)
    frame: Mapped[bytes | None] = mapped_column(info=SEALED)
    signed_by: Mapped[str | None] = _id()
    signature: Mapped[bytes | None] = mapped_column(LargeBinary(64), info=DIGESTS)
    created_at: Mapped[datetime] = mapped_column(info=TIMES)

    __table_args__ = (UniqueConstraint("subject_id", "kind", "version"),)


class RecordPiece(Base):
    """A stretch of a large frame. Pieces are written before their record is, which knows their digest and size."""

    __tablename__ = "record_piece"

    record_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("record.id", deferrable=True, initially="DEFERRED"), primary_key=True, info=IDS
    )
    number: Mapped[int] = mapped_column(primary_key=True, info=COUNTS)
    frame: Mapped[bytes] = mapped_column(info=SEALED)


_LYING = (text("moved_at IS NOT NULL"), text("expunged_at IS NULL"))


class Ledger(Base):
    """What was done with each mail of each account. Its rows outlive the case: no foreign keys to it."""

    __tablename__ = "ledger"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    account: Mapped[str] = mapped_column(String(64), info=PLACES)
    folder: Mapped[str] = mapped_column(String(255), info=PLACES)
    uidvalidity: Mapped[int] = mapped_column(BigInteger, info=PLACES)
    uid: Mapped[int] = mapped_column(BigInteger, info=PLACES)
    state: Mapped[str] = mapped_column(String(16), info=STATUS)  # attempted, settled, duplicate, gone
    attempts: Mapped[int] = mapped_column(info=COUNTS)
    fetch_failures: Mapped[int] = mapped_column(info=COUNTS)
    raw_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)
    stable_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)
    case_id: Mapped[str | None] = _id()
    message_id: Mapped[str | None] = _id()
    duplicate_of: Mapped[str | None] = mapped_column(String(32), ForeignKey("ledger.id"), info=IDS)
    first_seen_at: Mapped[datetime] = mapped_column(info=TIMES)
    settled_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    copy_started_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    moved_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    expunged_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    done_folder: Mapped[str | None] = mapped_column(String(255), info=PLACES)
    done_uidvalidity: Mapped[int | None] = mapped_column(BigInteger, info=PLACES)
    done_uid: Mapped[int | None] = mapped_column(BigInteger, info=PLACES)

    __table_args__ = (
        UniqueConstraint("account", "folder", "uidvalidity", "uid"),
        UniqueConstraint("account", "raw_digest"),
        UniqueConstraint("account", "stable_digest"),
        Index("ix_ledger_account_moved", "account", "moved_at"),
        Index("ix_ledger_account_state", "account", "state"),
        Index("ix_ledger_lying", "account", sqlite_where=and_(*_LYING), postgresql_where=and_(*_LYING)),
    )


LYING = (Ledger.moved_at.is_not(None), Ledger.expunged_at.is_(None))
"""Taken in, and still readable in the done folder."""


class Mailbox(Base):
    """What was known of a folder at first contact: mail up to `held_until_uid` gets no receipt by itself."""

    __tablename__ = "mailbox"

    account: Mapped[str] = mapped_column(String(64), primary_key=True, info=PLACES)
    folder: Mapped[str] = mapped_column(String(255), primary_key=True, info=PLACES)
    uidvalidity: Mapped[int] = mapped_column(BigInteger, primary_key=True, info=PLACES)
    held_until_uid: Mapped[int] = mapped_column(BigInteger, info=PLACES)
    first_seen_at: Mapped[datetime] = mapped_column(info=TIMES)


class MailboxClaim(Base):
    """Who reads an account now, and until when."""

    __tablename__ = "mailbox_claim"

    account: Mapped[str] = mapped_column(String(64), primary_key=True, info=PLACES)
    holder: Mapped[str | None] = mapped_column(String(64), info=IDS)
    lease_until: Mapped[datetime | None] = mapped_column(info=TIMES)


class MailboxLook(Base):
    """When an account was last read to its end, and how many mails had no result then."""

    __tablename__ = "mailbox_look"

    account: Mapped[str] = mapped_column(String(64), primary_key=True, info=PLACES)
    desk: Mapped[str] = _desk()
    looked_at: Mapped[datetime] = mapped_column(info=TIMES)
    waiting: Mapped[int] = mapped_column(info=COUNTS)


class Lookup(Base):
    __tablename__ = "lookup"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    kind: Mapped[str] = mapped_column(String(16), info=IDS)  # message_id, address, recipient, came_back, partner_number
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), info=DIGESTS)
    case_id: Mapped[str] = mapped_column(String(32), ForeignKey("case_file.id"), index=True, info=IDS)
    message_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("message.id"), info=IDS)

    __table_args__ = (Index("ix_lookup_desk_kind_digest", "desk", "kind", "digest"),)


class Due(Base):
    __tablename__ = "due"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    case_id: Mapped[str] = mapped_column(String(32), ForeignKey("case_file.id"), info=IDS)
    kind: Mapped[str] = mapped_column(String(32), info=DUE_DATES)
    step: Mapped[int] = mapped_column(info=COUNTS)
    due_at: Mapped[datetime] = mapped_column(info=DUE_DATES)
    wake_at: Mapped[datetime | None] = mapped_column(info=DUE_DATES)  # when the program looks at it next
    state: Mapped[str] = mapped_column(String(16), info=STATUS)  # open, done, cancelled
    claim: Mapped[str | None] = _id()
    lease_until: Mapped[datetime | None] = mapped_column(info=TIMES)
    settled_at: Mapped[datetime | None] = mapped_column(info=TIMES)

    __table_args__ = (
        UniqueConstraint("case_id", "kind", "step"),
        Index("ix_due_state_wake_at", "state", "wake_at"),
        Index("ix_due_case_id_state", "case_id", "state"),
        Index("ix_due_queue", "desk", "state", "due_at", "case_id", "kind"),
        Index("ix_due_of_cases", "desk", "state", "case_id", "due_at", "kind"),
        Index("ix_due_of_a_kind", "desk", "kind", "state", "case_id"),
    )


class LegalHold(Base):
    """A case is not destroyed while a hold on it is not lifted. The reasons stand on the trail, sealed."""

    __tablename__ = "legal_hold"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    case_id: Mapped[str] = mapped_column(String(32), ForeignKey("case_file.id"), index=True, info=IDS)
    set_by_id: Mapped[str] = _id()
    set_at: Mapped[datetime] = mapped_column(info=TIMES)
    lifted_by_id: Mapped[str | None] = _id()
    lifted_at: Mapped[datetime | None] = mapped_column(info=TIMES)


class Destruction(Base):
    """A case that is being destroyed, or is. Outlives the case: no foreign key to it.

    Its keys went when the row was made. `member_id`: who had it destroyed before its time. `proof` is a digest of the
    row under the desk's index key, by which a member knows later what to declare.
    """

    __tablename__ = "destruction"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    case_id: Mapped[str] = _id(unique=True)
    member_id: Mapped[str | None] = _id()
    begun_at: Mapped[datetime] = mapped_column(info=TIMES)
    ended_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    swept_at: Mapped[datetime | None] = mapped_column(info=TIMES)  # when the database's free pages were emptied
    declared_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    records: Mapped[int] = mapped_column(info=COUNTS)
    messages: Mapped[int] = mapped_column(info=COUNTS)
    attachments: Mapped[int] = mapped_column(info=COUNTS)
    proof: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)


class Backup(Base):
    """A backup that was read back after it was written, and lies on another disk than the database."""

    __tablename__ = "backup"

    id: Mapped[str] = _id(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(info=TIMES)  # it holds what was committed before


class MailboxRecheck(Base):
    """After a restore: what lies in the done folder and is in no ledger has to be taken in again."""

    __tablename__ = "mailbox_recheck"

    account: Mapped[str] = mapped_column(String(64), primary_key=True, info=PLACES)
    asked_at: Mapped[datetime] = mapped_column(info=TIMES)


class Outbox(Base):
    """A mail on its way. Recipient, Message-ID, bounce address and MIME are in the frame, which goes when it is sent.

    The row itself stays: it is how an answer finds its case.
    """

    __tablename__ = "outbox"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    case_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("case_file.id"), index=True, info=IDS)
    member_id: Mapped[str | None] = _id()  # whom a notice is for
    kind: Mapped[str] = mapped_column(String(16), info=STATUS)  # receipt, reminder, notice: never what the report is
    state: Mapped[str] = mapped_column(String(16), info=STATUS)
    attempts: Mapped[int] = mapped_column(info=COUNTS)
    sends: Mapped[int] = mapped_column(info=COUNTS)  # how often it may have been accepted by a server: two at most
    claim: Mapped[str | None] = _id()
    lease_until: Mapped[datetime | None] = mapped_column(info=TIMES)
    not_before: Mapped[datetime] = mapped_column(info=TIMES)
    created_at: Mapped[datetime] = mapped_column(info=TIMES)
    settled_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    bounce_message_id: Mapped[str | None] = mapped_column(String(32), info=IDS)
    key_pair_id: Mapped[str] = mapped_column(String(32), ForeignKey("key_pair.id"), info=IDS)
    frame: Mapped[bytes | None] = mapped_column(info=SEALED)

    __table_args__ = (
        Index("ix_outbox_state_not_before", "state", "not_before"),
        Index(
            "ix_outbox_desk_not_before", "desk", "not_before", "kind", "state"
        ),  # all that the cap of the hour asks for
        Index(
            "ix_outbox_bounced",
            "desk",
            "bounce_message_id",
            sqlite_where=text("bounce_message_id IS NOT NULL"),
            postgresql_where=text("bounce_message_id IS NOT NULL"),
        ),
    )


class MailCap(Base):
    """One mail queued to one address on one day: a digest that changes daily, kept for two days, tied to no case."""

    __tablename__ = "mail_cap"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), info=DIGESTS)
    at: Mapped[datetime] = mapped_column(index=True, info=TIMES)

    __table_args__ = (Index("ix_mail_cap_desk_digest_at", "desk", "digest", "at"),)


class MailerContact(Base):
    __tablename__ = "mailer_contact"

    case_id: Mapped[str] = mapped_column(String(32), ForeignKey("case_file.id"), primary_key=True, info=IDS)
    desk: Mapped[str] = _desk()
    version: Mapped[int] = mapped_column(info=GENERATIONS)
    key_pair_id: Mapped[str] = mapped_column(String(32), ForeignKey("key_pair.id"), info=IDS)
    frame: Mapped[bytes] = mapped_column(info=SEALED)
    updated_at: Mapped[datetime] = mapped_column(info=TIMES)


class Audit(Base):
    """Who did what, when; rows are only ever added. No foreign keys to a case: the trail outlives it.

    Each is a link of a chain (`store/chains.py`), but those from before there were any.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True, info=IDS
    )
    desk: Mapped[str] = _desk()
    at: Mapped[datetime] = mapped_column(info=TIMES)
    action: Mapped[str] = mapped_column(String(32), info=STATUS)
    member_id: Mapped[str | None] = _id()
    case_id: Mapped[str | None] = _id()
    subject_id: Mapped[str | None] = _id()
    record_kind: Mapped[str | None] = mapped_column(String(16), info=IDS)
    record_version: Mapped[int | None] = mapped_column(info=GENERATIONS)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)  # of the record's ciphertext
    detail_id: Mapped[str | None] = _id()  # names the detail in its seal
    key_pair_id: Mapped[str | None] = _id()
    detail: Mapped[bytes | None] = mapped_column(info=SEALED)
    detail_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)
    chain_id: Mapped[str | None] = _id()
    number: Mapped[int | None] = mapped_column(info=COUNTS)  # in the chain, from 1 on
    previous: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)  # the hash of the row before it
    hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)

    __table_args__ = (
        Index("ix_audit_chain_id_number", "chain_id", "number", unique=True),
        Index("ix_audit_desk_at", "desk", "at"),
        Index("ix_audit_desk_case_id_at", "desk", "case_id", "at"),
        Index(
            "ix_audit_record",
            "subject_id",
            "record_kind",
            sqlite_where=text("sha256 IS NOT NULL"),
            postgresql_where=text("sha256 IS NOT NULL"),
        ),
    )


class AuditCheckpoint(Base):
    """How far the chains of a desk's trail went: a signed line, of which a copy may be kept elsewhere."""

    __tablename__ = "audit_checkpoint"

    desk: Mapped[str] = _desk(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=COUNTS)
    at: Mapped[datetime] = mapped_column(info=TIMES)
    rows: Mapped[int] = mapped_column(info=COUNTS)
    last_id: Mapped[int] = mapped_column(BigInteger(), info=IDS)
    line: Mapped[bytes] = mapped_column(info=DIGESTS)
    mailed_at: Mapped[datetime | None] = mapped_column(info=TIMES)


class AuditCovered(Base):
    """How far checkpoints cover each chain: found faster here than in their lines, which alone count."""

    __tablename__ = "audit_covered"

    chain_id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    number: Mapped[int] = mapped_column(info=COUNTS)


class Segment(Base):
    """A part of the search index, sealed so that whoever has the private half of `key_pair_id` opens it and nobody
    else makes one. It can be thrown away at any time, and is then made anew.

    Its own key goes with it: what it said of a case that is destroyed is gone with this row. `dead` of its `cases` are
    in a newer segment.
    """

    __tablename__ = "segment"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    key_pair_id: Mapped[str] = mapped_column(String(32), ForeignKey("key_pair.id"), index=True, info=IDS)
    cases: Mapped[int] = mapped_column(info=COUNTS)
    dead: Mapped[int] = mapped_column(info=COUNTS)
    size: Mapped[int] = mapped_column(BigInteger, info=SIZES)
    wrapped_key: Mapped[bytes] = mapped_column(info=SEALED)
    created_at: Mapped[datetime] = mapped_column(info=TIMES)


class SegmentPiece(Base):
    """A stretch of a sealed segment."""

    __tablename__ = "segment_piece"

    segment_id: Mapped[str] = mapped_column(String(32), ForeignKey("segment.id"), primary_key=True, info=IDS)
    number: Mapped[int] = mapped_column(primary_key=True, info=COUNTS)
    frame: Mapped[bytes] = mapped_column(info=SEALED)


class SegmentCase(Base):
    """A case that a segment was made of, as of which of its changes; not `live` once a newer segment speaks for it.

    While one of them must not be known by it any more, all of the segment has to go.
    """

    __tablename__ = "segment_case"

    case_id: Mapped[str] = mapped_column(String(32), ForeignKey("case_file.id"), primary_key=True, info=IDS)
    segment_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("segment.id"), primary_key=True, index=True, info=IDS
    )
    changes: Mapped[int] = mapped_column(info=COUNTS)
    live: Mapped[bool] = mapped_column(info=STATUS)


class LoginSession(Base):
    """A key ring sealed under a secret that only the browser's cookie holds; the id is that secret's SHA-256."""

    __tablename__ = "session"

    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, info=DIGESTS)
    desk: Mapped[str] = _desk()
    member_id: Mapped[str] = mapped_column(String(32), ForeignKey("member.id"), info=IDS)
    started_at: Mapped[datetime] = mapped_column(info=TIMES)
    seen_at: Mapped[datetime] = mapped_column(info=TIMES)
    frame: Mapped[bytes] = mapped_column(info=SEALED)


class Presence(Base):
    """A member who has a case open, until when at the latest that is taken for true. It says nothing of the case."""

    __tablename__ = "presence"

    case_id: Mapped[str] = mapped_column(String(32), ForeignKey("case_file.id"), primary_key=True, info=IDS)
    member_id: Mapped[str] = mapped_column(String(32), ForeignKey("member.id"), primary_key=True, info=IDS)
    desk: Mapped[str] = _desk()
    doing: Mapped[str] = mapped_column(String(16), info=STATUS)  # looking, writing
    until: Mapped[datetime] = mapped_column(index=True, info=TIMES)


class Consent(Base):
    """Something that two members have to want: one asks, another gives. What it is about is a keyed digest.

    Both sign the columns before, and whoever relies on it checks that.
    """

    __tablename__ = "consent"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    action: Mapped[str] = mapped_column(String(32), info=STATUS)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), info=DIGESTS)
    key_pair_id: Mapped[str] = mapped_column(String(32), ForeignKey("key_pair.id"), info=IDS)
    detail: Mapped[bytes] = mapped_column(info=SEALED)
    asked_by: Mapped[str] = mapped_column(String(32), ForeignKey("member.id"), info=IDS)
    asked_at: Mapped[datetime] = mapped_column(info=TIMES)
    ask_signature: Mapped[bytes] = mapped_column(LargeBinary(64), info=PUBLIC_KEYS)
    given_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("member.id"), info=IDS)
    given_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    give_signature: Mapped[bytes | None] = mapped_column(LargeBinary(64), info=PUBLIC_KEYS)
    taken_back_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    used_at: Mapped[datetime | None] = mapped_column(info=TIMES)

    __table_args__ = (Index("ix_consent_desk_action_subject", "desk", "action", "subject"),)


class HeldLogin(Base):
    """A log-in whose passphrase was right and whose second factor is still asked for: as a session, sealed likewise."""

    __tablename__ = "held_login"

    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, info=DIGESTS)
    desk: Mapped[str] = _desk()
    member_id: Mapped[str] = mapped_column(String(32), ForeignKey("member.id"), info=IDS)
    started_at: Mapped[datetime] = mapped_column(info=TIMES)
    frame: Mapped[bytes] = mapped_column(info=SEALED)


class SecondFactor(Base):
    """What a member shows besides their passphrase; its secret is sealed to their own key, which the passphrase opens.

    Of a code for emergencies only a keyed digest is kept. `counter`: the last time step of a TOTP that was used, or how
    often a security key says that it was. Where a passkey opens its member's access by itself, `wrapped_seed` is the
    seed of their own key under it, and `digest` that of the passkey's name, by which it is found.
    """

    __tablename__ = "second_factor"

    id: Mapped[str] = _id(primary_key=True)
    desk: Mapped[str] = _desk()
    member_id: Mapped[str] = mapped_column(String(32), ForeignKey("member.id"), index=True, info=IDS)
    kind: Mapped[str] = mapped_column(String(16), info=STATUS)  # totp, passkey, code
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), info=DIGESTS)
    key_pair_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("key_pair.id"), info=IDS)
    frame: Mapped[bytes | None] = mapped_column(info=SEALED)
    counter: Mapped[int] = mapped_column(BigInteger, info=COUNTS)
    created_at: Mapped[datetime] = mapped_column(info=TIMES)
    used_at: Mapped[datetime | None] = mapped_column(info=TIMES)
    wrapped_seed: Mapped[bytes | None] = mapped_column(info=SEALED)


class PasskeyChallenge(Base):
    """A question to a passkey that waits for its answer: a digest of it, of what it is for, and of who was asked."""

    __tablename__ = "passkey_challenge"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, info=DIGESTS)
    made_at: Mapped[datetime] = mapped_column(index=True, info=TIMES)


class LoginAttempt(Base):
    __tablename__ = "login_attempt"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True, info=DIGESTS)
    failures: Mapped[int] = mapped_column(info=COUNTS)
    last_at: Mapped[datetime] = mapped_column(info=TIMES)


Base.registry.configure()  # once where modules are loaded, not anew in each of the daemon's short-lived processes
