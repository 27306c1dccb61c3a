"""One process at a time reads a mailbox, and the claim of one that was killed does not outlive it.

On PostgreSQL it is an advisory lock, which the server takes back when the process or its machine is gone; elsewhere
a row with a process's name and a time. A claim keeps two daemons from doing the same work; what keeps a mail from being
taken in twice is the ledger alone.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from store import ledger
from store.advisory import advisory_lock
from store.database import Database

CLAIM_SECONDS = 120.0
"""How long a claim is good. After a power cut a mailbox waits this long at most."""

_EXTEND_AFTER = CLAIM_SECONDS / 4
"""A claim younger than this is not written again, or asked for: each writing is a flush of the disk."""

_ENDED = "ZX"
"""Dead, but not yet buried by its parent."""

Extend = Callable[[], bool]


@contextmanager
def claimed(database: Database, account: str) -> Iterator[Extend | None]:
    """Claim a mailbox; gives what extends the claim, or None where another process holds it."""
    with _by_lock(database, account) if database.dialect == "postgresql" else _by_lease(database, account) as extend:
        yield extend


@contextmanager
def _by_lock(database: Database, account: str) -> Iterator[Extend | None]:
    with advisory_lock(database, f"mailbox {account}") as still_held:
        if still_held is None:
            yield None
            return
        asked = time.monotonic()

        def extend() -> bool:
            nonlocal asked
            if time.monotonic() - asked < _EXTEND_AFTER:
                return True
            asked = time.monotonic()
            return still_held()

        yield extend


@contextmanager
def _by_lease(database: Database, account: str) -> Iterator[Extend | None]:
    holder = f"{_process(os.getpid())}.{secrets.token_hex(4)}"
    written = 0.0

    def claim() -> bool:
        nonlocal written
        written = time.monotonic()
        return ledger.claim_mailbox(database, account, holder, CLAIM_SECONDS)

    def extend() -> bool:
        return time.monotonic() - written < _EXTEND_AFTER or claim()

    if not claim():
        other = ledger.mailbox_holder(database, account)
        if other is None or not _is_dead(other):
            yield None
            return
        ledger.release_mailbox(database, account, other)
        if not claim():
            yield None
            return
    try:
        yield extend
    finally:
        ledger.release_mailbox(database, account, holder)


def _process(pid: int) -> str:
    """Names a process so that it cannot be mistaken for a later one: boot, PID namespace, PID, start (proc(5))."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in _ENDED else f"{_machine()}.{pid}.{rest[18]}"


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:13].replace("-", "")
    return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"


def _is_dead(holder: str) -> bool:
    """Is this the name of a process of this machine that is no more? Of other machines nobody can tell."""
    process = holder.rpartition(".")[0]
    pid = process.rpartition(".")[0].rpartition(".")[2]
    return holder.startswith(_machine() + ".") and pid.isdigit() and _process(int(pid)) != process
