"""PostgreSQL's own programs, run on one database: `pg_dump`, `pg_restore` and `psql` of Debian's postgresql-client.

Where to connect, and the password, stand in their environment (libpq), never on a command line, which every user of the
machine can read. What they say of an error is cut short: it may quote a row.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from psycopg import pq
from sqlalchemy import make_url

from store.copies import BackupError

_SAID = 200
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def environment(url: str) -> dict[str, str]:
    """What libpq is to know of the database at this URL, beside what it knows already."""
    parsed = make_url(url)
    asked: dict[str, str] = {
        name: str(value)
        for name, value in (
            ("host", parsed.host),
            ("port", parsed.port),
            ("user", parsed.username),
            ("password", parsed.password),
            ("dbname", parsed.database),
        )
        if value is not None
    }
    for name, value in parsed.query.items():
        asked[name] = value if isinstance(value, str) else ",".join(value)
    variables = {
        option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar
    }
    told = {variables[name]: value for name, value in asked.items() if name in variables}
    return {**os.environ, **told, "LC_ALL": "C", "PGAPPNAME": "meldpost backup"}


def major_version(program: str) -> int:
    """Raises BackupError where the program is not there."""
    asked = [_found(program), "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603 - our own arguments
    version = _VERSION.search(said)
    if version is None:
        raise BackupError(f"{program} does not say which version it is. Install Debian's package postgresql-client.")
    return int(version[1])


def run(
    program: str,
    arguments: Sequence[str],
    env: dict[str, str] | None = None,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
) -> None:
    """Raises BackupError with what the program said, in one line."""
    command = [_found(program), *arguments]
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise BackupError(_told(program, done.stderr))


@contextmanager
def read_from(program: str, arguments: Sequence[str]) -> Iterator[IO[bytes]]:
    """What a program writes, while it does. Raises BackupError where it fails."""
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603 - our own arguments
            [_found(program), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        ) as running,
    ):
        assert running.stdout is not None
        try:
            yield running.stdout
        except BaseException:
            running.kill()
            raise
        running.stdout.close()
        if running.wait():
            said.seek(0)
            raise BackupError(_told(program, said.read()))


def fed(env: dict[str, str], write: Callable[[IO[bytes]], None]) -> None:
    """Have psql do what `write` writes, until the first error. Raises BackupError; then what was begun is undone,
    unless `write` had it committed."""
    command = [_found("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password", "--file=-"]
    failed: Exception | None = None
    with subprocess.Popen(  # noqa: S603 - our own arguments
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as psql:
        assert psql.stdin is not None
        try:
            write(psql.stdin)
        except (OSError, BackupError) as error:  # where psql ended before, its own words say more
            failed = error
        _, said = psql.communicate()
    if psql.returncode:
        raise BackupError(_told("psql", said))
    if failed is not None:
        raise BackupError(str(failed))


def _found(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed: it comes with Debian's package postgresql-client.")
    return found


def _told(program: str, said: bytes) -> str:
    """The first line of an error."""
    lines = said.decode(errors="replace").splitlines()
    if any("No space left on device" in line for line in lines):
        return "Nothing was written: its disk is full; make room on it. No half file was left."
    first = next((line for line in lines if "error" in line.lower() or "fatal" in line.lower()), "it failed")
    return f"{program}: {first.removeprefix(f'{program}: ')[:_SAID]}"
