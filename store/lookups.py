"""Finding a case without a key: digests under secrets that lie outside the database, and tokens that we sign.

`IndexKey` makes the digests (one key a desk: two desks cannot be compared); `TokenKey` signs the ids of outgoing
mails, so that an answer names its case and nobody can make up such a name. The functions look in the database.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from store import rows
from store.rows import table_of
from store.schema import CaseFile, Lookup, Message, new_id

CAP_HALF = 16
"""Octets of a digest for caps that are its domain's."""

_MESSAGE_ID = "message_id"
_ADDRESS = "address"
_RECIPIENT = "recipient"
_CAME_BACK = "came_back"
_PARTNER_NUMBER = "partner_number"
_LOOKUPS, _MESSAGES = table_of(Lookup), table_of(Message)
_NEWEST = (
    select(_LOOKUPS.c.case_id, _LOOKUPS.c.message_id)
    .join(_MESSAGES, _MESSAGES.c.id == _LOOKUPS.c.message_id)
    .where(*(_LOOKUPS.c[name] == bindparam(name) for name in ("desk", "kind", "digest")))
    .order_by(_MESSAGES.c.taken_in_at.desc())
    .limit(1)
)
_OUTBOX_ID_BYTES = 9
_MAC_BYTES = 10  # 80 bits: a forger has one try per mail sent, and no way to try alone
_TOKEN_LENGTH = 32  # 20 bytes in base32: no bits to spare, so that every token has one spelling
_TOKEN = re.compile(rf"[a-z2-7]{{{_TOKEN_LENGTH}}}")


@dataclass(frozen=True)
class IndexKey:
    """A desk's secret for digests: HMAC-SHA256, each kind of value apart from the others."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("an index key has at least 32 bytes")

    def message_id(self, message_id: str) -> bytes:
        return self._digest(b"message-id", [message_id.strip().encode("utf-8", "surrogateescape")])

    def address(self, case_id: str, address: str) -> bytes:
        """Of an address together with its case: the same reporter in two cases cannot be seen."""
        return self._digest(b"address", [case_id.encode(), b"\0", _folded(address)])

    def recipient(self, outbox_id: str, address: str) -> bytes:
        """Of whom a mail of ours went to, together with that mail."""
        return self._digest(b"recipient", [outbox_id.encode(), b"\0", _folded(address)])

    def partner_number(self, domain: str, number: str) -> bytes:
        """Of a number that a partner's ticket system gave, together with that partner's domain."""
        return self._digest(b"partner number", [domain.lower().encode(), b"\0", number.encode()])

    def reference(self, reference: str) -> bytes:
        return self._digest(b"reference", [re.sub(r"[\s-]", "", reference).upper().encode()])

    def place(self, name: str) -> bytes:
        """Of the name of a mail's file, which a mail server may have made of anything."""
        return self._digest(b"place", [name.encode("utf-8", "surrogateescape")])

    def raw(self, chunks: Iterable[bytes]) -> bytes:
        """Of a mail's bytes."""
        return self._digest(b"raw", chunks)

    def stable(self, chunks: Iterable[bytes]) -> bytes:
        """Of a mail's bytes without trace fields."""
        return self._digest(b"stable", chunks)

    def caps(self, address: str, now: datetime) -> tuple[bytes, bytes]:
        """Digests of an address for counting mails to it: today's and yesterday's. They change daily and go soon.

        Addresses that differ in what stands behind a plus sign are one: whoever has the one has the others. The first
        half of a digest is that of the domain, so that mails to it can be counted, too.
        """
        days = (now.astimezone(UTC).date(), (now - timedelta(days=1)).astimezone(UTC).date())
        today, yesterday = (
            self._cap(b"cap domain", day, address.rpartition("@")[2]) + self._cap(b"cap", day, _without_tag(address))
            for day in days
        )
        return today, yesterday

    def _cap(self, purpose: bytes, day: date, counted: str) -> bytes:
        return self._digest(purpose, [day.isoformat().encode(), _folded(counted)])[:CAP_HALF]

    def login(self, login: str) -> bytes:
        """For the throttle: of what somebody typed as a log-in name, or of where they came from."""
        return self._digest(b"login", [_folded(login)])

    def sender(self, address: str) -> bytes:
        """Of an address alone. Only for what is sealed: in clear it would join the cases of a reporter."""
        return self._digest(b"sender", [_folded(address)])

    def wording(self, words: Iterable[str]) -> bytes:
        """Of the words of a text, in their order. Only for what is sealed."""
        return self._digest(b"wording", [" ".join(words).encode()])

    def passkey(self, credential: bytes) -> bytes:
        """Of the name that a passkey goes by."""
        return self._digest(b"passkey", [credential])

    def key_pair(self, key_pair_id: str, named: Iterable[str], public: bytes) -> bytes:
        """Proof that a public key was written down by who has this secret."""
        words = [*named, key_pair_id]
        return self._digest(b"key pair", [*(f"{len(word)}:{word}".encode() for word in words), public])

    def models(self, desk: str, version: int, described: bytes) -> bytes:
        """Proof that a list of the desk's models was written down by who has this secret."""
        return self._digest(b"models", [f"{len(desk)}:{desk}:{version}:".encode(), described])

    def figures(self, case_id: str) -> str:
        """The id under which the figures of a case stay: nobody without this secret knows whose they are."""
        return self._digest(b"figures", [case_id.encode()])[:16].hex()

    def destruction(self, named: Iterable[str]) -> bytes:
        """Proof that a destruction was noted by who has this secret."""
        return self._digest(b"destruction", [f"{len(word)}:{word}".encode() for word in named])

    def listed(self, words: Iterable[str]) -> bytes:
        """Proof that a line of the list of what was destroyed was written by who has this secret."""
        return self._digest(b"destroyed list", [f"{len(word)}:{word}".encode() for word in words])

    def backup(self, manifest: bytes) -> bytes:
        """Proof that a backup was made by who has this secret."""
        return self._digest(b"backup", [manifest])

    def _digest(self, purpose: bytes, chunks: Iterable[bytes]) -> bytes:
        mac = hmac.new(self.secret, purpose + b"\0", "sha256")
        for chunk in chunks:
            mac.update(chunk)
        return mac.digest()


