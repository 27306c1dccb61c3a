"""The keys with which a desk opens encrypted mail: made, taken from elsewhere, shown to be published, examined.

A desk may hold several: an old one still opens the mail to an old certificate. They stand one after the other in one
secret, the newest first, for that one is published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pysequoia
from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from config.secrets import Secrets, replace_secret
from config.settings import DeskSettings
from ingest.mail import SealedKind
from ingest.protection.keys import mail_keys
from ingest.protection.unseal import openpgp_identities, smime_identities, unseal, x509_certificates
from ingest.protection.values import MailKeys, Question

Standard = Literal["smime", "openpgp"]

RSA_BITS = 3072
CERTIFICATE_DAYS = 3 * 365
_PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_NO_KEY = "The file holds no key: it has to be PEM, PKCS#12, or an OpenPGP secret key in armour."
_PUBLIC = (
    "That is the public half of a key, which opens nothing. Export the secret one (OpenPGP: gpg --armor "
    "--export-secret-keys)."
)
_PGP_PRIVATE = b"-----BEGIN PGP PRIVATE KEY BLOCK-----"


class BadMailKey(Exception):
    """A key that mail cannot be opened with; the message says what to do."""


class Locked(BadMailKey):
    """The key is locked, and the passphrase that was given, if any, is not its own."""

    def __init__(self) -> None:
        super().__init__("The key is locked, and its passphrase is another.")


@dataclass(frozen=True)
class PublicHalf:
    """What of a key others may have: a certificate in PEM, or an OpenPGP key in armour. `until` None: for ever."""

    standard: Standard
    fingerprint: str
    until: datetime | None
    text: str


def make(secrets: Secrets, slug: str, desk: DeskSettings, standard: Standard) -> PublicHalf:
    """A new key for the desk's address, in front of those that it has."""
    if standard == "smime":
        key = rsa.generate_private_key(65537, RSA_BITS)
        certificate = _self_signed(key, desk)
        return _add_smime(secrets, slug, desk, key, [certificate])
    fresh = pysequoia.Tsk.generate(user_id=f"<{desk.address}>")  # it does not expire: one that did would open nothing
    return _add_openpgp(secrets, slug, desk, str(fresh).encode())


