"""The list beside the backups of what no restore may bring back, each line with a proof by its desk's index key.

Whoever can write to the folder could else have a restore destroy cases, or have it forget which are gone: the head of a
desk says how many lines are its own, of when they are, and proves them together.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from store.copies import BackupError, Destroyed
from store.ledger import Tombstone
from store.lookups import IndexKey

NAME = "destroyed.list"
_HEAD = "="
_ID, _DIGEST, _ACCOUNT = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}"), 64
_CASE, _MAIL, _HEAD_WORDS = 3, 6, 4


@dataclass(frozen=True)
class Listed:
    """`written_at`: of when it is, for the desk whose lines are oldest; None where a desk has none. `unproven`: what
    stands in well-formed lines without a good proof. `refused`: the numbers of all lines that do not count, 0 for
    such as are missing. `others`: lines of desks that are not in the configuration, as they stand there."""

    gone: Destroyed = field(default_factory=Destroyed)
    written_at: datetime | None = None
    unproven: Destroyed = field(default_factory=Destroyed)
    refused: tuple[int, ...] = ()
    others: tuple[str, ...] = ()

    def trusted(self, path: Path, *, unproven: bool) -> Destroyed:
        """Raises BackupError where a line does not count, unless `unproven` ones are to."""
        if not self.refused:
            return self.gone
        if unproven:
            return self.gone | self.unproven
        lines = ", ".join(str(number) for number in self.refused if number)
        what = f"these lines bear no proof of a desk's: {lines}" if lines else "lines that it had are missing"
        raise BackupError(
            f"{path} is not as Meldpost wrote it: {what}. It is of an earlier version, damaged, or changed. Nothing "
            "was replaced. Put back a copy of it, or take it away; or look at it, and say --trust-list to have each "
            "well-formed line count: the cases that they name are then destroyed."
        )


def read(folder: Path, index_of: Mapping[str, IndexKey]) -> Listed:
    """Raises BackupError where it cannot be read; no list is an empty one."""
    path = folder / NAME
    try:
        text = path.read_bytes().decode("ascii", errors="replace")
    except FileNotFoundError:
        return Listed()
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from None
    gone, unproven = Destroyed(), Destroyed()
    refused, others = [], []
    of_desk: dict[str, list[str]] = {desk: [] for desk in index_of}
    heads: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if len(words) > 1 and words[1] not in index_of and len(words) in (_CASE, _MAIL, _HEAD_WORDS):
            others.append(line)
        elif words[:1] == [_HEAD] and len(words) == _HEAD_WORDS:
            heads[words[1]] = words
        elif len(words) in (_CASE, _MAIL) and _is_proven(index_of[words[1]], words):
            gone |= _entry(words[:-1])
            of_desk[words[1]].append(line)
        else:
            refused.append(number)
            unproven |= _entry(words[:-1] if len(words) in (_CASE, _MAIL) else words)
    times = {desk: _time_of(index_of[desk], heads.get(desk, []), lines) for desk, lines in of_desk.items()}
    complete = [each for each in times.values() if each is not None]
    if any(times[desk] is None and (lines or desk in heads) for desk, lines in of_desk.items()) and not refused:
        refused.append(0)
    written_at = min(complete) if complete and len(complete) == len(times) else None
    return Listed(gone, written_at, unproven, tuple(refused), tuple(others))


def write(folder: Path, index_of: Mapping[str, IndexKey], gone: Destroyed, now: datetime) -> Path | None:
    """Add to the list. One with lines that do not count is kept beside it; gives where. Raises BackupError, OSError."""
    with _held(folder):
        before = read(folder, index_of)
        known, aside = before.gone | gone, None
        lost = {*before.unproven.cases} - {*known.cases} or before.unproven.mails - known.mails
        if before.refused and (lost or not before.unproven.cases):
            aside = folder / f"{NAME}.refused-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            aside.unlink(missing_ok=True)
            os.link(folder / NAME, aside)
        lines = [*before.others]
        for desk, index in index_of.items():
            lines += _lines_of(desk, index, known, now)
        _put(folder, lines)
    return aside


def holds(folder: Path, index_of: Mapping[str, IndexKey], gone: Destroyed) -> bool:
    """Does the list name all of these, of desks that are in the configuration? Raises BackupError."""
    listed = read(folder, index_of)
    cases = {case_id for case_id, desk in gone.cases.items() if desk in index_of}
    mails = {mail for mail in gone.mails if mail.desk in index_of}
    return not listed.refused and cases <= set(listed.gone.cases) and mails <= listed.gone.mails


def _lines_of(desk: str, index: IndexKey, known: Destroyed, now: datetime) -> list[str]:
    entries = [[case_id, of] for case_id, of in known.cases.items() if of == desk]
    entries += [
        [mail.case_id, mail.desk, mail.account, mail.raw_digest.hex(), mail.stable_digest.hex()]
        for mail in known.mails
        if mail.desk == desk
    ]
    lines = sorted(" ".join([*words, index.listed(words).hex()]) for words in entries)
    written_at = now.astimezone(UTC).isoformat()
    return [" ".join([_HEAD, desk, written_at, _proof_of_all(index, desk, written_at, lines)]), *lines]


def _proof_of_all(index: IndexKey, desk: str, written_at: str, lines: Sequence[str]) -> str:
    return index.listed([_HEAD, desk, written_at, *sorted(lines)]).hex()


def _is_proven(index: IndexKey, words: Sequence[str]) -> bool:
    return hmac.compare_digest(words[-1].encode(), index.listed(words[:-1]).hex().encode())


def _time_of(index: IndexKey, head: Sequence[str], lines: Sequence[str]) -> datetime | None:
    """Of when the lines of a desk are; None where they are not all that were written."""
    if not head:
        return None
    proof = _proof_of_all(index, head[1], head[2], lines)
    return datetime.fromisoformat(head[2]) if hmac.compare_digest(head[3].encode(), proof.encode()) else None


def _entry(words: Sequence[str]) -> Destroyed:
    """What a line names; nothing where it is none."""
    if not words or not _ID.fullmatch(words[0]):
        return Destroyed()
    if len(words) == _CASE - 1:
        return Destroyed({words[0]: words[1]})
    if len(words) == _MAIL - 1 and len(words[2]) <= _ACCOUNT and all(map(_DIGEST.fullmatch, words[3:])):
        mail = Tombstone(words[1], words[2], words[0], bytes.fromhex(words[3]), bytes.fromhex(words[4]))
        return Destroyed(mails=frozenset({mail}))
    return Destroyed()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """By one process at a time: the daemon writes it, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _put(folder: Path, lines: Sequence[str]) -> None:
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{NAME}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        Path(name).rename(folder / NAME)
    finally:
        Path(name).unlink(missing_ok=True)
