"""Tokens from a real HTTPS endpoint: each flow, what is kept of it, and every way in which it fails."""

import json
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from access.cache import CacheFile
from access.credentials import Tokens, secrets_are_there
from access.errors import NeedsAuthorisation, NoToken
from access.openid import OpenIdProvider
from config.errors import ConfigError, SecretExposed
from config.secrets import Secrets, write_secret
from config.settings import OAuthSettings
from meldpost import logs
from tests.access.endpoint import TENANT, Endpoint, cache_of, log_as_written, no_secret_in


def settings_of(endpoint: Endpoint, **more: Any) -> OAuthSettings:
    return OAuthSettings.model_validate(endpoint.oauth(**more))


def tokens_of(endpoint: Endpoint, secrets: Secrets, **more: Any) -> Tokens:
    return Tokens(settings_of(endpoint, **more), "main", "user", secrets)


def authorise(endpoint: Endpoint, secrets: Secrets, **more: Any) -> Tokens:
    """Somebody signs in."""
    settings = settings_of(endpoint, flow="device_code", **more)
    OpenIdProvider(settings, "main", secrets).authorise(CacheFile(secrets.directory, "main"), lambda *_: None)
    return Tokens(settings, "main", "user", secrets)


def test_an_application_gets_a_token_and_keeps_it_while_it_is_good(endpoint: Endpoint, secrets: Secrets) -> None:
    token = tokens_of(endpoint, secrets).token()
    assert token in endpoint.good
    assert tokens_of(endpoint, secrets).token() == token
    assert endpoint.grants() == ["client_credentials"]
    assert endpoint.discoveries == 1  # and while it is good, the provider may be away
    assert stat.S_IMODE(cache_of(secrets.directory, "main").stat().st_mode) == 0o600


def test_a_token_that_is_over_is_fetched_anew(endpoint: Endpoint, secrets: Secrets) -> None:
    endpoint.lifetime = 1  # less than what is left of it in the last minutes
    assert tokens_of(endpoint, secrets).token() != tokens_of(endpoint, secrets).token()


def test_a_token_that_was_refused_is_not_used_again(endpoint: Endpoint, secrets: Secrets) -> None:
    tokens = tokens_of(endpoint, secrets)
    refused = tokens.token()
    fresh = tokens.token(renew=True)
    assert fresh != refused
    assert tokens.token() == fresh


def test_microsofts_authority_and_scopes_are_known(endpoint: Endpoint, secrets: Secrets) -> None:
    microsoft = {"provider": "microsoft", "tenant": TENANT, "authority": endpoint.authority, "scopes": []}
    assert tokens_of(endpoint, secrets, **microsoft).token() in endpoint.good
    assert endpoint.asked[-1]["scope"] == "https://outlook.office365.com/.default"
    authorise(endpoint, secrets, **microsoft)
    assert endpoint.grants()[-1].endswith("device_code")


def test_an_application_may_show_a_certificate_in_place_of_its_secret(endpoint: Endpoint, secrets: Secrets) -> None:
    (secrets.directory / "oauth-secret-main").unlink()
    key, certificate = _key_and_certificate()
    endpoint.certificate = _public(key)
    write_secret(secrets.directory, "oauth-certificate-main", _private(key) + certificate)
    assert tokens_of(endpoint, secrets).token() in endpoint.good
    assert "client_secret" not in endpoint.asked[-1]


def test_a_person_signs_in_once(endpoint: Endpoint, secrets: Secrets) -> None:
    shown: list[tuple[str, str]] = []
    endpoint.pending = 1
    settings = settings_of(endpoint, flow="device_code")
    cache = CacheFile(secrets.directory, "main")
    OpenIdProvider(settings, "main", secrets).authorise(cache, lambda *what: shown.append(what))
    assert shown == [(f"{endpoint.url}/device", "ABCD-EFGH")]
    assert Tokens(settings, "main", "user", secrets).token() in endpoint.good
    assert len(endpoint.asked) == 2  # once too early, once after the sign-in


def test_each_new_refresh_token_is_kept_before_its_access_token_is_used(endpoint: Endpoint, secrets: Secrets) -> None:
    """mail-cases 33"""
    tokens = authorise(endpoint, secrets)
    for _ in range(3):
        endpoint.expire()
        assert tokens.token(renew=True) in endpoint.good
        kept = cache_of(secrets.directory, "main")
        assert endpoint.refresh in kept.read_text()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert endpoint.grants()[1:] == ["refresh_token"] * 3


