"""Secrets: looked up by name when they are needed, by the process that needs them.

A secret is taken from the first of: the environment (``MELDPOST_SECRET_<NAME>``, upper case, ``-`` as ``_``), systemd's
``$CREDENTIALS_DIRECTORY/<name>``, the file ``<secrets_dir>/<name>``. Binary secrets are written as base64.

Names: ``index-key-<desk>``, ``token-key-<desk>``, ``mailer-seed-<desk>`` (and ``mailer-seed-<desk>.new`` while the
mailer's key is made anew), ``passphrase-secret-<desk>``,
``trail-seed-<desk>`` (32 bytes each), ``web-session-key``, ``mailbox-password-<account>``, ``smtp-password``; where an
account logs in by token ``oauth-secret-<account>`` or ``oauth-certificate-<account>``,
``oauth-service-account-<account>``, and the file ``oauth-cache-<account>`` that is written by the program itself. The
account of the sender is ``smtp``.
Where a desk opens encrypted mail: ``smime-key-<desk>``, ``openpgp-key-<desk>``, and ``smime-passphrase-<desk>``,
``openpgp-passphrase-<desk>`` for keys that are locked.
"""

import base64
import binascii
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from config.errors import ConfigError, SecretExposed, SecretMissing

PREFIX = "MELDPOST_SECRET_"


class Secrets:
    """Where this process finds its secrets. Holds places, not values."""

    def __init__(self, directory: Path, environ: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._environ = os.environ if environ is None else environ

    @property
    def directory(self) -> Path:
        return self._directory

    def get(self, name: str) -> bytes:
        """The secret as it stands, without a trailing newline.

        Raises SecretMissing, SecretExposed.
        """
        from_environment = self._environ.get(PREFIX + name.upper().replace("-", "_"))
        if from_environment is not None:
            return from_environment.encode()
        for path in self._files(name):
            if path.is_file():
                return read_private(path)
        raise SecretMissing(
            f"The secret {name!r} was not found. Put it into the file {self._directory / name} (mode 0600), "
            f"give it as a systemd credential of that name, or set {PREFIX}{name.upper().replace('-', '_')}."
        )

    def key(self, name: str, size: int = 32) -> bytes:
        """The secret as ``size`` bytes of key material, decoded from base64.

        Raises SecretMissing, SecretExposed, ConfigError where it is no such key.
        """
        try:
            value = base64.b64decode(self.get(name), validate=True)
        except binascii.Error:
            value = b""
        if len(value) != size:
            raise ConfigError(
                f"The secret {name!r} is not {size} bytes written as base64. Put back the value that `meldpost init` "
                "made; a new one cannot stand in for it."
            )
        return value

    def text(self, name: str) -> str:
        """The secret as text, such as a password. Raises SecretMissing, SecretExposed, ConfigError."""
        try:
            return self.get(name).decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"The secret {name!r} is not UTF-8 text.") from error

    def has(self, name: str) -> bool:
        """Is there such a secret? Says nothing of whether it is any good."""
        in_environment = PREFIX + name.upper().replace("-", "_") in self._environ
        return in_environment or any(path.is_file() for path in self._files(name))

    def _files(self, name: str) -> list[Path]:
        credentials = self._environ.get("CREDENTIALS_DIRECTORY")
        directories = [Path(credentials)] if credentials else []
        return [directory / name for directory in [*directories, self._directory]]


def write_secret(directory: Path, name: str, value: bytes) -> Path:
    """Write one secret as a file of mode 0600; never over an existing one (FileExistsError)."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(value + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def write_key(directory: Path, name: str, key: bytes) -> Path:
    """Write key material as base64, as `Secrets.key` reads it. FileExistsError where there is one."""
    return write_secret(directory, name, base64.b64encode(key))


def replace_secret(directory: Path, name: str, value: bytes) -> None:
    """Put `value` in the place of a secret file, whole or not at all, mode 0600. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=directory)  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            give_to_owner_of(directory, file.fileno())
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(directory / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(directory)


def sync_folder(directory: Path) -> None:
    """Have the names that a folder holds on the disk. Raises OSError."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def give_to_owner_of(directory: Path, descriptor: int) -> None:
    """A file that root makes in a secrets folder, as by running the doctor, must not shut its owner out."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def read_private(path: Path) -> bytes:
    """A secret file, without a trailing newline. Raises SecretExposed, SecretMissing, OSError."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SecretExposed(f"Others can read the secret file {path}. Run: chmod 600 {path}")
            return file.read().rstrip(b"\r\n")
    except PermissionError as error:
        raise SecretMissing(f"This process may not read the secret file {path}. Run it as the file's owner.") from error