def request(secrets: Secrets, slug: str, desk: DeskSettings) -> str:
    """A request to sign the desk's newest S/MIME key, for an authority (PKCS#10, PEM)."""
    for identity in smime_identities(mail_keys(secrets, slug, desk)):
        if isinstance(identity.key, rsa.RSAPrivateKey):
            builder = x509.CertificateSigningRequestBuilder(_name(desk), [_address(desk)])
            return builder.sign(identity.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode("ascii")
    raise BadMailKey("This desk has no S/MIME key yet. Make one with `meldpost mailkey new smime`.")


def take_over(secrets: Secrets, slug: str, desk: DeskSettings, data: bytes, passphrase: bytes) -> PublicHalf:
    """A key made elsewhere, or the certificate that an authority made for a key of the desk.

    `data`: PEM with a private key and its certificates, PEM certificates alone, PKCS#12, or an OpenPGP secret key in
    armour. Raises BadMailKey, which is Locked where another passphrase may do better.
    """
    if _PGP_PRIVATE in data:
        before = mail_keys(secrets, slug, desk)
        _refuse_useless(data, passphrase or before.openpgp_passphrase)
        return _add_openpgp(secrets, slug, desk, data, passphrase)
    try:
        key, certificates = _pem(data, passphrase) if b"-----BEGIN" in data else _pkcs12(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadMailKey("The key or a certificate there cannot be read.") from None
    return _add_smime(secrets, slug, desk, key, certificates)


def _refuse_useless(armoured: bytes, passphrase: bytes) -> None:
    """Sequoia says by its words alone whether a key is locked, or has nothing to unlock."""
    try:
        key = pysequoia.Tsk.from_bytes(armoured)
    except RuntimeError:
        raise BadMailKey("The OpenPGP key there cannot be read.") from None
    try:
        key.decryptor(passphrase.decode("utf-8", "replace") or None)
    except RuntimeError as error:
        if "No suitable decryption subkey" in str(error):
            raise BadMailKey(
                "The OpenPGP key there opens nothing: it has no part for encryption, or it has expired. Give it a new "
                "expiry date where it was made, and import it again."
            ) from None
        if "is not encrypted" in str(error):
            raise BadMailKey("The OpenPGP key there is not locked: lock it with the passphrase given.") from None
        raise Locked from None


def _pem(data: bytes, passphrase: bytes) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    block = _PRIVATE.search(data)
    certificates = x509_certificates(data)
    if block is None:
        if not certificates:
            raise BadMailKey(_PUBLIC if b"PUBLIC KEY" in data else _NO_KEY)
        return None, certificates
    if b"ENCRYPTED" not in block[0]:
        return load_pem_private_key(block[0], None), certificates
    try:
        return load_pem_private_key(block[0], passphrase or None), certificates
    except (ValueError, TypeError):
        raise Locked from None


def _pkcs12(data: bytes, passphrase: bytes) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    try:
        asn1_pkcs12.Pfx.load(data, strict=True).native  # noqa: B018 - reads all of it
    except (ValueError, TypeError):
        raise BadMailKey(_NO_KEY) from None
    try:
        key, first, others = pkcs12.load_key_and_certificates(data, passphrase or None)
    except ValueError:
        raise Locked from None
    return key, [each for each in (first, *others) if each is not None]


def public_halves(keys: MailKeys) -> Iterator[PublicHalf]:
    """Of every key, newest first. Raises BadMailKey where one is of no use."""
    try:
        smime, openpgp = smime_identities(keys), openpgp_identities(keys)
    except ValueError:
        raise BadMailKey("A key for mail cannot be read, or its passphrase is another.") from None
    if keys.smime and not smime:
        raise BadMailKey("No certificate among the S/MIME keys belongs to a private key there.")
    for identity in smime:
        certificate = identity.certificate
        text = certificate.public_bytes(Encoding.PEM).decode("ascii")
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        yield PublicHalf("smime", fingerprint, certificate.not_valid_after_utc, text)
    for each in openpgp:
        public = each.key.extract_certificate()
        half = PublicHalf("openpgp", public.fingerprint, public.expiration, str(public))
        if not _opens(public, each.key, keys):
            raise BadMailKey(
                f"The OpenPGP key {public.fingerprint} opens nothing: its passphrase is another, it has no part for "
                "encryption, or it has expired. Give it a new expiry date where it was made, and import it again."
            )
        yield half


def _opens(public: pysequoia.Cert, key: pysequoia.Tsk, keys: MailKeys) -> bool:
    """Tried out: a word encrypted to it comes back."""
    try:
        sealed = pysequoia.encrypt(b"word", recipients=[public])
    except RuntimeError:
        return False
    alone = replace(keys, openpgp=str(key).encode())
    return unseal(Question(SealedKind.PGP, sealed, keys=alone)).content == b"word"


def _add_smime(
    secrets: Secrets, slug: str, desk: DeskSettings, key: PrivateKeyTypes | None, certificates: list[x509.Certificate]
) -> PublicHalf:
    """`key` None: the certificates are for one that the desk has."""
    before = mail_keys(secrets, slug, desk)
    written = b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
    if key is not None:
        locked = BestAvailableEncryption(before.smime_passphrase) if before.smime_passphrase else NoEncryption()
        written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked) + written
    all_of_them = written + before.smime
    fresh = {each.fingerprint(hashes.SHA256()).hex() for each in certificates}
    halves = public_halves(replace(before, smime=all_of_them, openpgp=b""))  # before anything is written
    added = next((half for half in halves if half.fingerprint in fresh), None)
    if added is None:
        raise BadMailKey("No certificate there belongs to a private key there, or to one that the desk has.")
    replace_secret(secrets.directory, f"smime-key-{slug}", all_of_them)
    return added


def _add_openpgp(
    secrets: Secrets, slug: str, desk: DeskSettings, armoured: bytes, passphrase: bytes = b""
) -> PublicHalf:
    before = mail_keys(secrets, slug, desk)
    if passphrase and before.openpgp_passphrase and passphrase != before.openpgp_passphrase:
        raise BadMailKey("The desk's OpenPGP keys share one passphrase. Give this key the one of the others first.")
    fresh = MailKeys(openpgp=armoured, openpgp_passphrase=passphrase or before.openpgp_passphrase)
    halves = list(public_halves(fresh))
    if passphrase and not before.openpgp_passphrase:
        replace_secret(secrets.directory, f"openpgp-passphrase-{slug}", passphrase)
    replace_secret(secrets.directory, f"openpgp-key-{slug}", armoured.strip() + b"\n" + before.openpgp)
    return halves[0]


def _self_signed(key: rsa.RSAPrivateKey, desk: DeskSettings) -> x509.Certificate:
    """What RFC 8550 §4.4 wants of a certificate for mail."""
    now = datetime.now(UTC)
    public, until = key.public_key(), now + timedelta(days=CERTIFICATE_DAYS)
    name, serial = _name(desk), x509.random_serial_number()
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
    return (
        x509.CertificateBuilder(name, name, public, serial, now - timedelta(hours=1), until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(_address(desk).value, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _name(desk: DeskSettings) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, desk.address[:64])])


def _address(desk: DeskSettings) -> x509.Extension[x509.SubjectAlternativeName]:
    alternative = x509.SubjectAlternativeName([x509.RFC822Name(desk.address)])
    return x509.Extension(x509.SubjectAlternativeName.oid, False, alternative)
