"""A real Dovecot of the test's own: its own configuration, port and user, no root rights where there are none; and a
desk whose mailbox it holds."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from config.settings import MailboxSettings
from tests.databases import Databases
from tests.ingest.office import PASSWORD, Founded, Office, found, open_office
from tests.system.certificates import make_certificates

NewOffice = Callable[..., Office]

CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap
listen = 127.0.0.1, 127.0.0.2
ssl = yes
ssl_cert = <{certificates.certificate}
ssl_key = <{certificates.key}
disable_plaintext_auth = no
default_login_user = dovenull
default_internal_user = dovecot
{log_in}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={base}/mail/%u
}}
mail_location = maildir:~/Maildir
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
  chroot =
}}
service anvil {{
  chroot =
}}
protocol imap {{
  {imap}
}}
"""
BY_PASSWORD = f"""
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password={PASSWORD}
}}
"""
WITHOUT_MOVE = "imap_capability = IMAP4rev1 SASL-IR LITERAL+ IDLE UIDPLUS NAMESPACE"
WITHOUT_UIDPLUS = "imap_capability = IMAP4rev1 SASL-IR LITERAL+ IDLE NAMESPACE"


@dataclass
class Dovecot:
    base: Path
    port: int
    tls_port: int
    ca: Path
    users: int = field(default=0)

    def account(self, **more: Any) -> MailboxSettings:
        """A fresh, empty account."""
        self.users += 1
        settings = {"desk": "desk", "host": "127.0.0.1", "port": self.port, "security": "plain", "timeout_seconds": 10}
        return MailboxSettings(**(settings | {"user": f"user{self.users}"} | more))

    @contextlib.contextmanager
    def client(self, account: MailboxSettings) -> Iterator[IMAPClient]:
        """What a mail program would see."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=10) as client:
            client.login(account.user, PASSWORD)
            client.select_folder("INBOX")
            yield client

    def deliver(
        self, account: MailboxSettings, *mails: bytes, folder: str = "INBOX", flags: tuple[bytes, ...] = ()
    ) -> None:
        with self.client(account) as client:
            for mail in mails:
                client.append(folder, mail, flags)

    def uids(self, account: MailboxSettings, folder: str = "INBOX") -> list[int]:
        with self.client(account) as client:
            client.select_folder(folder, readonly=True)
            return sorted(client.search())

    def bodies(self, account: MailboxSettings, folder: str = "INBOX") -> list[bytes]:
        with self.client(account) as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
        return [answer[b"BODY[]"] for _, answer in sorted(found.items())]


@contextlib.contextmanager
def running_dovecot(imap: str = "", log_in: str = BY_PASSWORD) -> Iterator[Dovecot]:
    if shutil.which("dovecot") is None or os.geteuid() != 0:
        pytest.skip("needs Dovecot (apt install dovecot-imapd) and root")
    base = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
    base.chmod(0o755)
    (base / "mail").mkdir()
    shutil.chown(base / "mail", "nobody", "nogroup")
    port, tls_port = _free_ports()
    certificates = make_certificates(base)
    ports = {"port": port, "tls_port": tls_port}
    config = base / "dovecot.conf"
    config.write_text(CONFIG.format(base=base, certificates=certificates, log_in=log_in, imap=imap, **ports))
    process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], start_new_session=True)
    try:
        _until_it_answers(port, process, base)
        yield Dovecot(base, port, tls_port, certificates.ca)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        shutil.rmtree(base, ignore_errors=True)


def _free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in (one, other)]


def _until_it_answers(port: int, process: "subprocess.Popen[bytes]", base: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if connection.recv(100).startswith(b"* OK"):
                    return
        except OSError:
            time.sleep(0.05)
    log = base / "log"
    raise RuntimeError(f"Dovecot did not start: {log.read_text() if log.exists() else ''}")


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot_without_move() -> Iterator[Dovecot]:
    with running_dovecot(WITHOUT_MOVE) as server:
        yield server


@pytest.fixture(scope="session")
def dovecot_without_uidplus() -> Iterator[Dovecot]:
    with running_dovecot(WITHOUT_UIDPLUS) as server:
        yield server


@pytest.fixture(params=["move", "copy", "neither"])
def any_dovecot(request: pytest.FixtureRequest) -> Any:
    """Each test runs against a server with MOVE, one with UIDPLUS alone, and one with neither."""
    names = {"move": "dovecot", "copy": "dovecot_without_move", "neither": "dovecot_without_uidplus"}
    return request.getfixturevalue(names[request.param])


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(tmp_path_factory.mktemp("founded"))


@pytest.fixture
def new_office(databases: Databases, tmp_path: Path, founded: Founded) -> Iterator[NewOffice]:
    with contextlib.ExitStack() as stack:
        numbers = itertools.count()

        def make(account: MailboxSettings, **more: Any) -> Office:
            number = next(numbers)
            folder = tmp_path / str(number) if number else tmp_path  # a database that is open is not written over
            mailbox = account.model_dump(exclude_defaults=True)
            return stack.enter_context(open_office(folder, founded, mailbox, databases=databases, **more))

        yield make


@pytest.fixture
def account(dovecot: Dovecot) -> MailboxSettings:
    return dovecot.account()


@pytest.fixture
def office(new_office: NewOffice, account: MailboxSettings) -> Office:
    return new_office(account)
