"""What a mail says, as plain values: a reader's answer, and all that the rest of intake knows of a mail's inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

_MESSAGE_ID = re.compile("<[^<>\\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,990}>")


def is_message_id(value: str) -> bool:
    """What both sides of a reader's answer take for a Message-ID; the parser drops anything else."""
    return _MESSAGE_ID.fullmatch(value) is not None


class Content(Protocol):
    """Bytes that are read in pieces."""

    def chunks(self) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Address:
    name: str
    address: str


@dataclass(frozen=True)
class Hop:
    """What one server says of its taking the mail over (RFC 5321 §4.4): from whom, who it is itself, and when.

    Each server writes its own above the others', so that those below the first of ours may be invented.
    """

    from_: str
    by: str
    at: datetime | None


class Finding(StrEnum):
    """What was noticed about a file when its text was read."""

    ENCRYPTED = "encrypted"  # a password protects it
    MACROS = "macros"  # it holds code that its program could run
    PROGRAM = "program"  # it is a program itself, or holds one
    BOUNDS = "bounds"  # it unpacks to more than is ever unpacked
    BROKEN = "broken"  # it is not what it says, or damaged
    CUT = "cut"  # more text is in it than is read
    OCR = "ocr"  # the text was read off a picture
    NO_TEXT = "no_text"  # it shows pictures, and no text was found in them
    UNSUPPORTED = "unsupported"  # nobody here reads such files, or what it takes is not installed
    NO_TIME = "no_time"  # the mail's time was used up before its turn came


@dataclass(frozen=True)
class ChildMessage:
    """The envelope of a mail that lies in a mail; its text is the text of the attachment that it is."""

    from_: Address | None
    subject: str
    date: datetime | None
    message_id: str | None = None


@dataclass(frozen=True)
class Scan:
    """What a virus scanner says of a file: never "clean" unless it said so. `name` is that of what was found."""

    result: Literal["clean", "found", "unscanned"]
    name: str = ""


@dataclass(frozen=True)
class ParsedAttachment:
    """A file in the mail. `name` is safe to show and to save, ours where it has none; `content` is byte-exact.

    `text` is what a person would read in it. `found_type` is the content type that its bytes are found to be, "" where
    they do not tell. `inside` is the place, among the mail's attachments, of the earlier one
    that it was taken out of (a child message, winmail.dat, a .msg); None for a part of the mail itself.
    """

    name: str
    content_type: str
    size: int
    inline: bool
    content_id: str | None
    content: Content = field(repr=False)
    text: str = field(default="", repr=False)
    findings: tuple[Finding, ...] = ()
    inside: int | None = None
    child: ChildMessage | None = None
    scan: Scan | None = None
    found_type: str = ""

    def chunks(self) -> Iterator[bytes]:
        return self.content.chunks()


class SignatureResult(StrEnum):
    """What the arithmetic says. None of these says who a person is: whose key it is stays to be judged by a person."""

    VALID = "valid"  # signed by the key that `signer` and `fingerprint` describe, and unchanged since
    INVALID = "invalid"  # changed since, or not by that key
    UNKNOWN_KEY = "unknown_key"  # the key to check it with came neither with the mail nor from the configuration
    UNCHECKED = "unchecked"  # a form that nobody here can check


@dataclass(frozen=True)
class Signature:
    """A digital signature on a mail (RFC 8551, RFC 9580).

    `signer` is what the key or certificate says of itself. `whole`: it stands over all that the mail says, else only
    over a part of it. `chained`: its certificate leads to one that the desk's `smime_ca_file` holds.
    """

    kind: Literal["smime", "openpgp"]
    result: SignatureResult
    signer: str = ""
    fingerprint: str = ""
    whole: bool = False
    chained: bool = False


class Unopened(StrEnum):
    """Why a ciphertext is not opened."""

    NO_KEY = "no_key"  # the desk has no key of this kind
    WRONG_KEY = "wrong_key"  # it is not meant for any key that the desk has
    BROKEN = "broken"  # it names a key of the desk, but does not open with it, or is damaged
    UNSUPPORTED = "unsupported"  # a form or an algorithm that nobody here knows
    TOO_DEEP = "too_deep"  # sealed in more layers than are opened
    BOUNDS = "bounds"  # it takes more time, memory or room than opening may


