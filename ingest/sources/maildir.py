"""A Maildir as a source: what was delivered into `new` or lies in `cur`, and the move to the done folder.

Others may read, mark and move mails meanwhile: a mail is known by its unique name, what stands before the first colon,
and looked for again where it is not found. Only regular files are mails; what lies in `tmp` is not delivered yet.
"""

import logging
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from config.faults import fault
from config.settings import MaildirSettings
from ingest.raw import RawMail
from ingest.sources.imap import FolderMissing, Gone, SourceError

log = logging.getLogger(__name__)

_DELIVERED = ("new", "cur")
_PIECE = 1 << 20
_GLANCE_SECONDS = 1.0
_MOST_FLAGS = 52
"""Letters of both cases."""


class NotAccessible(SourceError):
    """The system does not let us at the Maildir; says why."""


@dataclass(frozen=True)
class Lying:
    """A mail in a folder. `unique` is the part of its name that stays; `arrived_at` is in seconds since 1970."""

    folder: str
    where: str
    name: str
    arrived_at: int

    @property
    def unique(self) -> str:
        return self.name.partition(":")[0]


class Maildir:
    """The folders under one path (Maildir++): the inbox is "", `.Junk` is "Junk". Raises NotAccessible."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mails(self, folder: str) -> list[Lying]:
        """All mails of a folder, oldest first. Raises FolderMissing."""
        found, strange = [], 0
        for where in _DELIVERED:
            for entry in self._entries(folder, where):
                with suppress(FileNotFoundError):  # a reader was faster: it lies in `cur` now, or is gone
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        found.append(Lying(folder, where, entry.name, int(about.st_mtime)))
                    else:
                        strange += 1
        if strange:
            log.warning("%d entries of a Maildir folder are no mails (links, folders); left alone", strange)
        once = {lying.unique: lying for lying in found}  # one that was renamed while we looked is seen twice
        return sorted(once.values(), key=lambda lying: (lying.arrived_at, lying.unique))

    def read(self, lying: Lying) -> RawMail:
        """Raises Gone."""
        descriptor = self._open(lying)
        try:
            return RawMail.from_chunks(iter(lambda: os.read(descriptor, _PIECE), b""))
        except OSError as error:
            raise NotAccessible(f"a mail of the Maildir cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)

    def set_aside(self, lying: Lying, done_folder: str) -> str:
        """Move a mail to the done folder, so that it survives a power cut there; gives its unique name. Raises Gone."""
        fault("before-move")
        done = self._folder(done_folder)
        found = self._find(lying)
        with _access():
            for part in ("tmp", "new", "cur"):
                (done / part).mkdir(mode=0o700, parents=True, exist_ok=True)
            (done / "maildirfolder").touch(0o600)
            taken = {entry.name.partition(":")[0] for entry in self._entries(done_folder, "cur")}
            unique, flags = found.unique, found.name.partition(":2,")[2]
            longest = os.pathconf(done / "cur", "PC_NAME_MAX")
            if unique in taken or len(os.fsencode(f"{unique}:2,{flags}")) > longest:
                unique, flags = _unique_name(), flags[:_MOST_FLAGS]
            source, target = self._path_of(found), done / "cur" / f"{unique}:2,{flags}"
            try:
                source.rename(target)
            except FileNotFoundError:
                raise Gone("a mail left its folder before it was moved") from None
            _sync(target.parent)
            _sync(source.parent)
        fault("after-move")
        return unique

    def remove(self, lying: Lying) -> None:
        """Remove a mail for good; one that is not there any more was removed by somebody else."""
        with suppress(Gone), _access():
            path = self._path_of(self._find(lying))
            path.unlink(missing_ok=True)
            _sync(path.parent)

    def may_change(self, folder: str) -> bool:
        """May mails be moved out of this folder?"""
        return all(os.access(self._folder(folder) / where, os.R_OK | os.W_OK | os.X_OK) for where in _DELIVERED)

    def changed_at(self, folders: Sequence[str]) -> list[int]:
        """When something came into the folders or left them; 0 for what cannot be seen."""
        times = []
        for folder in folders:
            for where in _DELIVERED:
                try:
                    times.append((self._folder(folder) / where).stat().st_mtime_ns)
                except OSError:
                    times.append(0)
        return times

    def _folder(self, folder: str) -> Path:
        return self._path / f".{folder}" if folder else self._path

    def _path_of(self, lying: Lying) -> Path:
        return self._folder(lying.folder) / lying.where / lying.name

    def _entries(self, folder: str, where: str) -> Iterator["os.DirEntry[str]"]:
        try:
            with os.scandir(self._folder(folder) / where) as entries:
                yield from (entry for entry in entries if not entry.name.startswith("."))
        except FileNotFoundError:
            raise FolderMissing("a folder of the setting `folders` is not in the Maildir") from None
        except OSError as error:
            raise NotAccessible(f"the Maildir cannot be read: {error.strerror}") from None

    def _open(self, lying: Lying) -> int:
        for _ in range(3):
            found = self._find(lying)
            try:
                descriptor = os.open(self._path_of(found), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # renamed at this very moment
            except OSError as error:
                raise NotAccessible(f"a mail of the Maildir cannot be read: {error.strerror}") from None
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
            os.close(descriptor)
            break
        raise Gone("a mail left its folder before it was taken in")

    def _find(self, lying: Lying) -> Lying:
        """Where it lies now: readers move mails from `new` to `cur`, and change what stands behind the colon."""
        if os.path.lexists(self._path_of(lying)):
            return lying
        for where in _DELIVERED:
            for entry in self._entries(lying.folder, where):
                if entry.name.partition(":")[0] == lying.unique:
                    return Lying(lying.folder, where, entry.name, lying.arrived_at)
        raise Gone("a mail left its folder before it was taken in")


def watch(mailbox: MaildirSettings, wake: Callable[[], None], stop: Event) -> None:
    """Call `wake` at once and whenever something changes in one of the folders, until `stop`. Only a hint."""
    maildir = Maildir(mailbox.path)
    before: list[int] = []
    while True:
        now = maildir.changed_at(mailbox.folders)
        if now != before:
            before = now
            wake()
        if stop.wait(_GLANCE_SECONDS):
            return


def _unique_name() -> str:
    return f"{int(time.time())}.R{secrets.token_hex(12)}.meldpost"


@contextmanager
def _access() -> Iterator[None]:
    """Turn what the system refuses into our own error, which names no file."""
    try:
        yield
    except OSError as error:
        raise NotAccessible(f"the Maildir cannot be changed: {error.strerror}") from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