@dataclass(frozen=True)
class TokenKey:
    """The secret that signs outgoing mails' ids, with its number (0 to 255), by which an older one is known."""

    number: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 32 or not 0 <= self.number <= 255:
            raise ValueError("a token key has at least 32 bytes and a number of 0 to 255")

    def sign(self, outbox_id: str) -> str:
        """Thirty-two letters and digits for a plus address or a Message-ID, good in any case of letters."""
        named = bytes([self.number]) + bytes.fromhex(outbox_id)
        return base64.b32encode(named + self._mac(named)).decode().lower()

    def verify(self, token: str) -> str | None:
        """The outbox id of a token that we signed, or None."""
        token = token.lower()
        if not _TOKEN.fullmatch(token):
            return None
        decoded = base64.b32decode(token.upper())
        named, mac = decoded[: 1 + _OUTBOX_ID_BYTES], decoded[1 + _OUTBOX_ID_BYTES :]
        if named[0] != self.number or not hmac.compare_digest(mac, self._mac(named)):
            return None
        return named[1:].hex()

    def check(self) -> str:
        """By which a configuration knows this key again; it tells nothing of it, for no token is made this way."""
        return hmac.digest(self.secret, b"token key check\0" + bytes([self.number]), "sha256")[:16].hex()

    def _mac(self, named: bytes) -> bytes:
        return hmac.digest(self.secret, b"outbox token\0" + named, "sha256")[:_MAC_BYTES]


@dataclass(frozen=True)
class Found:
    case_id: str
    message_id: str | None


def remember_message_ids(session: Session, desk: str, case_id: str, message_id: str, digests: Iterable[bytes]) -> None:
    """Note the Message-IDs of a message, its own and those it refers to."""
    _remember(session, desk, _MESSAGE_ID, case_id, message_id, dict.fromkeys(digests))


def remember_address(session: Session, desk: str, case_id: str, digest: bytes) -> None:
    """Note that an address (digested with the case) belongs to a case, which does not know it yet."""
    _remember(session, desk, _ADDRESS, case_id, None, [digest])


def forget_address(session: Session, desk: str, case_id: str, digest: bytes) -> None:
    """An address does not belong to a case any more."""
    of_case = (Lookup.desk == desk, Lookup.kind == _ADDRESS, Lookup.case_id == case_id, Lookup.digest == digest)
    session.execute(delete(Lookup).where(*of_case))


def move_message(session: Session, message_id: str, case_id: str) -> None:
    """By what a message is found, its case is found: it is another now."""
    session.flush()
    session.execute(update(Lookup).where(Lookup.message_id == message_id).values(case_id=case_id))


def remember_recipient(session: Session, desk: str, case_id: str, digest: bytes) -> None:
    """Note whom a mail to the case's own reporter goes to (`IndexKey.recipient`)."""
    _remember(session, desk, _RECIPIENT, case_id, None, [digest])


