"""Does a certificate lead to an authority that the desk names? (RFC 5280 §6, as the library does it)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError


def leads_to(
    certificate: x509.Certificate,
    between: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    now: datetime,
) -> bool:
    """By valid signatures, all of them in their time. Revocation is not looked up: that would tell who writes to us."""
    if not authorities:
        return False
    policies = {
        "ca_policy": ExtensionPolicy.webpki_defaults_ca(),
        "ee_policy": ExtensionPolicy.permit_all(),  # a person's, not a server's
    }
    verifier = (
        PolicyBuilder().store(Store(list(authorities))).time(now).extension_policies(**policies).build_client_verifier()
    )
    try:
        verifier.verify(certificate, list(between))
    except (VerificationError, ValueError):
        return False
    return True
