"""What an administrator is to do about an error of a token endpoint (RFC 6749 §5.2, and Entra's AADSTS numbers)."""

import re
from collections.abc import Mapping
from typing import Any

from access.errors import NeedsAuthorisation, NoToken

_WORD = re.compile(r"[a-z_]{1,60}")
_ENTRA = re.compile(r"AADSTS(\d{1,9})")

_ENTRA_ADVICE = {
    65001: "nobody consented to the application's permissions. In Entra, open API permissions, and grant consent",
    70011: "the scope is not one of this application. Check `scopes`",
    90002: "there is no such directory. Check `tenant`",
    700016: "the directory does not know the application. Check `client_id` and `tenant`",
    700027: "the certificate is not the application's. Upload its public half in Entra, or put back the right secret "
    "oauth-certificate-{account}",
    1002012: "client credentials need a scope that ends with /.default. Check `scopes`",
    7000112: "the application is disabled. Enable it in Entra",
    7000215: "the client secret is wrong. Put its value, and not its ID, into the secret oauth-secret-{account}",
    7000218: 'the application is not set up for a sign-in without a secret. In Entra, set "Allow public client flows"',
    7000222: "the client secret has expired. Make a new one in Entra, and put it into the secret "
    "oauth-secret-{account}",
}  # fmt: skip

_ADVICE = {
    "invalid_client": "the provider does not accept the application's secret. Check `client_id` and the secrets of "
    "the account {account}",
    "unauthorized_client": "the application may not ask for tokens in this way. Check `flow`, and its rights at the "
    "provider",
    "invalid_scope": "the scope is not one of this application. Check `scopes`",
    "access_denied": "the sign-in was refused, or its rights were taken away",
    "expired_token": "nobody signed in before the code expired",
    "authorization_pending": "nobody signed in before the code expired",
}  # fmt: skip

_SIGN_IN_AGAIN = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})


def explained(answer: Mapping[str, Any], account: str, *, by_person: bool) -> NoToken:
    """The error of a token endpoint as ours. Of its text only words without a name, a token or a URL are repeated."""
    entra = _entra_number(answer)
    word = _word(answer)
    what = f"AADSTS{entra}" if entra else word
    advice = (_ENTRA_ADVICE.get(entra) if entra else None) or _ADVICE.get(word)
    if advice:
        return NoToken(f"no access token: {advice.format(account=account)} ({what})")
    if by_person and word in _SIGN_IN_AGAIN:
        return NeedsAuthorisation(
            f"no access token: the sign-in is not valid any more ({what}). Run: meldpost authorise {account}"
        )
    return NoToken(f"no access token: the provider answered {what}")


def _entra_number(answer: Mapping[str, Any]) -> int | None:
    codes = answer.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    found = _ENTRA.search(str(answer.get("error_description", "")))
    return int(found[1]) if found else None


def _word(answer: Mapping[str, Any]) -> str:
    word = str(answer.get("error", ""))
    return word if _WORD.fullmatch(word) else "something that makes no sense"
