"""Programs that a test starts, and ends again whatever happens."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.waiting import answers, wait_until

_SYSTEM_PATHS = "/usr/sbin:/usr/bin:/sbin:/bin"


def require(program: str, package: str) -> str:
    """Give the path of a program of Debian, or skip the test, loudly."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATHS}")
    if found is None:
        pytest.skip(f"NOT RUN: {program} is not installed (Debian package {package}); `make test` installs it")
    return found


def user_or_self(wanted: str) -> pwd.struct_passwd:
    """Give the server's own user where we are root, and ourselves otherwise."""
    return pwd.getpwnam(wanted) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


class Program:
    """One running program with its own process group and its output in a file."""

    def __init__(self, command: Sequence[str], output: Path, environment: dict[str, str] | None = None) -> None:
        self.output = output
        with output.open("ab") as file:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float = 60.0) -> int:
        return self._process.wait(timeout=seconds)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def signal_group(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def stop(self, seconds: float = 10.0) -> int:
        """End it: politely first, then not. Gives its exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                self.wait(seconds)
            except subprocess.TimeoutExpired:
                self.signal_group(signal.SIGKILL)
        self.signal_group(signal.SIGCONT)
        self.signal_group(signal.SIGKILL)
        return self.wait()

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for_port(self, port: int) -> None:
        """Wait until it accepts connections there; fail with its own words where it ends instead."""
        wait_until(f"{self.output} answers on {port}", lambda: answers(port) or not self.running)
        if not self.running:
            raise AssertionError(f"the server ended at once: {self.text()}")

    def wait_until_group_is_gone(self) -> None:
        """Wait until no process of it is left."""

        def gone() -> bool:
            try:
                os.killpg(self._process.pid, 0)
            except ProcessLookupError:
                return True
            return False

        wait_until(f"no process of {self.output.stem} is left", gone, 10)