def test_processes_that_log_in_at_once_use_a_refresh_token_once(endpoint: Endpoint, secrets: Secrets) -> None:
    """A provider that rotates its refresh tokens takes a second use for theft."""
    tokens = authorise(endpoint, secrets)
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: tokens.token(renew=True), range(8)))
    assert len(set(got)) == 8


def test_a_refresh_token_that_cannot_be_kept_is_said_aloud(
    endpoint: Endpoint, secrets: Secrets, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """mail-cases 33"""
    tokens = authorise(endpoint, secrets)
    monkeypatch.setattr("access.cache.replace_secret", _full)
    assert tokens.token(renew=True) in endpoint.good
    assert "oauth-cache-main cannot be written (No space left on device)" in caplog.text


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"Account": 3}', '{"AccessToken": {"x": {}}}', "\0\1"])
def test_a_damaged_cache_asks_for_a_new_sign_in(endpoint: Endpoint, secrets: Secrets, damage: str) -> None:
    tokens = authorise(endpoint, secrets)
    cache_of(secrets.directory, "main").write_text(damage)
    with pytest.raises(NeedsAuthorisation, match="Run: meldpost authorise main"):
        tokens.token()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"AccessToken": 3}', '{"AccessToken": {"x": {}}}', "\0\1"])
def test_a_damaged_cache_of_an_application_is_made_anew(endpoint: Endpoint, secrets: Secrets, damage: str) -> None:
    tokens = tokens_of(endpoint, secrets)
    tokens.token()
    cache_of(secrets.directory, "main").write_text(damage)
    assert tokens.token() in endpoint.good


def test_a_cache_that_others_can_read_is_not_used(endpoint: Endpoint, secrets: Secrets) -> None:
    tokens = authorise(endpoint, secrets)
    cache_of(secrets.directory, "main").chmod(0o644)
    with pytest.raises(SecretExposed, match="chmod 600"):
        tokens.token()


def test_a_sign_in_that_is_over_asks_for_a_new_one(endpoint: Endpoint, secrets: Secrets) -> None:
    tokens = authorise(endpoint, secrets)
    endpoint.refresh = "another"
    with pytest.raises(NeedsAuthorisation, match=r"not valid any more \(AADSTS700082\). Run: meldpost authorise main"):
        tokens.token(renew=True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "invalid_grant", "error_codes": [65001]}, "grant consent"),
        ({"error": "invalid_client", "error_codes": [7000222]}, "expired. Make a new one in Entra, and put it into"),
        ({"error": "invalid_client", "error_description": "AADSTS7000215: x"}, "its value, and not its ID"),
        ({"error": "unauthorized_client", "error_codes": [700016]}, "Check `client_id` and `tenant`"),
        ({"error": "invalid_scope"}, "Check `scopes`"),
        ({"error": "temporarily_unavailable"}, "answered temporarily_unavailable"),
        ({"error": "Bad <token>"}, "something that makes no sense"),
        ({}, "something that makes no sense"),
    ],
)
def test_an_error_of_the_provider_is_told_with_what_to_do(
    endpoint: Endpoint, secrets: Secrets, answer: dict[str, Any], words: str
) -> None:
    endpoint.answer_next = lambda _: (400, answer)
    with pytest.raises(NoToken) as caught:
        tokens_of(endpoint, secrets).token()
    assert words in str(caught.value)


def test_a_provider_that_is_away_or_talks_nonsense_is_told(endpoint: Endpoint, secrets: Secrets) -> None:
    endpoint.answer_next = lambda _: (503, {})
    with pytest.raises(NoToken, match="cannot be reached"):
        tokens_of(endpoint, secrets).token()
    with pytest.raises(NoToken, match="cannot be reached"):
        tokens_of(endpoint, secrets, authority="https://localhost:1/x").token()


def test_a_provider_whose_certificate_is_not_trusted_gets_no_secret(
    endpoint: Endpoint, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoToken, match="SSLError"):
        tokens_of(endpoint, secrets, ca_file=None).token()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    assert tokens_of(endpoint, secrets).token() in endpoint.good  # what the settings say goes before the environment


