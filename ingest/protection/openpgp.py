"""OpenPGP (RFC 9580) by Sequoia: decrypting, signatures in all their forms, and the keys that come with a mail.

The library says only "no" to a signature that does not verify. Who made it is known from the signature itself, so that
an unknown key and a signature that is not by the key it names can be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from pysequoia import Cert, Sig, Tsk
from pysequoia import decrypt as _decrypt
from pysequoia import verify as _verify
from pysequoia.packet import PacketPile, Tag

from ingest.mail import SenderKey, Signature, SignatureResult, Unopened
from ingest.protection.errors import CannotOpen
from ingest.protection.values import Unsealed

_PRIVATE = re.compile(rb"-----BEGIN PGP PRIVATE KEY BLOCK-----.*?-----END PGP PRIVATE KEY BLOCK-----", re.DOTALL)
_PUBLIC_KEY_TAGS = (Tag.PublicKey, Tag.PublicSubkey, Tag.SecretKey, Tag.SecretSubkey)
_ENCRYPTED = (Tag.SEIP, Tag.AED)
_MOST_RECIPIENTS = 500
_MOST_CERTIFICATES = 20
_LARGEST_CERTIFICATE = 1_000_000
_UNKNOWN_FORM = "Unexpected message structure"
_BROKEN_DIGESTS = ("MD5", "SHA1", "RipeMD")


@dataclass(frozen=True)
class Identity:
    """One secret key of the desk, unlocked by its passphrase when it is used."""

    key: Any
    passphrase: str | None

    @classmethod
    def all_of(cls, armoured: bytes, passphrase: bytes) -> tuple[Identity, ...]:
        """Every key in a secret; raises ValueError where one is no key. Whether the passphrase fits shows in use."""
        password = passphrase.decode("utf-8", "replace") or None
        try:
            return tuple(cls(Tsk.from_bytes(block), password) for block in _PRIVATE.findall(armoured))
        except RuntimeError:
            raise ValueError("not an OpenPGP secret key") from None

    def key_ids(self) -> frozenset[bytes]:
        return frozenset(map(_key_id, _fingerprints(self.key.extract_certificate())))


def decrypt(data: bytes, identities: Iterable[Identity], certificates: Iterable[Any]) -> Unsealed:
    """An OpenPGP message: encrypted, signed, or both. Raises CannotOpen.

    What is wrong with a message that names one of our keys is never told apart.
    """
    packets = _packets(data)
    if not any(packet.tag in _ENCRYPTED for packet in packets):
        if any(packet.tag == Tag.SED for packet in packets):  # without integrity: what it says may be forged
            raise CannotOpen(Unopened.UNSUPPORTED)
        return _opened(partial(_decrypt, data, None, passwords=["-"]), certificates, encrypted=False)
    for identity in _candidates(packets, tuple(identities)):
        with suppress(RuntimeError):
            decryptor = identity.key.decryptor(identity.passphrase)
            return _opened(partial(_decrypt, data, decryptor), certificates, encrypted=True)
    raise CannotOpen(Unopened.BROKEN)


def verify_detached(signed: bytes, signature: bytes, certificates: Iterable[Any]) -> tuple[Signature, ...]:
    """A signature over a MIME entity (RFC 3156 §5: with CRLF), or over a file."""
    try:
        parsed = Sig.from_bytes(signature)
    except RuntimeError:
        return (Signature("openpgp", SignatureResult.UNCHECKED),)
    readings = dict.fromkeys((with_crlf(signed), signed))
    known = tuple(certificates)
    found = [_checked(partial(_verify, data, signature=parsed), known)[1] for data in readings]
    best = next((each for each in found if each and each[0].result is SignatureResult.VALID), found[0])
    if not best:  # of a version or digest that the library does not even look at
        maker = parsed.issuer_fingerprint or parsed.issuer_key_id or ""
        return (Signature("openpgp", SignatureResult.UNCHECKED, fingerprint=maker.lower()),)
    weak = any(name in repr(parsed.hash_algorithm) for name in _BROKEN_DIGESTS)
    return tuple(_unless_weak(each) if weak else each for each in best)


def verify_text(data: bytes, certificates: Iterable[Any]) -> tuple[Signature, ...]:
    """Text signed in the clear (RFC 9580 §7), exactly as it came."""
    known = tuple(certificates)
    found = _checked(partial(_verify, data), known)[1]
    return found or (Signature("openpgp", SignatureResult.UNCHECKED),)


def certificates_in(data: bytes) -> list[Any]:
    """The public keys in a file or header; none where they cannot be read."""
    try:
        found = Cert.split_bytes(data[:_LARGEST_CERTIFICATE])
    except RuntimeError:
        return []
    return list(found)[:_MOST_CERTIFICATES]


def sender_keys(data: bytes) -> tuple[SenderKey, ...]:
    return tuple(SenderKey("openpgp", cert.fingerprint, bytes(cert)) for cert in certificates_in(data))


def with_crlf(data: bytes) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", data)


def _packets(data: bytes) -> list[Any]:
    try:
        return list(PacketPile.from_bytes(data))
    except RuntimeError:
        raise CannotOpen(Unopened.BROKEN) from None


def _candidates(packets: list[Any], identities: tuple[Identity, ...]) -> Iterator[Identity]:
    """Those that a message is meant for, and all where it does not say for whom. Raises CannotOpen."""
    meant = [_recipient(packet.body) for packet in packets[:_MOST_RECIPIENTS] if packet.tag == Tag.PKESK]
    if not meant:  # by a password alone
        raise CannotOpen(Unopened.UNSUPPORTED)
    if not identities:
        raise CannotOpen(Unopened.NO_KEY)
    fitting = [each for each in identities if None in meant or each.key_ids() & set(meant)]
    if not fitting:
        raise CannotOpen(Unopened.WRONG_KEY)
    yield from fitting


def _recipient(body: bytes) -> bytes | None:
    """The key id in a PKESK packet (RFC 9580 §5.1), None where it hides whom it is for."""
    if body[:1] == b"\x03":
        identifier = body[1:9]
        return identifier if any(identifier) else None
    length = body[1] if len(body) > 1 else 0
    return _key_id(body[3 : 2 + length].hex()) if length > 1 else None


def _key_id(fingerprint: str) -> bytes:
    """Version 4: the last eight bytes; version 6: the first (RFC 9580 §5.5.4)."""
    raw = bytes.fromhex(fingerprint)
    return raw[-8:] if len(raw) == 20 else raw[:8]


def _fingerprints(certificate: Any) -> list[str]:
    packets = PacketPile.from_bytes(bytes(certificate))
    return [packet.fingerprint for packet in packets if packet.tag in _PUBLIC_KEY_TAGS and packet.fingerprint]


_Store = Callable[[list[str]], list[Any]]


def _opened(step: Callable[[_Store | None], Any], certificates: Iterable[Any], *, encrypted: bool) -> Unsealed:
    content = step(None).bytes
    return Unsealed(content, encrypted=encrypted, signatures=_checked(step, tuple(certificates))[1])


def _checked(step: Callable[[_Store], Any], certificates: tuple[Any, ...]) -> tuple[Any, tuple[Signature, ...]]:
    """Verify by keys that came with the mail; what is said of an unknown key is its id alone."""
    makers: list[str] = []

    def store(key_ids: list[str]) -> list[Any]:
        makers.extend(key_ids)
        return [each for each in certificates if _makes(each, key_ids)]

    try:
        result = step(store)
    except RuntimeError as error:
        # GnuPG compresses what it signs and encrypts in one: the library opens that, and does not check it
        known_form = not str(error).startswith(_UNKNOWN_FORM)
        return None, tuple(_refused(maker, certificates if known_form else None) for maker in dict.fromkeys(makers))
    by_fingerprint = {each.fingerprint: each for each in certificates}
    signatures = (
        Signature("openpgp", SignatureResult.VALID, _describe(by_fingerprint[each.certificate]), each.certificate)
        for each in result.valid_sigs
    )
    return result, tuple(signatures)


def _refused(maker: str, certificates: tuple[Any, ...] | None) -> Signature:
    if certificates is None:
        return Signature("openpgp", SignatureResult.UNCHECKED, fingerprint=maker.lower())
    certificate = next((each for each in certificates if _makes(each, [maker])), None)
    if certificate is None:
        return Signature("openpgp", SignatureResult.UNKNOWN_KEY, fingerprint=maker.lower())
    result = SignatureResult.UNCHECKED if certificate.is_revoked else SignatureResult.INVALID
    return Signature("openpgp", result, _describe(certificate), certificate.fingerprint)


def _unless_weak(signature: Signature) -> Signature:
    """A digest that can be forged says nothing, neither for nor against."""
    if signature.result is SignatureResult.UNKNOWN_KEY:
        return signature
    return Signature("openpgp", SignatureResult.UNCHECKED, signature.signer, signature.fingerprint)


def _makes(certificate: Any, key_ids: list[str]) -> bool:
    ours = _fingerprints(certificate)
    return any(_key_id(each).hex() == key_id.lower() or each == key_id.lower() for each in ours for key_id in key_ids)


def _describe(certificate: Any) -> str:
    return ", ".join(str(each) for each in certificate.user_ids)