def move_recipient(session: Session, desk: str, case_id: str, digest: bytes, to: str) -> None:
    """A mail whose recipient was noted is another case's now, with whether it came back."""
    noted = (Lookup.desk == desk, Lookup.case_id == case_id, Lookup.digest == digest)
    session.execute(update(Lookup).where(*noted, Lookup.kind.in_([_RECIPIENT, _CAME_BACK])).values(case_id=to))


def remember_came_back(session: Session, desk: str, case_id: str, digests: Iterable[bytes]) -> None:
    """Note for whom a mail to the case's own reporter came back (`IndexKey.recipient`)."""
    _remember(session, desk, _CAME_BACK, case_id, None, digests)


def recipients_among(session: Session, desk: str, case_id: str, digests: Collection[bytes]) -> list[bytes]:
    """Those of these that are whom a mail to the case's own reporter went to."""
    return _among(session, desk, _RECIPIENT, case_id, digests)


def came_back(session: Session, desk: str, case_id: str, digest: bytes) -> bool:
    """Did this mail come back for this recipient?"""
    return bool(_among(session, desk, _CAME_BACK, case_id, [digest]))


def _among(session: Session, desk: str, kind: str, case_id: str, digests: Collection[bytes]) -> list[bytes]:
    of_case = (Lookup.desk == desk, Lookup.kind == kind, Lookup.case_id == case_id)
    return list(session.scalars(select(Lookup.digest).where(*of_case, Lookup.digest.in_(list(digests)))))


def remember_partner_numbers(
    session: Session, desk: str, case_id: str, message_id: str, digests: Iterable[bytes]
) -> None:
    """Note by which numbers partners know a case (`IndexKey.partner_number`); one that names a case keeps doing so."""
    new = [digest for digest in dict.fromkeys(digests) if case_by_partner_number(session, desk, digest) is None]
    _remember(session, desk, _PARTNER_NUMBER, case_id, message_id, new)


def case_by_partner_number(session: Session, desk: str, digest: bytes) -> str | None:
    """The case of the first message with this number."""
    found = _newest(session, desk, _PARTNER_NUMBER, digest)
    return None if found is None else found.case_id


def message_with_id(session: Session, desk: str, digest: bytes) -> Found | None:
    """The newest message that has or refers to this Message-ID."""
    return _newest(session, desk, _MESSAGE_ID, digest)


def _newest(session: Session, desk: str, kind: str, digest: bytes) -> Found | None:
    row = session.execute(_NEWEST, {"desk": desk, "kind": kind, "digest": digest}).one_or_none()
    return None if row is None else Found(row.case_id, row.message_id)


def knows_address(session: Session, desk: str, case_id: str, digest: bytes) -> bool:
    """Whether this address wrote to this case before."""
    query = select(Lookup.id).where(
        Lookup.desk == desk, Lookup.kind == _ADDRESS, Lookup.case_id == case_id, Lookup.digest == digest
    )
    return session.scalars(query.limit(1)).one_or_none() is not None


def case_by_reference(session: Session, desk: str, digest: bytes) -> str | None:
    query = select(CaseFile.id).where(CaseFile.desk == desk, CaseFile.reference_digest == digest)
    return session.scalars(query).one_or_none()


def surviving_case(session: Session, case_id: str) -> str:
    """The case that a merged one went into, and so on; itself otherwise."""
    seen = {case_id}
    while True:
        into = session.scalars(select(CaseFile.merged_into_id).where(CaseFile.id == case_id)).one_or_none()
        if into is None or into in seen:
            return case_id
        seen.add(into)
        case_id = into


def case_status(session: Session, case_id: str) -> str | None:
    return session.scalars(select(CaseFile.status).where(CaseFile.id == case_id)).one_or_none()


def first_received_at(session: Session, case_id: str) -> datetime | None:
    """When the first mail of a case arrived."""
    return session.scalars(select(func.min(Message.received_at)).where(Message.case_id == case_id)).one_or_none()


def _remember(
    session: Session, desk: str, kind: str, case_id: str, message_id: str | None, digests: Iterable[bytes]
) -> None:
    for digest in digests:
        rows.add(
            session,
            Lookup,
            id=new_id(),
            desk=desk,
            kind=kind,
            digest=digest,
            case_id=case_id,
            message_id=message_id,
        )


def _without_tag(address: str) -> str:
    """jan+anything@b.nl is jan@b.nl (RFC 5233)."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"


def _folded(address: str) -> bytes:
    return address.strip().casefold().encode("utf-8", "surrogateescape")
