"""What the daemon holds opens no case; what the desk holds opens them all. And what is left in the daemon's memory."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import select

from store.keypairs import KeyKind
from store.schema import KeyPair
from tests.system.installation import Installation, letter
from tests.system.thief import keys_in, open_with, try_all
from tests.system.waiting import wait_until

MAILS_IN_MEMORY_TEST = 100
WORDS = ("Kwartelzandstraat", "Zwaluwenberg", "Ooievaarsnest", "Griezelpudding")


def test_with_all_that_the_daemon_holds_no_case_opens_and_with_the_desk_key_all_do(installation: Installation) -> None:
    installation.set_up()
    for number in range(3):
        installation.send(_mail(installation, number))
    installation.wait_in(3)
    installation.round()
    installation.wait_taken(3)
    held = [installation.config, *(path for path in (installation.folder / "secrets").iterdir() if path.is_file())]
    keys = keys_in(held)
    assert len(keys) >= 5
    with installation.opened() as (session, ring):
        stolen = try_all(session, ring.desk, keys)
        rightful = open_with(session, ring)
    assert stolen.records == 0
    assert stolen.cases == frozenset()
    assert len(rightful.cases) == 3
    assert rightful.records == rightful.of > 0


def test_the_thief_of_the_desk_key_would_succeed_so_the_attempt_is_a_real_one(installation: Installation) -> None:
    installation.set_up()
    installation.send(_mail(installation, 1))
    installation.wait_in(1)
    installation.round()
    with installation.opened() as (session, ring):
        desk_pairs = set(session.scalars(select(KeyPair.id).where(KeyPair.kind == KeyKind.DESK)))
        desk_key = next(key for pair, key in ring.privates.items() if pair in desk_pairs)
        assert try_all(session, ring.desk, [desk_key]).cases


@dataclass(frozen=True)
class Remains:
    """What stood in one process's memory."""

    process: str
    size: int
    words: int
    seeds: int

    def __str__(self) -> str:
        return f"{self.process}, {self.size >> 20} MiB: {self.words} copies of marked words, {self.seeds} case keys"


def test_the_search_through_memory_finds_a_key_that_is_there() -> None:
    seeds = [os.urandom(32) for _ in range(300)]
    there = os.urandom(1 << 24)[:-7] + hashlib.shake_256(seeds[7]).digest(96)[64:] + os.urandom(100)
    assert _remains("", there, seeds).seeds == 1
    assert _remains("", there[: 1 << 24], seeds).seeds == 0


def test_after_a_hundred_intakes_the_daemons_memory_holds_no_key_and_no_text(
    installation: Installation, figures: list[str]
) -> None:
    installation.set_up(rules={"per_address_per_day": 1000, "first_connection_max": 1000})
    daemon = installation.start()
    for number in range(MAILS_IN_MEMORY_TEST):
        with installation.dovecot.mailbox(installation.address) as mailbox:
            mailbox.append(_mail(installation, number).as_bytes())
    installation.wait_taken(MAILS_IN_MEMORY_TEST, seconds=300)
    installation.receipts(MAILS_IN_MEMORY_TEST, seconds=120)
    dumps = _dumps(psutil.Process(daemon.pid))
    assert len(dumps) >= 4, "the supervisor, its fork server and two nurseries live long"
    seeds = _case_seeds(installation)
    assert len(seeds) == 2 * MAILS_IN_MEMORY_TEST
    remains = [_remains(name, dump, seeds) for name, dump in dumps]
    for each in remains:
        figures.append(f"memory after {MAILS_IN_MEMORY_TEST} intakes: {each}")
    assert sum(each.seeds for each in remains) == 0
    assert sum(each.words for each in remains) == 0


