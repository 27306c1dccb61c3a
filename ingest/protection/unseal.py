"""One layer of protection taken off, or one signature checked. Pure; meant for a decrypter's child."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ingest.charsets import clean_line
from ingest.mail import SealedKind, SenderKey, Signature, SignatureResult, Unopened
from ingest.protection import enveloped, openpgp, signed
from ingest.protection.ber import to_definite
from ingest.protection.errors import CannotOpen
from ingest.protection.values import LARGEST_PLAINTEXT, MailKeys, Question, Unsealed, closed

Identity = TypeVar("Identity")

_LONGEST_NAME = 500
_MOST_SIGNATURES = 50
_PEM_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_PEM_MESSAGE = re.compile(rb"\s*-----BEGIN (CMS|PKCS7)-----(.*?)-----END \1-----", re.DOTALL)  # RFC 7468 §8, §9
_ENCRYPTED = ("enveloped_data", "authenticated_enveloped_data")


def unseal(question: Question) -> Unsealed:
    """Whatever comes in, an answer comes out: what cannot be opened or checked is said to be so."""
    try:
        answer = _STEPS[question.kind](question)
    except CannotOpen as error:
        return closed(question.kind, error.reason)
    except MemoryError:
        return closed(question.kind, Unopened.BOUNDS)
    except Exception:  # noqa: BLE001 - asn1crypto reads as it goes, and raises anything wherever a structure is wrong
        return closed(question.kind, Unopened.BROKEN)
    if answer.content is not None and len(answer.content) > LARGEST_PLAINTEXT:
        return Unsealed(encrypted=answer.encrypted, reason=Unopened.BOUNDS)
    return replace(answer, signatures=tuple(map(_fit_to_show, answer.signatures))[:_MOST_SIGNATURES])


def _fit_to_show(signature: Signature) -> Signature:
    """A key can call itself anything, in any length."""
    return replace(signature, signer=clean_line(signature.signer)[:_LONGEST_NAME])


def smime_identities(keys: MailKeys) -> tuple[enveloped.Identity, ...]:
    """Each private key of a secret, with each of the certificates that fit it. ValueError where one cannot be read."""
    certificates = x509_certificates(keys.smime)
    found = []
    for block in _PEM_KEY.finditer(keys.smime):
        password = keys.smime_passphrase if b"ENCRYPTED" in block[0] else None
        try:
            key = load_pem_private_key(block[0], password or None)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError("the private key cannot be read") from error
        found += [enveloped.Identity(key, each) for each in certificates if each.public_key() == key.public_key()]
    return tuple(found)


def openpgp_identities(keys: MailKeys) -> tuple[openpgp.Identity, ...]:
    """Each secret key of a secret. ValueError where one cannot be read."""
    return openpgp.Identity.all_of(keys.openpgp, keys.openpgp_passphrase)


def _identities(read: Callable[[MailKeys], tuple[Identity, ...]], question: Question) -> tuple[Identity, ...]:
    """A key that cannot be read is none; the doctor says so."""
    try:
        return read(question.keys)
    except ValueError:
        raise CannotOpen(Unopened.NO_KEY) from None


def x509_certificates(pem: bytes) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(block) for block in _PEM_CERTIFICATE.findall(pem)]


def _cms(question: Question) -> Unsealed:
    kind, content = _content_info(question.data)
    if kind in _ENCRYPTED:
        is_mail = question.kind is SealedKind.CMS
        plain = enveloped.decrypt(content, _identities(smime_identities, question), is_mail=is_mail)
        return Unsealed(plain, encrypted=True)
    if kind == "compressed_data":
        return Unsealed(enveloped.decompress(content))
    if kind != "signed_data":
        raise CannotOpen(Unopened.UNSUPPORTED)
    carried = content["encap_content_info"]["content"].native
    if not isinstance(carried, bytes):  # certificates alone
        return Unsealed(sender_keys=_certificates_alone(content))
    signatures, keys = signed.check(content, carried, _authorities(question))
    return Unsealed(carried, signatures=tuple(signatures), sender_keys=tuple(keys))


def _cms_signature(question: Question) -> Unsealed:
    kind, content = _content_info(question.data)
    if kind != "signed_data":
        return closed(question.kind, Unopened.UNSUPPORTED)
    # RFC 8551 §3.1.1: signed with CRLF. Some sign what they have.
    readings = dict.fromkeys((openpgp.with_crlf(question.signed), question.signed))
    checked = [signed.check(content, reading, _authorities(question)) for reading in readings]
    signatures, keys = next((each for each in checked if _all_valid(each[0])), checked[0])
    if not signatures:
        return closed(question.kind, Unopened.BROKEN)
    return Unsealed(signatures=tuple(signatures), sender_keys=tuple(keys))


def _pgp(question: Question) -> Unsealed:
    identities = _identities(openpgp_identities, question)
    return openpgp.decrypt(question.data, identities, _openpgp_certificates(question))


def _pgp_signature(question: Question) -> Unsealed:
    known = _openpgp_certificates(question)
    return Unsealed(signatures=openpgp.verify_detached(question.signed, question.data, known))


def _pgp_signed_text(question: Question) -> Unsealed:
    return Unsealed(signatures=openpgp.verify_text(question.data, _openpgp_certificates(question)))


def _pgp_key(question: Question) -> Unsealed:
    return Unsealed(sender_keys=openpgp.sender_keys(question.data))


_STEPS = {
    SealedKind.CMS: _cms,
    SealedKind.CMS_FILE: _cms,
    SealedKind.CMS_SIGNATURE: _cms_signature,
    SealedKind.PGP: _pgp,
    SealedKind.PGP_TEXT: _pgp,
    SealedKind.PGP_FILE: _pgp,
    SealedKind.PGP_SIGNATURE: _pgp_signature,
    SealedKind.PGP_SIGNED_TEXT: _pgp_signed_text,
    SealedKind.PGP_KEY: _pgp_key,
}


def _content_info(data: bytes) -> tuple[str, Any]:
    """The kind and content of a CMS structure."""
    armoured = _PEM_MESSAGE.match(data)
    info = cms.ContentInfo.load(to_definite(a2b_base64(armoured[2]) if armoured else data))
    return info["content_type"].native, info["content"]


def _certificates_alone(content: Any) -> tuple[SenderKey, ...]:
    return tuple(signed.sender_key(each) for each in signed.certificates(content))


def _authorities(question: Question) -> tuple[x509.Certificate, ...]:
    return tuple(x509_certificates(question.keys.authorities))


def _openpgp_certificates(question: Question) -> list[Any]:
    return [found for each in question.certificates for found in openpgp.certificates_in(each)]


def _all_valid(signatures: list[Signature]) -> bool:
    return bool(signatures) and all(each.result is SignatureResult.VALID for each in signatures)
