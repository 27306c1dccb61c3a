"""The power goes: whatever had been moved out of the inbox by then is in the database that is found afterwards.

strace records what the daemon writes to the database's files and when it syncs them, and, since this one connection is
not encrypted, when it tells the mail server to move a mail. From that the files are rebuilt as a disk would have them
that lost everything not yet synced: at every sync, and at every move.
"""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from store.casework import view_case
from store.database import open_database
from store.keyring import KeyRing
from tests.system.installation import Installation, letter
from tests.system.traces import Call, calls, strace

MAILS = 5
_MOVE = re.compile(rb"UID MOVE (\d+)")


@dataclass
class Disk:
    """The database's files, as programs see them and as they would be found after a power cut."""

    files: tuple[Path, ...]
    now: dict[str, bytearray] = field(default_factory=dict)
    durable: dict[str, bytes] = field(default_factory=dict)
    syncing: dict[tuple[int, str], bytes] = field(default_factory=dict)
    begun: set[tuple[int, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for path in self.files:
            if path.exists():
                self.now[str(path)] = bytearray(path.read_bytes())
                self.durable[str(path)] = path.read_bytes()

    def take(self, call: Call) -> bool:
        """Apply a call. True when something became durable by it."""
        if call.name in ("unlink", "unlinkat"):
            self._forget(call)
            return False
        path = call.path
        if path not in map(str, self.files):
            return False
        if call.name in ("fsync", "fdatasync"):
            return self._sync(path, call)
        if self._counted_before(call):
            return False
        if call.name == "pwrite64":
            self._write(path, call.strings[0], int(call.numbers_after_string[1]))
        elif call.name == "ftruncate":
            size = int(call.arguments.rpartition(", ")[2].split(")")[0])
            content = self.now.setdefault(path, bytearray())
            del content[size:]
            content.extend(bytes(size - len(content)))
        elif call.name not in ("openat", "open", "creat"):
            raise AssertionError(f"the database's files are written by {call.name}, which this test does not replay")
        return False

    def lay_out(self, folder: Path) -> None:
        """Write the files as they would be found."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path, content in self.durable.items():
            (folder / Path(path).name).write_bytes(content)

    def _counted_before(self, call: Call) -> bool:
        """A write that is given twice counts where it began."""
        if not call.ended:
            self.begun.add((call.pid, call.name))
            return False
        counted = (call.pid, call.name) in self.begun
        self.begun.discard((call.pid, call.name))
        return counted

    def _sync(self, path: str, call: Call) -> bool:
        """What was written before a sync began is durable when it has ended, and not sooner."""
        key = (call.pid, path)
        if not call.ended:
            self.syncing[key] = bytes(self.now.get(path, b""))
            return False
        self.durable[path] = self.syncing.pop(key, None) or bytes(self.now.get(path, b""))
        return True

    def _write(self, path: str, data: bytes, offset: int) -> None:
        content = self.now.setdefault(path, bytearray())
        content.extend(bytes(max(0, offset + len(data) - len(content))))
        content[offset : offset + len(data)] = data

    def _forget(self, call: Call) -> None:
        for name in (text.decode(errors="replace") for text in call.strings):
            self.now.pop(name, None)
            self.durable.pop(name, None)


def test_after_a_power_cut_every_mail_that_had_been_moved_is_there_and_opens(
    installation: Installation, tmp_path: Path, figures: list[str]
) -> None:
    installation.set_up(mailbox={"security": "plain", "port": installation.dovecot.ports.imap})
    subjects = {}
    for number in range(1, MAILS + 1):
        reporter = installation.reporter(f"r{number}")
        with installation.dovecot.mailbox(installation.address) as mailbox:
            mailbox.append(letter(reporter, installation.address, subject=f"Power cut {number}").as_bytes())
    with installation.dovecot.mailbox(installation.address) as mailbox:
        subjects = {int(uid): f"Power cut {number}" for number, uid in enumerate(mailbox.uids(), start=1)}
    files = (installation.database, Path(f"{installation.database}-wal"))
    disk = Disk(files)
    trace = tmp_path / "trace"
    program = installation.start(once=True, wrapper=strace(trace))
    assert program.wait(180) == 0, program.text()
    installation.wait_taken(MAILS)

    moved: list[int] = []
    cuts = 0
    with installation.opened() as (_, ring):
        for uid, changed in _moments(trace, disk):
            if uid is None and not changed:
                continue
            cuts += 1
            moved += [] if uid is None else [uid]
            disk.lay_out(tmp_path / "found")
            found = tmp_path / "found" / installation.database.name
            cases = _cases_in(found)
            missing = set(moved) - set(cases)
            assert not missing, f"moved, and not in the database that a power cut leaves: {missing}"
            if uid is not None:
                assert _subject(found, ring, cases[uid]) == subjects[uid]
    assert sorted(moved) == sorted(subjects)
    figures.append(f"power cut: {cuts} moments replayed, {len(moved)} moves")


def _moments(trace: Path, disk: Disk) -> Iterator[tuple[int | None, bool]]:
    """Give each moment that matters: the UID of a mail that is about to be moved, or that something became durable."""
    seen: set[int] = set()
    for call in calls(trace):
        if call.name in ("sendto", "write", "sendmsg") and (found := _MOVE.search(b"".join(call.strings))):
            if (uid := int(found.group(1))) not in seen:
                seen.add(uid)
                yield uid, False
        else:
            yield None, disk.take(call)


def _cases_in(database: Path) -> dict[int, str]:
    """Give the cases of the mails that are taken in, by UID, in a database that a power cut left."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        return dict(connection.execute("select uid, case_id from ledger where state = 'settled'"))


def _subject(database: Path, ring: KeyRing, case_id: str) -> str:
    store = open_database(f"sqlite:///{database}")
    try:
        with store.begin() as session:
            return str(view_case(session, ring, case_id, datetime.now(UTC)).messages[0].content["subject"])
    finally:
        store.close()