def test_only_the_short_lived_process_that_takes_a_mail_in_holds_text_and_keys_and_only_then(
    installation: Installation, figures: list[str]
) -> None:
    installation.set_up()
    daemon = installation.start(fault="after-intake-commit=stop")
    installation.send(_mail(installation, 1))
    installation.wait("a mail is committed", lambda: installation.count("message") == 1)
    processes = psutil.Process(daemon.pid)
    wait_until("its process is stopped", lambda: _stopped(processes))
    [at_work] = _stopped(processes)
    seeds = _case_seeds(installation)
    inside = _remains("a round at work", b"".join(_memory(at_work.pid)), seeds)
    others = [_remains(name, dump, seeds) for name, dump in _dumps(processes, but=at_work.pid)]
    figures += [f"memory in the middle of an intake: {each}" for each in (inside, *others)]
    assert inside.words > 0, "the search must find what is there"
    assert sum(each.seeds for each in others) == 0
    assert [each for each in others if each.words and each.process != "worker of a nursery"] == []


def _stopped(daemon: psutil.Process) -> list[psutil.Process]:
    return [process for process in daemon.children(recursive=True) if process.status() == psutil.STATUS_STOPPED]


def _mail(installation: Installation, number: int):  # type: ignore[no-untyped-def]
    text = f"{number}. Zwaluwenberg dreigde met een Griezelpudding.\n\nKwartelzandstraat {number}, 2511 AB Den Haag\n"
    return letter(installation.reporter(), installation.address, subject=f"Ooievaarsnest {number}", text=text)


def _dumps(daemon: psutil.Process, but: int = 0) -> list[tuple[str, bytes]]:
    """Give what each process of the daemon has in memory; one that ends meanwhile takes its memory with it."""
    dumps = []
    for process in (daemon, *daemon.children(recursive=True)):
        if process.pid == but:
            continue
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            dumps.append((_name(process), b"".join(_memory(process.pid))))
    return dumps


def _memory(pid: int) -> Iterator[bytes]:
    """Read all memory that a process has written to; what is mapped from files unchanged holds nothing of a mail."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            memory.seek(begin)
            try:
                yield memory.read(end - begin)
            except OSError:
                continue


def _case_seeds(installation: Installation) -> list[bytes]:
    with installation.opened() as (session, ring):
        kinds = (KeyKind.CASE, KeyKind.IDENTITY)
        return [
            ring.private(session, pair).seed
            for pair in session.scalars(select(KeyPair.id).where(KeyPair.kind.in_(kinds)))
        ]


def _remains(name: str, dump: bytes, seeds: list[bytes]) -> Remains:
    words = sum(dump.count(word.encode(encoding)) for word in WORDS for encoding in ("utf-8", "utf-16-le", "utf-32-le"))
    owner = {part: seed for seed in seeds for part in _parts(seed)}
    return Remains(name, len(dump), words, len({owner[part] for part in _standing_in(dump, list(owner))}))


def _parts(seed: bytes) -> tuple[bytes, ...]:
    """A seed, and what it expands to: the halves of either key would do as well."""
    expanded = hashlib.shake_256(seed).digest(96)
    return seed, seed.hex().encode(), expanded[:32], expanded[32:64], expanded[64:]


def _standing_in(dump: bytes, needles: list[bytes]) -> set[bytes]:
    """Give which needles stand in a dump: by their first two bytes for all at once, and then one by one."""
    by_start: dict[bytes, list[bytes]] = {}
    for needle in needles:
        by_start.setdefault(needle[:2], []).append(needle)
    wanted = np.zeros(1 << 16, dtype=bool)
    wanted[[int.from_bytes(start, "little") for start in by_start]] = True
    firsts = {needle[:8] for needle in needles}
    found = set()
    memory = np.frombuffer(dump, dtype=np.uint8)
    for begin in range(0, len(dump), 1 << 24):
        block = memory[begin : begin + (1 << 24) + 1].astype(np.uint16)
        for place in np.flatnonzero(wanted[block[:-1] | (block[1:] << 8)]) + begin:
            if dump[place : place + 8] in firsts:
                found |= {each for each in by_start[dump[place : place + 2]] if dump.startswith(each, place)}
    return found


def _name(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    parent = process.parent()
    if parent is not None and "nursery_parent" in " ".join(parent.cmdline()):
        return "worker of a nursery"  # forked for one mail or one round
    for part in ("forkserver", "resource_tracker", "nursery_parent", "meldpost run"):
        if part in command:
            return part
    return process.name()
