"""What is asked of a decrypter and what it answers, as plain values: all that both sides know of each other."""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any, Literal

from ingest.mail import SealedKind, SenderKey, Signature, SignatureResult, Unopened

LENGTH = struct.Struct("!I")
FRAME = struct.Struct("!cI")
PIECE = 256 * 1024
LARGEST_PLAINTEXT = 64_000_000
LARGEST_QUESTION = 8_000_000
LARGEST_ANSWER = 8_000_000

SIGNATURES: dict[SealedKind, Literal["smime", "openpgp"]] = {
    SealedKind.CMS_SIGNATURE: "smime",
    SealedKind.PGP_SIGNATURE: "openpgp",
    SealedKind.PGP_SIGNED_TEXT: "openpgp",
}


@dataclass(frozen=True)
class MailKeys:
    """What a desk opens its mail with, as its secrets hold it: PEM keys with their certificates, armoured OpenPGP keys.

    `authorities`: PEM certificates to which that of a signature may lead; not secret.
    """

    smime: bytes = field(default=b"", repr=False)
    smime_passphrase: bytes = field(default=b"", repr=False)
    openpgp: bytes = field(default=b"", repr=False)
    openpgp_passphrase: bytes = field(default=b"", repr=False)
    authorities: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Question:
    """`data` is the ciphertext, signature, signed text or key; `signed` what a detached signature is over.

    `keys` is empty where only a signature is checked. `certificates` are OpenPGP keys that came with the mail.
    """

    kind: SealedKind
    data: bytes = field(repr=False)
    signed: bytes = field(default=b"", repr=False)
    keys: MailKeys = field(default_factory=MailKeys, repr=False)
    certificates: tuple[bytes, ...] = field(default=(), repr=False)

    def to_wire(self) -> bytes:
        head = {
            "kind": self.kind,
            "sizes": [len(self.data), len(self.signed)],
            "keys": {name: _text(value) for name, value in vars(self.keys).items()},
            "certificates": [_text(each) for each in self.certificates],
        }
        written = json.dumps(head).encode("ascii")
        size = LENGTH.pack(len(self.data) + len(self.signed))
        return LENGTH.pack(len(written)) + written + size + self.data + self.signed


@dataclass(frozen=True)
class Unsealed:
    """What one layer held. `content` is None where it was not opened, or is a signature over what is there already.

    `encrypted`: nobody without the key could read it. `reason` says why it stays closed.
    """

    content: bytes | None = field(default=None, repr=False)
    encrypted: bool = False
    reason: Unopened | None = None
    signatures: tuple[Signature, ...] = ()
    sender_keys: tuple[SenderKey, ...] = ()


def closed(kind: SealedKind, reason: Unopened) -> Unsealed:
    """Nothing came of it: a ciphertext stays closed, a signature unchecked."""
    if kind is SealedKind.PGP_KEY:
        return Unsealed()
    if kind in SIGNATURES:
        return Unsealed(signatures=(Signature(SIGNATURES[kind], SignatureResult.UNCHECKED),))
    return Unsealed(encrypted=True, reason=reason)


def question_of(head: bytes, data: bytes) -> Question:
    """The decrypter's side of `to_wire`: our own daemon asks, so what it says is taken as it is."""
    wanted = json.loads(head)
    size = wanted["sizes"][0]
    return Question(
        SealedKind(wanted["kind"]),
        data[:size],
        data[size:],
        MailKeys(**{name: b64decode(value) for name, value in wanted["keys"].items()}),
        tuple(b64decode(each) for each in wanted["certificates"]),
    )


def answer_of(unsealed: Unsealed) -> bytes:
    """All of an answer but its content, in JSON."""
    answer: dict[str, Any] = {
        "opened": unsealed.content is not None,
        "encrypted": unsealed.encrypted,
        "reason": unsealed.reason,
        "signatures": [vars(each) for each in unsealed.signatures],
        "sender_keys": [vars(each) | {"data": _text(each.data)} for each in unsealed.sender_keys],
    }
    return json.dumps(answer).encode("utf-8", "replace")


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
