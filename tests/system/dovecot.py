"""A real Dovecot for one test run: IMAP and LMTP on ports of its own, every account exists, Maildir storage."""

import grp
import imaplib
import os
import shutil
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.system.certificates import Certificates
from tests.system.process import Program, require, user_or_self
from tests.system.waiting import free_port, wait_until

PASSWORD = "correct-horse"  # of every account
_PLAIN_CAPABILITIES = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+"


@dataclass(frozen=True)
class Ports:
    imap: int = field(default_factory=free_port)
    imaps: int = field(default_factory=free_port)
    lmtp: int = field(default_factory=free_port)


class Dovecot:
    """The server. It can be stopped and started again with the same mail and ports."""

    def __init__(self, certificates: Certificates, *, move: bool = True) -> None:
        self._binary = require("dovecot", "dovecot-imapd")
        require("doveconf", "dovecot-core")
        if not Path("/usr/lib/dovecot/lmtp").exists():
            require("dovecot-lmtpd", "dovecot-lmtpd")
        self.certificates = certificates
        self.ports = Ports()
        # Not under pytest's own folder: that is closed to the server's users, and too long for socket names.
        self.folder = Path(tempfile.mkdtemp(prefix="mp-dovecot-"))
        self.folder.chmod(0o755)
        self._program: Program | None = None
        owner = user_or_self("dovecot")
        (self.folder / "mail").mkdir(mode=0o700)
        os.chown(self.folder / "mail", owner.pw_uid, owner.pw_gid)
        self.config = self.folder / "dovecot.conf"
        self.config.write_text(self._configuration(move=move))

    def start(self) -> None:
        self._program = Program([self._binary, "-F", "-c", str(self.config)], self.folder / "output")
        for port in (self.ports.imap, self.ports.imaps, self.ports.lmtp):
            self._program.wait_for_port(port)

    def stop(self) -> None:
        if self._program is not None:
            self._program.stop()
            self._program = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def mailbox(self, account: str, folder: str = "INBOX") -> Iterator["Mailbox"]:
        context = ssl.create_default_context(cafile=str(self.certificates.ca))
        with imaplib.IMAP4_SSL("127.0.0.1", self.ports.imaps, ssl_context=context, timeout=30) as connection:
            connection.login(account, PASSWORD)
            yield Mailbox(connection, folder)

    def messages(self, account: str, folder: str = "INBOX") -> list[EmailMessage]:
        """Everything that lies in a folder now; nothing where there is no such folder."""
        with self.mailbox(account, folder) as mailbox:
            return mailbox.messages()

    def count(self, account: str, folder: str = "INBOX") -> int:
        with self.mailbox(account, folder) as mailbox:
            return mailbox.count()

    def wait_for(self, account: str, count: int, folder: str = "INBOX", seconds: float = 60.0) -> list[EmailMessage]:
        """Wait until so many mails lie in a folder, and give them."""
        where = f"{count} mails in the folder {folder}"
        wait_until(where, lambda: self.count(account, folder) >= count, seconds)
        return self.messages(account, folder)

    def lmtp(self) -> smtplib.LMTP:
        """A line on which mail is delivered right away."""
        return smtplib.LMTP("127.0.0.1", self.ports.lmtp, timeout=60)

    def files(self, account: str) -> Iterator[Path]:
        """The mails of an account's inbox as they lie on the server's disk."""
        for folder in ("new", "cur"):
            yield from (self.folder / "mail" / account.lower() / folder).glob("*")

    def _configuration(self, *, move: bool) -> str:
        server, login = user_or_self("dovecot"), user_or_self("dovenull")
        rooted = os.geteuid() == 0
        capabilities = "" if move else f"imap_capability = {_PLAIN_CAPABILITIES}"
        unchrooted = "" if rooted else "chroot ="
        return f"""
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
default_internal_user = {server.pw_name}
default_login_user = {login.pw_name}
default_internal_group = {grp.getgrgid(server.pw_gid).gr_name}
ssl = yes
ssl_cert = <{self.certificates.certificate}
ssl_key = <{self.certificates.key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 0
first_valid_gid = 0
recipient_delimiter = +
postmaster_address = postmaster@server.example
mail_location = maildir:{self.folder}/mail/%u
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={server.pw_uid} gid={server.pw_gid} home={self.folder}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
{capabilities}
service imap-login {{
  {unchrooted}
  inet_listener imap {{
    port = {self.ports.imap}
  }}
  inet_listener imaps {{
    port = {self.ports.imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.ports.lmtp}
  }}
}}
service anvil {{
  {unchrooted}
}}
service stats {{
  {unchrooted}
}}
"""


class Mailbox:
    """One folder of one account, as its owner sees it."""

    def __init__(self, connection: imaplib.IMAP4_SSL, folder: str) -> None:
        self.imap = connection
        status, _ = connection.select(f'"{folder}"')
        self.exists = status == "OK"

    def uids(self) -> list[str]:
        if not self.exists:
            return []
        _, found = self.imap.uid("SEARCH", "ALL")
        return [uid.decode() for uid in found[0].split()]

    def count(self) -> int:
        return len(self.uids())

    def raw(self) -> list[bytes]:
        fetched = []
        for uid in self.uids():
            _, answer = self.imap.uid("FETCH", uid, "(BODY.PEEK[])")
            fetched += [part[1] for part in answer if isinstance(part, tuple)]
        return fetched

    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw()]

    def append(self, raw: bytes, flags: str = "") -> None:
        self.imap.append("INBOX", flags, None, raw)  # type: ignore[arg-type]
