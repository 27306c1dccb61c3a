"""What the audit trail costs intake: the same mails with it and without, by turns in one process and into one database.
`python -m bench.trail [MAILS]` alone writes it to docs/bench.md.

Each mail goes the whole way from its bytes to its commit, but for triage, which always has the same answer. Without the
trail its rows are neither sealed, hashed, chained nor written; all else is done.
"""

import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import func, select

from bench.mails import DESK, mails
from bench.sections import put
from bench.ways import WithoutTriage
from config.settings import load
from ingest.intake import Intake
from ingest.outgoing import Arrival
from ingest.raw import RawMail
from ingest.readers import Readers
from ingest.take_in import Outcome, take_in
from meldpost import logs
from meldpost.init import FirstMember, Plan, initialise
from store import audit, ledger
from store.database import Database, open_database
from store.ledger import MailPlace
from store.passphrase_rules import offer
from store.schema import Audit

MAILS = 400
ACCOUNT = "desk"
TITLE = "What the audit trail costs intake"
_SEED = 101
_WARM_UP = 10


@dataclass(frozen=True)
class Pace:
    """Seconds for each mail: of the process that takes it in, and by the clock, with the time that its reader takes."""

    own: list[float]
    clock: list[float]


@dataclass(frozen=True)
class Trail:
    """The same mails with a trail and without one, and how many rows a mail has."""

    with_it: Pace
    without: Pace
    rows: float


def measure(count: int = MAILS) -> Trail:
    with tempfile.TemporaryDirectory(prefix="meldpost-trail-") as name, _intake(Path(name)) as intake:
        paces = (Pace([], []), Pace([], []))
        before = 0
        for number, letter in enumerate(mails(count + _WARM_UP, _SEED)):
            if number == _WARM_UP:
                before = _rows(intake.database)
                for pace in paces:
                    pace.own.clear()
                    pace.clock.clear()
            other = letter.replace(f".{_SEED}@".encode(), f".{_SEED + 1}@".encode())  # the same mail of somebody else
            turns = [(True, letter), (False, other)]
            for with_it, each in turns if number % 2 else turns[::-1]:
                pace = paces[0 if with_it else 1]
                with _trail(there=with_it):
                    _take_in(intake, each, pace)
        return Trail(*paces, (_rows(intake.database) - before) / count)


@contextmanager
def _intake(folder: Path) -> Iterator[Intake]:
    texts = {name: f"{name}@bench.example" for name in ("about_coordinator", "support_point", "complaints")}
    mailbox = {"kind": "maildir", "desk": "desk", "path": str(folder / "mail")}
    most = 1_000_000
    plan = Plan(
        folder / "meldpost.toml",
        "desk",
        {
            "desks": {"desk": {"name": "Desk", "organisation": "Bench", "address": DESK, "texts": texts}},
            "mailboxes": {ACCOUNT: mailbox},
            "rules": {"total_per_hour": most, "per_domain_per_day": most},
        },
        FirstMember("co", "co@bench.example", offer()),
        {},
    )
    settings = load(initialise(plan).config)
    database = open_database(settings.database.url)
    try:
        with Readers().start() as readers:
            understanders = WithoutTriage()
            held = settings.secrets()
            yield Intake.prepare(settings, held, ACCOUNT, database, readers, understanders, secrets.randbelow)
    finally:
        database.close()


@contextmanager
def _trail(*, there: bool) -> Iterator[None]:
    if there:
        yield
        return
    with patch.object(audit, "write", _nothing), patch.object(audit, "write_record", _nothing):
        yield


def _nothing(*_: object, **__: object) -> None:
    """In place of a row."""


def _take_in(intake: Intake, letter: bytes, pace: Pace) -> None:
    uid = int.from_bytes(secrets.token_bytes(4), "big")
    own, clock = time.process_time(), time.perf_counter()
    entry = ledger.begin_attempt(intake.database, intake.desk, MailPlace(ACCOUNT, "", 1, uid))
    with RawMail.from_bytes(letter) as raw:
        now = datetime.now(UTC)
        outcome = take_in(intake, entry, raw, Arrival(now, now))
    pace.own.append(time.process_time() - own)
    pace.clock.append(time.perf_counter() - clock)
    if not isinstance(outcome, Outcome) or not outcome.queued:
        raise SystemExit("a mail got no receipt; nothing was measured")


def _rows(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Audit)) or 0


def section(found: Trail) -> str:
    """What the page says of it."""

    def line(name: str, pace: Pace) -> str:
        own, clock = statistics.median(pace.own), statistics.median(pace.clock)
        return f"| {name} | {1e3 * own:.2f} ms | {1e3 * clock:.2f} ms |"

    own = _more(found.with_it.own, found.without.own)
    clock = _more(found.with_it.clock, found.without.clock)
    return f"""## {TITLE}

| a mail, from its bytes to its commit | of its process's own time | by the clock |
| --- | --- | --- |
{line("with the trail", found.with_it)}
{line("without any row of it", found.without)}
| the trail, as median of the differences | {1e3 * own:.2f} ms | {1e3 * clock:.2f} ms |

{len(found.without.own)} mails, each taken in twice, with the {found.rows:.0f} rows of its trail and without, by turns
in one process and into one database; no triage, no IMAP. The trail takes
**{own / statistics.median(found.without.own):.1%}** of that process's own time and
**{clock / statistics.median(found.without.clock):.1%}** by the clock, the mail's isolated reader included.
"""


def _more(with_it: list[float], without: list[float]) -> float:
    return statistics.median(one - other for one, other in zip(with_it, without, strict=True))


if __name__ == "__main__":
    logs.set_up(30)
    put(section(measure(*(int(word) for word in sys.argv[1:]))))