def test_a_secret_is_not_carried_on_to_where_the_provider_points(endpoint: Endpoint, secrets: Secrets) -> None:
    endpoint.answer_next = lambda _: (307, {"location": f"{endpoint.url}/token"})
    with pytest.raises(NoToken):
        tokens_of(endpoint, secrets).token()
    assert len(endpoint.asked) == 1


def test_no_error_and_no_log_holds_a_token_or_a_secret(endpoint: Endpoint, secrets: Secrets) -> None:
    errors: list[str] = []
    answers: list[Callable[[dict[str, str]], Any]] = [
        lambda form: (400, {"error": f"bad {form}", "error_description": f"{form}"}),
        lambda form: (400, {"error": "invalid_client", "error_description": f"AADSTS7000222: {form}"}),
        lambda form: (500, {"error": f"{form}"}),
        lambda form: (200, {"access_token": 3, "refresh_token": f"{form}"}),
        lambda form: (200, form),
    ]
    with log_as_written() as written:
        person, application = authorise(endpoint, secrets), tokens_of(endpoint, secrets)
        person.token(renew=True)
        kept = cache_of(secrets.directory, "main").read_bytes()
        for endpoint.answer_next in answers:
            for tokens in (person, application):
                cache_of(secrets.directory, "main").write_bytes(kept)
                with pytest.raises(NoToken) as caught:
                    tokens.token(renew=True)
                errors.append(logs.describe(caught.value))
    assert len(errors) == 10
    assert no_secret_in("\n".join(errors) + written.getvalue(), endpoint)


def test_googles_service_account_acts_for_the_mailboxs_user(endpoint: Endpoint, secrets: Secrets) -> None:
    key, _ = _key_and_certificate()
    endpoint.google_key = _public(key)
    info = {
        "type": "service_account",
        "client_email": "meldpost@project.iam.gserviceaccount.example",
        "token_uri": f"{endpoint.url}/token",
        "private_key": _private(key).decode(),
        "private_key_id": "1",
    }
    write_secret(secrets.directory, "oauth-service-account-main", json.dumps(info).encode())
    google = {"provider": "google", "flow": "service_account", "client_id": "", "authority": "", "scopes": []}
    tokens = tokens_of(endpoint, secrets, **google)
    token = tokens.token()
    assert token in endpoint.good
    assert tokens.token() == token
    assert (endpoint.asked[0]["subject"], endpoint.asked[0]["scope"]) == ("user", "https://mail.google.com/")
    assert tokens.token(renew=True) != token
    endpoint.answer_next = lambda _: (401, {"error": "unauthorized_client", "error_description": "x"})
    with pytest.raises(NoToken, match="its rights at the provider"):
        tokens.token(renew=True)


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"{}", b'{"client_email": "x", "token_uri": "y", "private_key": "z"}']
)
def test_a_file_that_is_no_service_account_is_told(endpoint: Endpoint, secrets: Secrets, content: bytes) -> None:
    write_secret(secrets.directory, "oauth-service-account-main", content)
    with pytest.raises(NoToken, match="oauth-service-account-main is not the JSON key"):
        tokens_of(endpoint, secrets, provider="google", flow="service_account").token()


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        ("client_credentials", "oauth-secret-other"),
        ("device_code", "meldpost authorise other"),
        ("service_account", "oauth-service-account-other"),
    ],
)
def test_a_secret_that_is_missing_is_named(endpoint: Endpoint, secrets: Secrets, flow: str, words: str) -> None:
    provider = "google" if flow == "service_account" else "generic"
    with pytest.raises(ConfigError, match=words):
        secrets_are_there(settings_of(endpoint, flow=flow, provider=provider), "other", secrets)


def test_a_folder_that_cannot_be_written_stops_no_application(
    endpoint: Endpoint, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("access.cache.replace_secret", _full)
    assert tokens_of(endpoint, secrets).token() in endpoint.good


def test_one_process_waits_for_the_other_at_the_cache(tmp_path: Path) -> None:
    entered, order = threading.Event(), []

    def second() -> None:
        entered.set()
        with CacheFile(tmp_path, "main").turn():
            order.append("second")

    with CacheFile(tmp_path, "main").turn():
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def _key_and_certificate() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meldpost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return key, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _private(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
