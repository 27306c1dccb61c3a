"""S/MIME encryption: EnvelopedData (RFC 5652 §6), AuthEnvelopedData (RFC 5083, 5084), CompressedData (RFC 3274).

Keys are found by what the message says of its recipients, and tried one after the other. Meant for a decrypter's child:
hostile bytes and a private key meet here and nowhere else.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from asn1crypto import cms, core
from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

from ingest.mail import Unopened
from ingest.protection.errors import CannotOpen
from ingest.protection.values import LARGEST_PLAINTEXT

_MOST_RECIPIENTS = 500
_KEY_SIZES = {"aes128": 16, "aes192": 24, "aes256": 32}
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
# RFC 5753 §7.1.4, RFC 8418 §2.2 (the latter with HKDF, which no mail program was seen to use)
_AGREEMENTS: dict[str, type[hashes.HashAlgorithm]] = {
    "1.3.133.16.840.63.0.2": hashes.SHA1,
    "1.3.132.1.11.0": hashes.SHA224,
    "1.3.132.1.11.1": hashes.SHA256,
    "1.3.132.1.11.2": hashes.SHA384,
    "1.3.132.1.11.3": hashes.SHA512,
}


@dataclass(frozen=True)
class Identity:
    """One private key of the desk, with the certificate that others encrypt to."""

    key: PrivateKeyTypes
    certificate: x509.Certificate

    def is_named_by(self, recipient: Any) -> bool:
        """Does a RecipientIdentifier or KeyAgreeRecipientIdentifier mean this certificate?"""
        if recipient.name == "issuer_and_serial_number":
            named = recipient.chosen
            issuer: bytes = named["issuer"].dump()
            return bool(
                named["serial_number"].native == self.certificate.serial_number
                and issuer == self.certificate.issuer.public_bytes()
            )
        chosen = recipient.chosen
        identifier = chosen["subject_key_identifier"].native if recipient.name == "r_key_id" else chosen.native
        return bool(identifier == self._subject_key_identifier())

    def _subject_key_identifier(self) -> bytes:
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except (x509.ExtensionNotFound, ValueError):
            return x509.SubjectKeyIdentifier.from_public_key(self.certificate.public_key()).digest
        return found.value.digest


def decrypt(content: Any, identities: tuple[Identity, ...], *, is_mail: bool) -> bytes:
    """The plaintext of an EnvelopedData or AuthEnvelopedData; `is_mail`: it has to be a MIME entity. Raises CannotOpen.

    What is wrong with a message that names one of our keys is never told apart: a wrong key, a wrong padding and a
    wrong tag are all "broken" (RFC 3218).
    """
    sealed = content["encrypted_content_info" if isinstance(content, cms.EnvelopedData) else _AUTHENTICATED]
    cipher = sealed["content_encryption_algorithm"]["algorithm"].native
    if cipher not in _CIPHERS:
        raise CannotOpen(Unopened.UNSUPPORTED)
    if not identities:
        raise CannotOpen(Unopened.NO_KEY)
    ways = list(_ways(content["recipient_infos"], identities))
    if not ways:
        raise CannotOpen(Unopened.WRONG_KEY)
    if all(way.algorithm is None for way in ways):
        raise CannotOpen(Unopened.UNSUPPORTED)
    for way in ways:
        with suppress(*_FAILURES):
            plain = _CIPHERS[cipher](_content_key(way, cipher), sealed, content)
            if not is_mail or not _UNPRINTABLE.search(plain[:_LOOKED_AT]):
                return plain
    raise CannotOpen(Unopened.BROKEN)


# CBC authenticates nothing: what a wrong key makes of it has the right padding once in 256 times, but hardly ever
# begins as a mail does.
_UNPRINTABLE = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LOOKED_AT = 64
_FAILURES = (ValueError, TypeError, KeyError, UnsupportedAlgorithm, InvalidTag, keywrap.InvalidUnwrap)
_AUTHENTICATED = "auth_encrypted_content_info"


@dataclass(frozen=True)
class _Way:
    """A RecipientInfo that names one of our identities. `algorithm` None: one that nobody here knows."""

    identity: Identity
    algorithm: str | None
    info: Any
    encrypted_key: bytes


def _ways(infos: Any, identities: tuple[Identity, ...]) -> Iterator[_Way]:
    for info in list(infos)[:_MOST_RECIPIENTS]:
        for identity in identities:
            if info.name == "ktri" and identity.is_named_by(info.chosen["rid"]):
                algorithm = info.chosen["key_encryption_algorithm"]["algorithm"].native
                known = algorithm if algorithm in ("rsaes_pkcs1v15", "rsaes_oaep") else None
                yield _Way(identity, known, info.chosen, info.chosen["encrypted_key"].native)
            elif info.name == "kari":
                algorithm = info.chosen["key_encryption_algorithm"]["algorithm"].dotted
                known = algorithm if algorithm in _AGREEMENTS else None
                for each in info.chosen["recipient_encrypted_keys"]:
                    if identity.is_named_by(each["rid"]):
                        yield _Way(identity, known, info.chosen, each["encrypted_key"].native)


def _content_key(way: _Way, cipher: str) -> bytes:
    key = _agreed_key(way) if way.algorithm in _AGREEMENTS else _transported_key(way)
    if len(key) != (24 if cipher == "tripledes_3key" else _KEY_SIZES[cipher[:6]]):
        raise ValueError("key size")
    return key


def _transported_key(way: _Way) -> bytes:
    private = way.identity.key
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    if way.algorithm == "rsaes_pkcs1v15":
        return private.decrypt(way.encrypted_key, padding.PKCS1v15())
    parameters = way.info["key_encryption_algorithm"]["parameters"]
    digest = _DIGESTS[parameters["hash_algorithm"]["algorithm"].native]()
    mask = _DIGESTS[parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native]()
    label = parameters["p_source_algorithm"]["parameters"].native or None
    return private.decrypt(way.encrypted_key, padding.OAEP(padding.MGF1(mask), digest, label))


class _KeyWrapAlgorithm(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    _fields: ClassVar[list[Any]] = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]


class _SharedInfo(core.Sequence):  # type: ignore[misc]
    """ECC-CMS-SharedInfo (RFC 5753 §7.2)."""

    _fields: ClassVar[list[Any]] = [
        ("key_info", _KeyWrapAlgorithm),
        ("entity_u_info", core.OctetString, {"explicit": 0, "optional": True}),
        ("supp_pub_info", core.OctetString, {"explicit": 2}),
    ]


_WRAPS = {"2.16.840.1.101.3.4.1.5": 16, "2.16.840.1.101.3.4.1.25": 24, "2.16.840.1.101.3.4.1.45": 32}


def _agreed_key(way: _Way) -> bytes:
    algorithm = way.info["key_encryption_algorithm"]
    wrap = _KeyWrapAlgorithm.load(algorithm["parameters"].dump())
    size = _WRAPS[wrap["algorithm"].dotted]
    info = {"key_info": wrap, "supp_pub_info": (size * 8).to_bytes(4, "big")}
    if way.info["ukm"].native is not None:
        info["entity_u_info"] = way.info["ukm"].native
    digest = _AGREEMENTS[way.algorithm or ""]()
    shared = _shared_secret(way.identity.key, way.info["originator"])
    wrapping = X963KDF(digest, size, _SharedInfo(info).dump()).derive(shared)
    return keywrap.aes_key_unwrap(wrapping, way.encrypted_key)


def _shared_secret(private: PrivateKeyTypes, originator: Any) -> bytes:
    point: bytes = originator.chosen["public_key"].native
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(private.curve, point))
    if isinstance(private, x25519.X25519PrivateKey):
        return private.exchange(x25519.X25519PublicKey.from_public_bytes(point))
    if isinstance(private, x448.X448PrivateKey):
        return private.exchange(x448.X448PublicKey.from_public_bytes(point))
    raise TypeError("not a key for an agreement")


def _cbc(key: bytes, sealed: Any, _: Any) -> bytes:
    triple = sealed["content_encryption_algorithm"]["algorithm"].native == "tripledes_3key"
    algorithm = TripleDES(key) if triple else algorithms.AES(key)
    vector = sealed["content_encryption_algorithm"]["parameters"].native
    decryptor = Cipher(algorithm, modes.CBC(vector)).decryptor()
    padded = decryptor.update(sealed["encrypted_content"].native) + decryptor.finalize()
    count, block = padded[-1] if padded else 0, algorithm.block_size // 8
    if not 1 <= count <= block or padded[-count:] != bytes([count]) * count:  # RFC 5652 §6.3
        raise ValueError("padding")
    return padded[:-count]


class _GcmParameters(core.Sequence):  # type: ignore[misc]
    """RFC 5084 §3.2."""

    _fields: ClassVar[list[Any]] = [("nonce", core.OctetString), ("size", core.Integer, {"default": 12})]


def _gcm(key: bytes, sealed: Any, content: Any) -> bytes:
    parameters = _GcmParameters.load(sealed["content_encryption_algorithm"]["parameters"].dump())
    tag = content["mac"].native
    if isinstance(content, cms.EnvelopedData) or len(tag) != 16 or parameters["size"].native not in (12, 16):
        raise ValueError("tag")
    attributes = content["auth_attrs"]
    # RFC 5083 §2.2: what is authenticated is the DER of a SET OF, not the implicit tag that stands in the message
    authenticated = b"" if isinstance(attributes, core.Void) else attributes.untag().dump(force=True)
    data = sealed["encrypted_content"].native + tag
    return AESGCM(key).decrypt(parameters["nonce"].native, data, authenticated or None)


_CIPHERS = {
    "tripledes_3key": _cbc,
    "aes128_cbc": _cbc,
    "aes192_cbc": _cbc,
    "aes256_cbc": _cbc,
    "aes128_gcm": _gcm,
    "aes192_gcm": _gcm,
    "aes256_gcm": _gcm,
}


def decompress(content: Any) -> bytes:
    """The content of a CompressedData, within bounds. Raises CannotOpen."""
    if content["compression_algorithm"]["algorithm"].native != "zlib":
        raise CannotOpen(Unopened.UNSUPPORTED)
    machine = zlib.decompressobj()
    try:
        plain = machine.decompress(content["encap_content_info"]["content"].native or b"", LARGEST_PLAINTEXT)
    except zlib.error:
        raise CannotOpen(Unopened.BROKEN) from None
    if machine.unconsumed_tail:
        raise CannotOpen(Unopened.BOUNDS)
    if not machine.eof:
        raise CannotOpen(Unopened.BROKEN)
    return plain