@dataclass(frozen=True)
class Protection:
    """How a mail is encrypted and signed.

    `encrypted` names the outermost encryption, None where there is none. `opened`: the plaintext is what this mail
    says; else its text is what stood around the ciphertext, which is kept among the attachments, and `reason` says why
    ("no_key", "wrong_key", "broken", "unsupported", "too_deep"; "" where it was opened).
    """

    encrypted: Literal["smime", "openpgp"] | None = None
    opened: bool = False
    reason: str = ""
    signatures: tuple[Signature, ...] = ()
    nested: bool = False

    @property
    def is_for_another_key(self) -> bool:
        """Does the outside of the mail alone tell that the desk cannot read it? Then its sender may know, too."""
        told = self.reason in (Unopened.NO_KEY, Unopened.WRONG_KEY, Unopened.UNSUPPORTED)
        return self.encrypted is not None and told and not self.nested


@dataclass(frozen=True)
class SenderKey:
    """A public key or certificate that came with a mail: Autocrypt, application/pgp-keys, an S/MIME signature."""

    kind: Literal["autocrypt", "openpgp", "smime"]
    fingerprint: str
    data: bytes = field(repr=False)


class SealedKind(StrEnum):
    """A form in which something can be encrypted or signed."""

    CMS = "cms"  # application/pkcs7-mime: one layer of encryption, signature or compression (RFC 8551 §3.2)
    CMS_FILE = "cms_file"  # a file signed or encrypted by itself, as PEC and CAdES have it
    CMS_SIGNATURE = "cms_signature"  # multipart/signed with S/MIME (RFC 8551 §3.5.3)
    PGP = "pgp"  # a MIME entity in an OpenPGP message (RFC 3156 §4)
    PGP_SIGNATURE = "pgp_signature"  # multipart/signed with OpenPGP (RFC 3156 §5)
    PGP_TEXT = "pgp_text"  # an armoured message in the text (RFC 9580 §6.2)
    PGP_SIGNED_TEXT = "pgp_signed_text"  # text signed in the clear (RFC 9580 §7)
    PGP_FILE = "pgp_file"  # a file encrypted by itself
    PGP_KEY = "pgp_key"  # public keys (RFC 3156 §7)


@dataclass(frozen=True)
class Sealed:
    """Where in a mail something encrypted or signed is, as a reader found it; what it says, nobody has looked at.

    `attachment` is the place of the ciphertext, signature or key among the attachments, None where it stands in the
    text. `text` is its range in `ParsedMail.text`, `signed` the range in the raw mail of the bytes that a detached
    signature is over, None where they cannot be told for sure. `data` is signed text, exactly as it came. `whole`:
    there is nothing else in the mail.
    """

    kind: SealedKind
    whole: bool
    attachment: int | None = None
    text: tuple[int, int] | None = None
    signed: tuple[int, int] | None = None
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class ParsedMail:
    """One mail.

    `from_` is None when the From field is missing, malformed or names several: a sender is never guessed.
    Message-IDs keep their angle brackets (`is_message_id`). Header values are decoded; no field holds a CR, a NUL or a
    lone surrogate, and only the texts hold line feeds. `own_text`, `signature_text` and `quoted_text` divide `text`,
    which is always whole. `scan` is that of the mail as it came; None, here and at a file, where no scanner is set up.

    `delivery_report` is None, or a dict with the keys
      kind                 "delivery" (RFC 3464) or "disposition" (RFC 8098)
      original_message_id  str | None
      original_envelope_id str | None
      recipients           list of {"address", "original", "action", "status", "diagnostic"}, each str ("" where not
                           given); `original` is whom we wrote to, where that was passed on to `address`
      disposition          str, "" for delivery reports
    """

    from_: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    date: datetime | None
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str
    own_text: str
    quoted_text: str
    html: str | None
    attachments: tuple[ParsedAttachment, ...]
    defects: tuple[str, ...]
    delivery_report: dict[str, Any] | None
    signature_text: str = ""
    hops: tuple[Hop, ...] = ()
    """In the order of the header: the last server first."""
    protection: Protection | None = None
    sender_keys: tuple[SenderKey, ...] = ()
    scan: Scan | None = None
    sealed: tuple[Sealed, ...] = ()
    """As a reader found it; empty once it was opened and checked."""

    @property
    def words(self) -> str:
        """What the sender wrote, with the signature below it."""
        return "\n\n".join(filter(None, (self.own_text, self.signature_text)))

    def header(self, name: str) -> tuple[str, ...]:
        """All values of the header field called `name`, in their order."""
        wanted = name.lower()
        return tuple(value for field_name, value in self.headers if field_name.lower() == wanted)


@dataclass(frozen=True)
class ParseLimits:
    """Above these a mail is not taken apart any further; it is kept whole for a person."""

    header_bytes: int = 1024 * 1024
    header_value_chars: int = 32 * 1024
    headers: int = 2000
    parts: int = 1000
    depth: int = 100
    text_chars: int = 4_000_000
    attachments: int = 500
    attachment_text_chars: int = 200_000
    """Of one attachment."""
    all_attachment_text_chars: int = 1_000_000
