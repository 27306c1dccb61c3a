"""Against a real SMTP server (aiosmtpd): TLS, log-in, and addresses that ASCII cannot write."""

import datetime
import ipaddress
import socket
import ssl
import time
from email import message_from_bytes
from email.policy import SMTPUTF8

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from notify.smtp import Connection, Letter, Unreachable, Watchdog, seconds_awake_and_asleep
from store.outbox import OutboxState
from tests.notify.servers import ScriptedServer


class Keeper:
    """Keeps every envelope."""

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        return "250 taken"


class AnyPort(Controller):
    """On a port that the system chooses; aiosmtpd's own start does not know how to reach that."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        untrusting = ssl.create_default_context()
        untrusting.check_hostname, untrusting.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.hostname, self.port), 5) as connection:
            if self.ssl_context:
                untrusting.wrap_socket(connection).recv(100)
            else:
                connection.recv(100)


@pytest.fixture
def serve():
    running = []

    def start(**options):
        keeper = Keeper()
        server = AnyPort(keeper, hostname="127.0.0.1", port=0, **options)
        server.start()
        running.append(server)
        return server, keeper

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody trusts who was not told to: (its file, a server's context)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


@pytest.mark.parametrize("asleep_at", ["mark", "354"])
def test_who_slept_with_the_machine_hands_over_nothing_when_it_wakes(box, asleep_at):
    """The clock jumps, as that of the system does over a sleep in which no timer ran."""
    now = [0.0]

    class Sleepy(ScriptedServer):
        def _answer(self, connection, verb):
            if verb == "DATA" and asleep_at == "354":
                now[0] += 3600
            return super()._answer(connection, verb)

    def marked():
        now[0] += 3600 if asleep_at == "mark" else 0
        return True

    with Sleepy() as server, Watchdog(300, lambda: now[0]) as watchdog:
        box.use(server.port)
        with Connection.open(box.settings.smtp, None, watchdog) as connection:
            letter = Letter("meldpunt@ministerie.example", "jan@voorbeeld.nl", b"Subject: x\r\n\r\nx\r\n")
            with pytest.raises(Unreachable, match="time for this mail was over"):
                connection.hand_over(letter, watchdog, marked)
        assert server.taken == []


def test_the_clock_of_a_transaction_is_that_of_the_machine_asleep_or_awake():
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= seconds_awake_and_asleep() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_a_local_part_beyond_ascii_goes_out_where_the_server_offers_smtputf8(box, serve):
    """mail-cases 83"""
    server, keeper = serve(enable_SMTPUTF8=True)
    outbox_id = box.queue("юля@почта.рф")
    box.use(server.port)
    assert box.deliver().sent == 1
    (envelope,) = keeper.envelopes
    assert envelope.rcpt_tos == ["юля@xn--80a1acny.xn--p1ai"]
    assert envelope.smtp_utf8
    assert message_from_bytes(envelope.content, policy=SMTPUTF8)["To"] == "юля@xn--80a1acny.xn--p1ai"
    assert box.state(outbox_id) == OutboxState.SENT


def test_a_local_part_beyond_ascii_fails_visibly_where_it_does_not_and_holds_up_nothing(box, serve, caplog):
    """mail-cases 83"""
    server, keeper = serve(enable_SMTPUTF8=False)
    outbox_id = box.queue("юля@почта.рф")
    box.pass_time()
    plain = box.queue("jan@bücher.example")
    box.use(server.port)
    result = box.deliver()
    assert (result.failed, result.sent) == (1, 1)
    assert box.state(outbox_id) == OutboxState.FAILED
    assert "undeliverable without SMTPUTF8" in caplog.text
    assert [envelope.rcpt_tos for envelope in keeper.envelopes] == [["jan@xn--bcher-kva.example"]]
    assert box.state(plain) == OutboxState.SENT


def test_an_ordinary_mail_after_one_with_smtputf8_is_ordinary_again(box, serve):
    server, keeper = serve(enable_SMTPUTF8=True)
    box.queue("юля@voorbeeld.nl")
    box.pass_time()
    box.queue("jan@voorbeeld.nl")
    box.use(server.port)
    assert box.deliver().sent == 2
    assert [envelope.smtp_utf8 for envelope in keeper.envelopes] == [True, False]


def test_starttls_is_used_and_its_certificate_verified(box, serve, certificate):
    path, context = certificate
    server, keeper = serve(tls_context=context, require_starttls=True)
    box.queue()
    box.use(server.port, security="starttls")
    assert "certificate is not trusted" in box.deliver().unreachable
    box.pass_time()
    box.use(server.port, security="starttls", ca_file=path)
    assert box.deliver().sent == 1
    assert len(keeper.envelopes) == 1


def test_a_server_without_starttls_gets_nothing_in_clear(box, serve):
    server, keeper = serve()
    box.queue()
    box.use(server.port, security="starttls")
    assert "STARTTLS" in box.deliver().unreachable
    assert keeper.envelopes == []


def test_tls_from_the_first_byte_is_verified(box, serve, certificate):
    path, context = certificate
    server, keeper = serve(ssl_context=context)
    box.queue()
    box.use(server.port, security="tls")
    assert "certificate is not trusted" in box.deliver().unreachable
    box.pass_time()
    box.use(server.port, security="tls", ca_file=path)
    assert box.deliver().sent == 1
    assert len(keeper.envelopes) == 1


def test_tls_to_a_server_that_speaks_none_says_which_setting_to_look_at(box, serve):
    server, _ = serve()
    box.queue()
    box.use(server.port, security="tls")
    assert "does [smtp] security = 'tls' fit port" in box.deliver().unreachable


@pytest.mark.parametrize(("password", "taken"), [(b"goed", True), (b"fout", False)])
def test_the_log_in_comes_from_the_secrets(box, serve, certificate, password, taken, caplog):
    path, context = certificate

    def authenticate(server, session, envelope, mechanism, login):
        right = (login.login, login.password) == (b"meldpost", b"goed")
        return AuthResult(success=right, handled=right)

    server, keeper = serve(tls_context=context, authenticator=authenticate, auth_required=True)
    (box.secrets.directory / "smtp-password").touch(mode=0o600)
    (box.secrets.directory / "smtp-password").write_bytes(password)
    outbox_id = box.queue()
    box.use(server.port, security="starttls", ca_file=path, user="meldpost")
    result = box.deliver()
    assert bool(keeper.envelopes) == taken
    if not taken:
        assert "refused the log-in (535); check [smtp] user" in result.unreachable
        assert box.state(outbox_id) == OutboxState.QUEUED  # no mail fails because a password does
    assert password.decode() not in caplog.text


def test_a_server_that_wants_a_log_in_which_is_not_set_costs_no_mail(box, serve, certificate):
    _, context = certificate
    server, _ = serve(auth_required=True, authenticator=lambda *_: AuthResult(success=False), tls_context=context)
    outbox_id = box.queue()
    box.use(server.port)
    assert "530" in box.deliver().unreachable
    assert box.state(outbox_id) == OutboxState.QUEUED
