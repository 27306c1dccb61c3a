"""S/MIME signatures: SignedData (RFC 5652 §5, RFC 8551), what its arithmetic says, and by whose certificate.

Nothing here trusts anybody: a certificate is taken at its word, which anyone can write into one. Whether it leads to
an authority that the desk names is a second answer beside the first.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from asn1crypto import core
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ingest.mail import SenderKey, Signature, SignatureResult
from ingest.protection.chains import leads_to

_MOST_SIGNERS = 10
_MOST_CERTIFICATES = 50
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - old signatures say what they say; it is not we who choose
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

_WEAK = {"md5", "sha1"}
_WITHOUT_DIGEST = ("rsassa_pkcs1v15", "ecdsa", "dsa")  # which is then that of the signer


class _Unknown(Exception):
    """A form that nobody here can check."""


def certificates(content: Any) -> list[x509.Certificate]:
    """Those that came with a SignedData; one that cannot be read is passed over."""
    found = []
    for each in list(content["certificates"] or ())[:_MOST_CERTIFICATES]:
        if each.name == "certificate":
            with suppress(ValueError, UnsupportedAlgorithm):
                found.append(x509.load_der_x509_certificate(each.chosen.dump()))
    return found


def check(
    content: Any, signed: bytes, authorities: tuple[x509.Certificate, ...]
) -> tuple[list[Signature], list[SenderKey]]:
    """Every signature of a SignedData over `signed`, and the certificates that signed."""
    came = certificates(content)
    signatures, keys = [], []
    for signer in list(content["signer_infos"])[:_MOST_SIGNERS]:
        certificate = next((each for each in came if _is_of(signer, each)), None)
        if certificate is None:
            signatures.append(Signature("smime", SignatureResult.UNKNOWN_KEY, _named(signer)))
            continue
        result = _result(signer, certificate, content, signed)
        chained = result is SignatureResult.VALID and leads_to(certificate, came, authorities, datetime.now(UTC))
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        signatures.append(Signature("smime", result, describe(certificate), fingerprint, chained=chained))
        keys.append(sender_key(certificate))
    return signatures, keys


def sender_key(certificate: x509.Certificate) -> SenderKey:
    return SenderKey("smime", certificate.fingerprint(hashes.SHA256()).hex(), certificate.public_bytes(Encoding.DER))


def describe(certificate: x509.Certificate) -> str:
    """What a certificate says of whom it is: common name and addresses."""
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    addresses = [str(each.value) for each in certificate.subject.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS)]
    with suppress(x509.ExtensionNotFound, ValueError):
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses += alternative.get_values_for_type(x509.RFC822Name)
    written = ", ".join(f"<{each}>" for each in dict.fromkeys(addresses))
    return " ".join(filter(None, (", ".join(names), written)))


def _is_of(signer: Any, certificate: x509.Certificate) -> bool:
    sid = signer["sid"]
    if sid.name == "issuer_and_serial_number":
        same_issuer: bool = sid.chosen["issuer"].dump() == certificate.issuer.public_bytes()
        return same_issuer and sid.chosen["serial_number"].native == certificate.serial_number
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        found = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    return bool(sid.chosen.native == found)


def _named(signer: Any) -> str:
    sid = signer["sid"]
    return str(sid.chosen["issuer"].human_friendly) if sid.name == "issuer_and_serial_number" else ""


def _result(signer: Any, certificate: x509.Certificate, content: Any, signed: bytes) -> SignatureResult:
    try:
        _verify(signer, certificate, content["encap_content_info"]["content_type"].native, signed)
    except InvalidSignature:
        return SignatureResult.INVALID
    except (_Unknown, UnsupportedAlgorithm):
        return SignatureResult.UNCHECKED
    except (ValueError, TypeError, KeyError):  # its numbers are none that such a key could have made
        return SignatureResult.INVALID
    # a digest that can be forged says nothing for the text
    return SignatureResult.UNCHECKED if _WEAK & _digests_of(signer) else SignatureResult.VALID


def _digests_of(signer: Any) -> set[str]:
    algorithm = signer["signature_algorithm"]
    named = set() if algorithm["algorithm"].native in _WITHOUT_DIGEST else {algorithm.hash_algo}
    return {signer["digest_algorithm"]["algorithm"].native} | named


def _verify(signer: Any, certificate: x509.Certificate, content_type: str, signed: bytes) -> None:
    """RFC 5652 §5.4, §5.6. Raises InvalidSignature, _Unknown, ValueError."""
    digest_name = signer["digest_algorithm"]["algorithm"].native
    if digest_name not in _DIGESTS:
        raise _Unknown
    attributes = signer["signed_attrs"]
    if isinstance(attributes, core.Void) or not len(attributes):
        if content_type != "data":  # RFC 5652 §5.3: signed attributes must be there
            raise InvalidSignature
        return _verify_bytes(signer, certificate, digest_name, signed)
    if _only(attributes, "message_digest") != hashlib.new(digest_name, signed, usedforsecurity=False).digest():
        raise InvalidSignature
    if _only(attributes, "content_type") != content_type:
        raise InvalidSignature
    # what is signed is the DER of a SET OF, not the implicit tag [0] that stands in the message
    return _verify_bytes(signer, certificate, digest_name, attributes.untag().dump(force=True))


def _only(attributes: Any, kind: str) -> Any:
    """The one value of the one attribute of a kind (RFC 5652 §11.1, §11.2)."""
    values = [value for each in attributes if each["type"].native == kind for value in each["values"]]
    if len(values) != 1:
        raise InvalidSignature
    return values[0].native


def _verify_bytes(signer: Any, certificate: x509.Certificate, digest_name: str, data: bytes) -> None:
    key = certificate.public_key()
    algorithm = signer["signature_algorithm"]
    signature: bytes = signer["signature"].native
    kind = algorithm.signature_algo
    if isinstance(key, rsa.RSAPublicKey) and kind in ("rsassa_pkcs1v15", "rsassa_pss"):
        scheme, digest = _rsa_scheme(algorithm, digest_name)
        return key.verify(signature, data, scheme, digest)
    if isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
        return key.verify(signature, data, ec.ECDSA(_digest(algorithm, digest_name)))
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)) and kind in ("ed25519", "ed448"):
        return key.verify(signature, data)
    raise _Unknown


def _rsa_scheme(algorithm: Any, digest_name: str) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]:
    if algorithm.signature_algo == "rsassa_pkcs1v15":
        return padding.PKCS1v15(), _digest(algorithm, digest_name)
    parameters = algorithm["parameters"]  # RFC 4056
    mask = _DIGESTS[parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native]
    digest = _DIGESTS[parameters["hash_algorithm"]["algorithm"].native]
    return padding.PSS(padding.MGF1(mask), parameters["salt_length"].native), digest


def _digest(algorithm: Any, digest_name: str) -> hashes.HashAlgorithm:
    """The digest that the signature names, or else the one of its signer."""
    named = algorithm["algorithm"].native
    if named in ("rsassa_pkcs1v15", "ecdsa"):
        return _DIGESTS[digest_name]
    if algorithm.hash_algo not in _DIGESTS:
        raise _Unknown
    return _DIGESTS[algorithm.hash_algo]
