"""What was got from a provider and is to be used again: one file of the secrets folder for each account.

Processes that log in at the same time take turns at it, so that a refresh token that may be used once is used once.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.secrets import give_to_owner_of, read_private, replace_secret

log = logging.getLogger(__name__)


class CacheFile:
    """The file `oauth-cache-<account>`. Read and write it inside `turn`."""

    def __init__(self, directory: Path, account: str) -> None:
        self._directory = directory
        self._name = f"oauth-cache-{account}"

    @property
    def path(self) -> Path:
        return self._directory / self._name

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Alone with the file among all processes. Where the folder cannot be written nobody can, and all may read."""
        try:
            lock = os.open(self._directory / f".{self._name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            yield
            return
        try:
            give_to_owner_of(self._directory, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def read(self) -> str | None:
        """None where there is no file. Raises SecretExposed, SecretMissing, and ValueError where it is no text."""
        return read_private(self.path).decode() if self.path.is_file() else None

    def write(self, text: str) -> bool:
        """Did it come to rest on the disk?"""
        try:
            replace_secret(self._directory, self._name, text.encode())
        except OSError as error:
            # mail-cases 33: a refresh token that is not kept works for days, and then no more
            log.error("the secret file %s cannot be written (%s)", self.path, error.strerror)  # noqa: TRY400
            return False
        return True
