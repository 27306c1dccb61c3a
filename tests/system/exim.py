"""A real Exim for one test run: takes mail by SMTP and hands it to Dovecot by LMTP.

Every address exists here, but for those of `nowhere.example`, which bounce. A domain may be delivered to another
program by LMTP. Nothing leaves this machine.
"""

import os
import shutil
import smtplib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.system.certificates import Certificates
from tests.system.process import Program, require, user_or_self
from tests.system.waiting import free_port


class Exim:
    """The server. It can be stopped and started again with the same queue and port."""

    def __init__(self, certificates: Certificates, lmtp_port: int) -> None:
        self._binary = require("exim4", "exim4-daemon-light")
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="mp-exim-"))
        self.folder.chmod(0o755)
        self._owner = user_or_self("Debian-exim")
        for name in ("spool", "log"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, self._owner.pw_uid, self._owner.pw_gid)
        for source, name in ((certificates.certificate, "server.pem"), (certificates.key, "server.key")):
            shutil.copy(source, self.folder / name)
            os.chown(self.folder / name, self._owner.pw_uid, self._owner.pw_gid)
        (self.folder / "lmtp-routes").touch()
        self.config = self.folder / "exim.conf"
        self.config.write_text(self._configuration(lmtp_port))
        self.config.chmod(0o644)
        self._program: Program | None = None

    def start(self) -> None:
        self._program = Program([self._binary, "-C", str(self.config), "-bdf", "-q1s"], self.folder / "output")
        self._program.wait_for_port(self.port)

    def stop(self) -> None:
        if self._program is not None:
            self._program.stop()
            self._program = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def deliver_by_lmtp(self, domain: str, port: int) -> None:
        """Have all mail for a domain delivered there from now on."""
        with (self.folder / "lmtp-routes").open("a") as routes:
            routes.write(f"{domain}: {port}\n")

    def send(self, raw: bytes, sender: str, recipients: Sequence[str]) -> None:
        """Hand one mail over by SMTP, as a sender's own server would."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as connection:
            connection.sendmail(sender, list(recipients), raw)

    def is_empty(self) -> bool:
        """Has it delivered all that it accepted?"""
        return not any((self.folder / "spool" / "input").glob("**/*-H"))

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").iterdir()))

    def _configuration(self, lmtp_port: int) -> str:
        owner = self._owner
        return f"""
exim_user = {owner.pw_uid}
exim_group = {owner.pw_gid}
never_users =
primary_hostname = server.example
spool_directory = {self.folder}/spool
log_file_path = {self.folder}/log/%slog
pid_file_path = {self.folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
tls_advertise_hosts = *
tls_certificate = {self.folder}/server.pem
tls_privatekey = {self.folder}/server.key
message_size_limit = 100M
smtp_accept_max = 200
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
check_spool_space = 0
check_log_space = 0
accept_8bitmime = true
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
domainlist local_domains = *
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data

begin acl
acl_rcpt:
  accept domains = +local_domains
  deny message = no relaying
acl_data:
  accept

begin routers
nowhere:
  driver = redirect
  domains = nowhere.example
  allow_fail
  data = :fail: no such person here
lmtp:
  driver = accept
  domains = lsearch;{self.folder}/lmtp-routes
  transport = lmtp
local:
  driver = accept
  domains = +local_domains
  transport = dovecot

begin transports
dovecot:
  driver = smtp
  protocol = lmtp
  hosts = 127.0.0.1
  hosts_override
  allow_localhost
  port = {lmtp_port}
  hosts_try_fastopen = :
  hosts_avoid_tls = *
  return_path_add
  delivery_date_add
  envelope_to_add

lmtp:
  driver = smtp
  protocol = lmtp
  hosts = 127.0.0.1
  hosts_override
  allow_localhost
  port = ${{lookup{{$domain}}lsearch{{{self.folder}/lmtp-routes}}}}
  hosts_try_fastopen = :
  hosts_avoid_tls = *

begin retry
* * F,1h,1s
"""
