"""A message of each kind, made and opened in the nursery: what a library imports late is there before the files go.

The keys are made for this and forgotten; none of them is anybody's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pysequoia
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from ingest.mail import SealedKind
from ingest.protection.unseal import unseal
from ingest.protection.values import MailKeys, Question


def warm_up() -> None:
    _smime()
    _openpgp()


def _smime() -> None:
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())):  # noqa: S505
        certificate = _certificate(key)
        signing = pkcs7.PKCS7SignatureBuilder().set_data(b"\n").add_signer(certificate, key, hashes.SHA256())
        unseal(Question(SealedKind.CMS, signing.sign(Encoding.DER, [])))
        if isinstance(key, rsa.RSAPrivateKey):
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            keys = MailKeys(smime=private + certificate.public_bytes(Encoding.PEM))
            sealing = pkcs7.PKCS7EnvelopeBuilder().set_data(b"\n").add_recipient(certificate)
            unseal(Question(SealedKind.CMS, sealing.encrypt(Encoding.DER, []), keys=keys))
        else:
            key.exchange(ec.ECDH(), key.public_key())


def _certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "\u00e9")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.RFC822Name("nobody@example.org")])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )


def _openpgp() -> None:
    key = pysequoia.Tsk.generate("nobody")
    certificate = key.extract_certificate()
    keys = MailKeys(openpgp=str(key).encode())
    data = pysequoia.encrypt(b"\n", recipients=[certificate], signer=key.signer())
    unseal(Question(SealedKind.PGP, data, keys=keys, certificates=(bytes(certificate),)))
    signature = pysequoia.sign(key.signer(), b"\n", mode=pysequoia.SignatureMode.DETACHED)
    unseal(Question(SealedKind.PGP_SIGNATURE, signature, b"\n", certificates=(bytes(certificate),)))
