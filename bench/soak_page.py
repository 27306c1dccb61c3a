"""The page that the soak writes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.page import machine

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """Resident bytes of each lasting process, so many seconds and mails after the start."""

    seconds: float
    mails: int
    bytes: Mapping[str, int]


@dataclass(frozen=True)
class Books:
    """What became of the mails. `kept_whole`: sealed unread, since they were being read at two kills; they are cases,
    and nobody got a receipt for them. `sent_again`: receipts that came twice with one Message-ID, in the one window
    in which that can be (killed between DATA and its answer)."""

    mails: int
    lost: int
    kept_whole: int
    double: int
    without_receipt: int
    with_two_receipts: int
    sent_again: int
    kills: int
    restarts: int

    @property
    def right(self) -> bool:
        unanswered = self.without_receipt - self.kept_whole
        return not (self.lost or self.double or unanswered or self.with_two_receipts)


def page(samples: Sequence[Sample], books: Books, calm: int) -> str:
    minutes = (samples[-1].seconds - samples[0].seconds) / 60
    more = books.mails - calm
    return f"""# Thousands of mails, one daemon

Written by `make soak` on {datetime.now(UTC):%Y-%m-%d}: {calm} mails in {minutes:.0f} minutes, then {more}
more in trouble; {machine()}. The real daemon with triage, Dovecot, SQLite, receipts to a real SMTP server.

## Memory

Resident memory of the processes that last as long as the daemon, looked at {len(samples)} times while {calm} mails were
taken in. A line is laid through all looks after the first tenth (least squares).

| process | then | most | now | slope, MB in 10,000 mails |
| --- | --- | --- | --- | --- |
{_rows(samples)}

## Nothing lost, nothing twice

During the last {more} mails the daemon was killed {books.kills} times, with all of its processes at once and at random
moments, and the mail server restarted {books.restarts} times.

| of {books.mails} mails | |
| --- | --- |
| lost | {books.lost} |
| sealed whole and unread, as cases, after two kills while they were read | {books.kept_whole} |
| taken in twice | {books.double} |
| without a receipt | {books.without_receipt} |
| with two different receipts | {books.with_two_receipts} |
| receipts handed over again with the same Message-ID, after a kill during DATA | {books.sent_again} |

What else is to be known of a run stands in [decision 15](decisions/0015-speed-of-intake.md): a new run writes
this page anew.
"""


def _rows(samples: Sequence[Sample]) -> str:
    settled = samples[len(samples) // 10 :]
    names = sorted({name for sample in settled for name in sample.bytes})
    return "\n".join(_row(name, [each for each in settled if name in each.bytes]) for name in names)


def _row(name: str, samples: Sequence[Sample]) -> str:
    sizes = [sample.bytes[name] / MEGABYTE for sample in samples]
    counts = [sample.mails for sample in samples]
    rises = len(set(counts)) > 1
    slope = 10_000 * statistics.linear_regression(counts, sizes).slope if rises else 0.0
    return f"| {name} | {sizes[0]:.1f} | {max(sizes):.1f} | {sizes[-1]:.1f} | {slope:+.2f} |"
