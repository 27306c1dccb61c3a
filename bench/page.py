"""The page that the benchmark writes."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench import lighthouse as lighthouse_bench
from bench import sealing as sealing_bench
from bench import searching as searching_bench
from bench import trail as trail_bench
from bench import understanding as understanding_bench
from bench.latency import Waits
from bench.lighthouse import Judged
from bench.sealing import Sealing
from bench.searching import Searching
from bench.sections import machine
from bench.trail import Trail
from bench.understanding import Understanding


@dataclass
class Series:
    """Mails per second in each turn."""

    name: str
    rates: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.rates)

    def __str__(self) -> str:
        span = f"{min(self.rates):.1f}–{max(self.rates):.1f}"
        return f"| {self.name} | {self.median:.1f} ({span}) | {1000 / self.median:.1f} |"


def page(
    series: dict[str, Series],
    waits: Waits,
    read: dict[str, float],
    understanding: Understanding,
    sealing: Sealing,
    trail: Trail,
    searching: Searching,
    pages: Sequence[Judged],
    count: int,
    turns: int,
) -> str:
    milliseconds = {name: 1000 * seconds for name, seconds in read.items()}
    whole, intake, floor = series["whole"], series["intake"], series["floor"]
    without, all_of_it = intake.median / floor.median, whole.median / floor.median
    return f"""# How fast mail is taken in

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {turns} turns of {count} mails, {machine()}.
Mails: texts of the packaged corpus; half with HTML beside the text, a fifth HTML only, every tenth with a 100 kB file.
Server: Dovecot over loopback, TLS, Maildir. Database: SQLite, WAL, `synchronous=FULL`, a commit a mail.

| way | mails/s, median (min–max) | ms/mail |
| --- | --- | --- |
{whole}
{intake}
{floor}

Intake without triage reaches **{without:.0%}** of the floor, which has none either; the whole way {all_of_it:.0%}.

- *The whole way* is the daemon's own: the attempt committed, IMAP fetch, isolated reader, triage in its own process,
  one transaction with message, case, keys, due rows, receipt, notice, ledger and audit, sealed; then MOVE. While a mail
  is read, the one before is committed, and the one before that moved. It starts a new process every fifty mails.
- *Intake without triage* is the same, but that the answer of triage is given at once, the same for every mail: a report
  that lacks a telephone number. So each mail gets a full receipt that asks for it, its days and its notice.
- *The floor* fetches, parses in the same isolated reader, seals raw mail and content to one key, and commits each mail
  into one table. It understands, answers, joins, records and moves nothing.
- They take turns on the same mails in the same run. On a machine that does other things at the same time, the ratio
  says more than the rates.

## From a mail to its receipt

{len(waits.seconds)} mails, delivered one by one by LMTP while the daemon idles, with triage, until the receipt is at
the SMTP server: median **{statistics.median(waits.seconds):.2f} s**, worst **{waits.worst:.2f} s**.

## What isolation costs

The same mails, only read ({milliseconds["isolated"]:.1f} ms each as the daemon does it):

| reader | ms/mail |
| --- | --- |
| in this process, no isolation at all | {milliseconds["inline"]:.2f} |
| a process for each mail, no isolation | {milliseconds["process"]:.2f} |
| a process for each mail, its own user and limits (`limits-only`) | {milliseconds["limits"]:.2f} |
| a process for each mail, namespaces, Landlock, seccomp | {milliseconds["isolated"]:.2f} |

A process for each mail costs {milliseconds["process"] - milliseconds["inline"]:.1f} ms, isolation proper
{milliseconds["isolated"] - milliseconds["process"]:.1f} ms more.

{understanding_bench.section(understanding)}
{sealing_bench.section(sealing)}
{trail_bench.section(trail)}
{searching_bench.section(searching)}
{lighthouse_bench.section(pages)}"""
