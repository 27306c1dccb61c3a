"""From a mail as it came to one that says what is in it: each layer is opened, and read by a fresh reader."""

from __future__ import annotations

import base64
import mimetypes
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import encode_rfc2231
from typing import Literal, Protocol

from ingest.errors import ReadError
from ingest.mail import (
    Finding,
    ParsedAttachment,
    ParsedMail,
    Protection,
    Sealed,
    SealedKind,
    SenderKey,
    Signature,
    SignatureResult,
    Unopened,
)
from ingest.protection.armour import as_written, in_the_clear
from ingest.protection.joining import Piece, join, opened_text
from ingest.protection.values import SIGNATURES, MailKeys, Question, Unsealed, closed
from ingest.raw import RawMail, read_range

DEEPEST = 4
"""Layers that are taken off one after the other: a triple wrap (RFC 2634) has three."""
MOST_QUESTIONS = 30
"""What is asked of decrypters for one mail, at most."""
MOST_KEYS = 5
"""Of the keys that came with a mail, so many are read beside that: they have to be known before what they signed."""
_ENTITIES = (SealedKind.CMS, SealedKind.PGP)
_LONGEST_HEADER = 64 * 1024
_END_OF_HEADER = re.compile(rb"\A\r?\n|\n\r?\n")
_OF_AN_ENTITY = re.compile(rb"^(?:content-[a-z-]{1,40}|mime-version)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_WHOLE_MAIL = re.compile(rb"^content-type[ \t]*:\s*message/(?:rfc822|global)\b", re.IGNORECASE | re.MULTILINE)
_CHARSET = re.compile(r"^Charset:[ \t]*([A-Za-z0-9_.:-]{1,40})[ \t]*$", re.MULTILINE)


class Reader(Protocol):
    def read(self, raw: RawMail) -> ParsedMail: ...


class Unsealer(Protocol):
    def unseal(self, question: Question) -> Unsealed: ...


@dataclass(frozen=True)
class Opening:
    """What opening takes: somebody to do it, and the keys of the desk."""

    decrypters: Unsealer
    keys: MailKeys = field(default_factory=MailKeys, repr=False)
    seconds: float = 60
    """After so long no further layer of a mail is begun."""


def open_mail(mail: ParsedMail, raw: RawMail, readers: Reader, opening: Opening) -> ParsedMail:
    """The mail with everything opened and checked that can be; `raw` is what it was read from.

    Raises NurseryGone, NotIsolated. Whatever a layer holds costs no more than its own opening.
    """
    return _Opener(readers, opening).opened(mail, raw, 0)


@dataclass
class _Found:
    """What is known of one mail's protection, as its layers are gone through."""

    keys: list[SenderKey]
    encrypted: Literal["smime", "openpgp"] | None = None
    reason: str = ""
    nested: bool = False
    signatures: list[Signature] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    def note(self, sealed: Sealed, unsealed: Unsealed) -> None:
        if unsealed.encrypted:
            self.encrypted = self.encrypted or _standard(sealed)
            self.reason = self.reason or unsealed.reason or ""
        self.signatures += [replace(each, whole=sealed.whole) for each in unsealed.signatures]
        self.keys += unsealed.sender_keys

    def note_inner(self, sealed: Sealed, inner: ParsedMail, *, was_encrypted: bool) -> None:
        self.pieces.append(Piece(sealed, inner))
        self.keys += inner.sender_keys
        if inner.protection is not None:
            self.encrypted = self.encrypted or inner.protection.encrypted
            self.nested = self.nested or inner.protection.nested or (was_encrypted and bool(inner.protection.reason))
            self.reason = self.reason or inner.protection.reason
            below = inner.protection.signatures
            self.signatures += [replace(each, whole=each.whole and sealed.whole) for each in below]

    def protection(self) -> Protection | None:
        if self.encrypted is None and not self.signatures:
            return None
        opened = self.encrypted is not None and not self.reason
        return Protection(self.encrypted, opened, self.reason, tuple(self.signatures)[:50], self.nested)


class _Opener:
    def __init__(self, readers: Reader, opening: Opening) -> None:
        self._readers = readers
        self._opening = opening
        self._asked = 0
        self._keys_asked = 0
        self._until = time.monotonic() + opening.seconds

    def opened(self, mail: ParsedMail, raw: RawMail, depth: int, *, is_entity: bool = False) -> ParsedMail:
        """`is_entity`: it is what a layer held, and neither a mail as it came nor words or a file of one."""
        found = _Found(list(self._keys_that_came(mail)))
        came = tuple(key.data for key in found.keys)
        for sealed in mail.sealed:
            if sealed.kind is not SealedKind.PGP_KEY:
                self._take_off(found, sealed, mail, raw, came, depth)
        self._take_out(found, mail, raw, depth, is_entity=is_entity)
        joined = replace(join(mail, found.pieces), sealed=())
        text = opened_text(joined, found.pieces)
        if text is not None:
            joined = self._with_text(joined, text)
        keys = tuple(dict.fromkeys(found.keys))[:50]
        return replace(joined, protection=found.protection(), sender_keys=keys)

    def _take_off(
        self, found: _Found, sealed: Sealed, mail: ParsedMail, raw: RawMail, came: tuple[bytes, ...], depth: int
    ) -> None:
        question = self._question(sealed, mail, raw, came)
        if depth >= DEEPEST:
            found.note(sealed, closed(sealed.kind, Unopened.TOO_DEEP))
            return
        if sealed.kind in SIGNATURES and not question.signed and sealed.kind is not SealedKind.PGP_SIGNED_TEXT:
            found.note(sealed, closed(sealed.kind, Unopened.UNSUPPORTED))
            return
        unsealed = self._ask(question)
        if sealed.kind is SealedKind.PGP_SIGNED_TEXT and sealed.text is not None:
            signed = in_the_clear(mail.text[slice(*sealed.text)])
            if signed is not None:
                found.pieces.append(Piece(sealed, replace(_EMPTY, text=signed)))
        if unsealed.content is not None:
            entity = _as_mail(sealed, mail, unsealed.content)
            inner = self._read(entity, unsealed.content, depth, is_entity=sealed.kind in _ENTITIES)
            unsealed = self._checked_again(question, unsealed, inner)
            found.note(sealed, unsealed)
            found.note_inner(sealed, inner, was_encrypted=unsealed.encrypted)
        else:
            found.note(sealed, unsealed)

    def _take_out(self, found: _Found, mail: ParsedMail, raw: RawMail, depth: int, *, is_entity: bool) -> None:
        """Programs that protect the header, too, seal a whole mail: what is in it is what the mail says (RFC 8551
        §3.1)."""
        starts = [each.signed[0] for each in mail.sealed if each.whole and each.signed] + [0] * is_entity
        heads = (b"".join(read_range(raw.fd, start, _LONGEST_HEADER)) for start in starts)
        place = next((place for place, file in enumerate(mail.attachments) if file.child), None)
        if place is None or depth >= DEEPEST or not any(_WHOLE_MAIL.search(_header(head)) for head in heads):
            return
        with RawMail.from_chunks(mail.attachments[place].chunks()) as whole, suppress(ReadError):
            inner = self.opened(self._readers.read(whole), whole, depth + 1, is_entity=True)
            found.note_inner(Sealed(SealedKind.CMS, True, place), inner, was_encrypted=False)

    def _checked_again(self, question: Question, unsealed: Unsealed, inner: ParsedMail) -> Unsealed:
        """Programs put the sender's key into the very message that it signs."""
        keys = tuple(key.data for key in inner.sender_keys if key.kind != "smime")
        if not keys or all(each.result is not SignatureResult.UNKNOWN_KEY for each in unsealed.signatures):
            return unsealed
        again = self._ask(replace(question, certificates=question.certificates + keys))
        return replace(unsealed, signatures=again.signatures or unsealed.signatures)

    def _read(self, entity: bytes, content: bytes, depth: int, *, is_entity: bool) -> ParsedMail:
        with RawMail.from_bytes(entity) as raw:
            try:
                return self.opened(self._readers.read(raw), raw, depth + 1, is_entity=is_entity)
            except ReadError:  # kept whole, as a mail would be
                file = ParsedAttachment(
                    name="opened",
                    content_type="application/octet-stream",
                    size=len(content),
                    inline=False,
                    content_id=None,
                    content=_Bytes(content),
                    findings=(Finding.BROKEN,),
                )
                return replace(_EMPTY, attachments=(file,), defects=("opened part: not understood",))

    def _with_text(self, mail: ParsedMail, text: str) -> ParsedMail:
        """Own words, signature and quotes are told apart anew, now that all of the text is there."""
        with RawMail.from_bytes(_text_mail(text.encode("utf-8", "replace"), "utf-8")) as raw:
            try:
                read = self._readers.read(raw)
            except ReadError:
                read = replace(_EMPTY, text=text, own_text=text)
        return replace(
            mail,
            text=read.text,
            own_text=read.own_text,
            signature_text=read.signature_text,
            quoted_text=read.quoted_text,
            html=None,
        )

    def _question(self, sealed: Sealed, mail: ParsedMail, raw: RawMail, came: tuple[bytes, ...]) -> Question:
        """A decrypter is given the keys that its kind of message needs, none where only a signature is checked."""
        keys = self._opening.keys
        needed = MailKeys(authorities=keys.authorities)
        if sealed.kind in (SealedKind.CMS, SealedKind.CMS_FILE):
            needed = replace(needed, smime=keys.smime, smime_passphrase=keys.smime_passphrase)
        elif sealed.kind not in SIGNATURES:
            needed = MailKeys(openpgp=keys.openpgp, openpgp_passphrase=keys.openpgp_passphrase)
        signed = b""
        if sealed.signed is not None:
            start, end = sealed.signed
            signed = b"".join(read_range(raw.fd, start, end - start))
        return Question(sealed.kind, _data(sealed, mail), signed, needed, came)

    def _ask(self, question: Question) -> Unsealed:
        self._asked += 1
        if self._asked > MOST_QUESTIONS or time.monotonic() > self._until:
            return closed(question.kind, Unopened.BOUNDS)
        return self._opening.decrypters.unseal(question)

    def _keys_that_came(self, mail: ParsedMail) -> Iterator[SenderKey]:
        announced = _autocrypt_key(mail)
        if announced:
            for key in self._keys_in(announced)[:1]:
                yield replace(key, kind="autocrypt")
        for sealed in mail.sealed:
            if sealed.kind is SealedKind.PGP_KEY:
                yield from self._keys_in(_data(sealed, mail))

    def _keys_in(self, data: bytes) -> tuple[SenderKey, ...]:
        """However many keys came, the questions for what the mail says are left."""
        self._keys_asked += 1
        if self._keys_asked > MOST_KEYS or time.monotonic() > self._until:
            return ()
        return self._opening.decrypters.unseal(Question(SealedKind.PGP_KEY, data)).sender_keys


@dataclass(frozen=True)
class _Bytes:
    data: bytes = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        yield self.data


_EMPTY = ParsedMail(
    from_=None,
    reply_to=(),
    to=(),
    cc=(),
    subject="",
    date=None,
    message_id=None,
    in_reply_to=None,
    references=(),
    headers=(),
    text="",
    own_text="",
    quoted_text="",
    html=None,
    attachments=(),
    defects=(),
    delivery_report=None,
)


def _standard(sealed: Sealed) -> Literal["smime", "openpgp"]:
    smime = (SealedKind.CMS, SealedKind.CMS_FILE, SealedKind.CMS_SIGNATURE)
    return "smime" if sealed.kind in smime else "openpgp"


def _data(sealed: Sealed, mail: ParsedMail) -> bytes:
    if sealed.attachment is not None:
        return b"".join(mail.attachments[sealed.attachment].chunks())
    return sealed.data or _message(sealed, mail).encode("utf-8", "replace")


def _message(sealed: Sealed, mail: ParsedMail) -> str:
    return as_written(mail.text[slice(*(sealed.text or (0, 0)))])


def _as_mail(sealed: Sealed, mail: ParsedMail, content: bytes) -> bytes:
    """What was opened, as a reader reads it: an entity is one already, text and files are wrapped into one."""
    if sealed.kind is SealedKind.PGP_TEXT:
        declared = _CHARSET.search(_message(sealed, mail))
        return _text_mail(content, declared[1] if declared else "utf-8")
    if sealed.kind in (SealedKind.PGP_FILE, SealedKind.CMS_FILE) and sealed.attachment is not None:
        name = re.sub(r"\.(asc|pgp|gpg|p7m)$", "", mail.attachments[sealed.attachment].name, flags=re.IGNORECASE)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        disposition = f"attachment; filename*={encode_rfc2231(name, 'utf-8')}"
        return _wrapped(kind if not kind.startswith("multipart/") else "application/octet-stream", content, disposition)
    head = _header(content)
    # words alone: whoever sealed them by hand gave them no header, and one that begins "Subject: " is none
    return content if not head.strip() or _OF_AN_ENTITY.search(head) else _text_mail(content, "utf-8")


def _header(entity: bytes) -> bytes:
    """What stands above the first empty line."""
    end = _END_OF_HEADER.search(entity, 0, _LONGEST_HEADER)
    return entity[: end.start() + 1 if end else _LONGEST_HEADER]


def _text_mail(text: bytes, charset: str) -> bytes:
    return _wrapped(f"text/plain; charset={charset}", text, "inline")


def _wrapped(kind: str, content: bytes, disposition: str) -> bytes:
    head = f"Content-Type: {kind}\nContent-Disposition: {disposition}\nContent-Transfer-Encoding: base64\n\n"
    return head.encode("ascii") + base64.encodebytes(content)


def _autocrypt_key(mail: ParsedMail) -> bytes:
    """The key in the Autocrypt field, if there is one for From (Autocrypt 1.1 §2.2); b"" otherwise."""
    found = []
    for value in mail.header("autocrypt"):
        attributes = dict(part.strip().partition("=")[::2] for part in value.split(";"))
        if mail.from_ and attributes.get("addr", "").strip().lower() == mail.from_.address.lower():
            found.append(attributes.get("keydata", ""))
    if len(found) != 1:
        return b""
    try:
        return base64.b64decode("".join(found[0].split()), validate=True)
    except ValueError:  # what is no base64, or not even ASCII
        return b""
