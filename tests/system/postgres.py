"""A real PostgreSQL of a test's own: a fresh cluster on a port of its own, that can be stopped and started again."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.system.certificates import Certificates
from tests.system.process import Program, user_or_self
from tests.system.waiting import free_port, wait_until

_VERSIONS = Path("/usr/lib/postgresql")
_MEMORY = Path("/dev/shm")


class Postgres:
    """The server, with one empty database called meldpost; whoever comes over loopback is let in."""

    def __init__(self, *options: str, in_memory: bool = False) -> None:
        """`options` as in postgresql.conf; `in_memory`: its files are on no disk, where there is one in memory."""
        self._options = options
        found = sorted(_VERSIONS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
        if not found:
            pytest.skip("NOT RUN: PostgreSQL is not installed (Debian package postgresql); `make test` installs it")
        self._programs = found[-1].parent
        self._owner = user_or_self("postgres")
        self.port = free_port()
        memory = _MEMORY if in_memory and _MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="mp-postgres-", dir=memory))
        os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        self._program: Program | None = None
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "meldpost", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "meldpost", "meldpost")

    @property
    def url(self) -> str:
        return self.url_of("meldpost")

    def url_of(self, database: str) -> str:
        return f"postgresql://meldpost@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = (
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "fsync=off",
            *self._options,
        )
        set_so = [word for option in options for word in ("-c", option)]
        command = self._command("postgres", "-D", str(self.folder / "data"), *set_so)
        self._program = Program(command, self.folder / "output")
        wait_until("PostgreSQL answers", self._ready)

    def stop(self) -> None:
        """As after a crash of its machine: nobody is told, nobody is waited for."""
        if self._program is not None:
            self._run("pg_ctl", "-D", str(self.folder / "data"), "stop", "-m", "immediate", "-w")
            self._program.stop()
            self._program = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What the server has logged."""
        return (self.folder / "output").read_text(errors="replace")

    def use_tls(self, certificates: Certificates, *lines: str) -> None:
        """From now on: nobody but over TLS, with a password (SCRAM); set those before. `lines` of pg_hba.conf say
        otherwise."""
        data = self.folder / "data"
        for name, file in (("server.crt", certificates.certificate), ("server.key", certificates.key)):
            shutil.copyfile(file, data / name)
            os.chown(data / name, self._owner.pw_uid, self._owner.pw_gid)
            (data / name).chmod(0o600)
        rules = lines or ("hostssl all all 127.0.0.1/32 scram-sha-256",)
        (data / "pg_hba.conf").write_text("\n".join([*rules, ""]))
        self._options = tuple(dict.fromkeys((*self._options, "ssl=on")))
        self.stop()
        self.start()

    def _ready(self) -> bool:
        asked = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(self._command(program, *arguments), check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def _command(self, program: str, *arguments: str) -> list[str]:
        """As the server's own user; it ends with the test run, whatever becomes of that (prctl(2))."""
        identity = ["--reuid", str(self._owner.pw_uid), "--regid", str(self._owner.pw_gid), "--clear-groups"]
        as_owner = identity if os.geteuid() == 0 else []
        return ["setpriv", "--pdeathsig", "QUIT", *as_owner, str(self._programs / program), *arguments]
