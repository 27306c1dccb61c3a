"""Sending by access token, to a real SMTP server (aiosmtpd) that asks a provider of the test's own whose a token is."""

import base64
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from config.secrets import write_secret
from config.settings import OAuthSettings
from store.outbox import OutboxState
from tests.access.endpoint import SECRET, Endpoint, log_as_written, no_secret_in, running_endpoint
from tests.notify.conftest import Box
from tests.system.certificates import make_certificates

USER = "meldpunt@ministerie.example"


class Keeper:
    """Keeps every envelope, and lets in who shows a good token for the user that he says he is."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.envelopes: list[Any] = []
        self.used: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        return "250 taken"

    async def _let_in(self, server: SMTP, args: list[str], form: str, error: str) -> AuthResult:
        said = base64.b64decode(args[1]).decode()
        self.used.append(args[0])
        matched = re.fullmatch(form, said)
        if matched and self.endpoint.good.get(matched["token"]) == matched["user"] == USER:
            return AuthResult(success=True)
        answer = await server.challenge_auth(json.dumps({"status": error, "schemes": "bearer"}))
        assert answer in (b"", b"\1")
        return AuthResult(success=False, handled=False)


class Xoauth2(Keeper):
    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        return await self._let_in(server, args, "user=(?P<user>[^\1]*)\1auth=Bearer (?P<token>[^\1]*)\1\1", "400")


class Both(Xoauth2):
    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:
        form = "n,a=(?P<user>[^,]*),\1host=127.0.0.1\1port=[0-9]+\1auth=Bearer (?P<token>[^\1]*)\1\1"
        return await self._let_in(server, args, form, "invalid_token")


class Server(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        with socket.create_connection((self.hostname, self.port), 5) as connection:
            connection.recv(100)


@pytest.fixture
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_endpoint(make_certificates(tmp_path_factory.mktemp("provider"))) as running:
        running.user = USER
        yield running


@pytest.fixture
def serve(box: Box, endpoint: Endpoint) -> Iterator[Callable[..., Keeper]]:
    """Start a server; the box hands its mail to it by token from then on."""
    running = []

    def start(kind: Callable[[Endpoint], Keeper]) -> Keeper:
        keeper = kind(endpoint)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(endpoint.certificates.certificate, endpoint.certificates.key)
        server = Server(
            keeper, hostname="127.0.0.1", port=0, tls_context=context, auth_required=True,
            auth_exclude_mechanism=["PLAIN", "LOGIN"],
        )  # fmt: skip
        server.start()
        running.append(server)
        oauth = OAuthSettings.model_validate(endpoint.oauth())
        box.use(server.port, security="starttls", ca_file=endpoint.certificates.ca, user=USER, oauth=oauth)
        write_secret(box.secrets.directory, "oauth-secret-smtp", SECRET.encode())
        return keeper

    yield start
    for server in running:
        server.stop()


@pytest.mark.parametrize(("kind", "mechanism"), [(Xoauth2, "XOAUTH2"), (Both, "OAUTHBEARER")])
def test_a_mail_goes_out_by_token(
    box: Box, endpoint: Endpoint, serve: Callable[..., Keeper], kind: Callable[..., Keeper], mechanism: str
) -> None:
    keeper = serve(kind)
    outbox_id = box.queue()
    with log_as_written() as written:
        assert box.deliver().sent == 1
    assert len(keeper.envelopes) == 1
    assert keeper.used == [mechanism]
    assert box.state(outbox_id) == OutboxState.SENT
    assert no_secret_in(written.getvalue(), endpoint)


def test_a_token_that_expired_before_its_time_is_fetched_anew(
    box: Box, endpoint: Endpoint, serve: Callable[..., Keeper]
) -> None:
    keeper = serve(Both)
    box.queue()
    assert box.deliver().sent == 1
    endpoint.expire()
    box.queue()
    assert box.deliver().sent == 1
    assert len(keeper.envelopes) == 2
    assert endpoint.grants() == ["client_credentials"] * 2


@pytest.mark.parametrize(("kind", "status"), [(Xoauth2, "400"), (Both, "invalid_token")])
def test_a_token_that_opens_another_mailbox_costs_no_mail_and_the_servers_status_is_told(
    box: Box, endpoint: Endpoint, serve: Callable[..., Keeper], kind: Callable[..., Keeper], status: str
) -> None:
    keeper = serve(kind)
    endpoint.user = "somebody@else.example"
    outbox_id = box.queue()
    with log_as_written() as written:
        result = box.deliver()
    assert f"it refuses the token ({status}). Is [smtp] user the mailbox" in str(result.unreachable)
    assert len(keeper.used) == 2  # a fresh one was tried, once
    assert box.state(outbox_id) == OutboxState.QUEUED
    assert no_secret_in(written.getvalue(), endpoint)


def test_a_provider_that_gives_no_token_costs_no_mail_and_the_reason_is_told(
    box: Box, endpoint: Endpoint, serve: Callable[..., Keeper]
) -> None:
    serve(Both)
    endpoint.answer_next = lambda _: (400, {"error": "invalid_client", "error_codes": [7000222]})
    outbox_id = box.queue()
    assert "the client secret has expired" in str(box.deliver().unreachable)
    assert box.state(outbox_id) == OutboxState.QUEUED


def test_a_server_that_takes_no_tokens_is_told(box: Box, serve: Callable[..., Keeper]) -> None:
    serve(Keeper)
    box.queue()
    assert "neither OAUTHBEARER nor XOAUTH2" in str(box.deliver().unreachable)
