"""`python -m bench [MAILS [TURNS [RECEIPTS]]]`"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench import latency, lighthouse, sealing, searching, trail, understanding
from bench.latency import Waits
from bench.mails import DESK, mails
from bench.page import Series, page
from bench.sections import DOCUMENT
from bench.ways import Floor, Intake, WithoutTriage, reading
from config.settings import Settings, load
from ingest.nurseries import nurseries
from meldpost import logs
from meldpost.init import FirstMember, Plan, initialise
from store.database import open_database
from store.keypairs import PublicKey
from store.keyring import desk_keys, pins_of
from store.outbox import OutgoingKind
from store.passphrase_rules import offer
from store.schema import Ledger, Outbox
from tests.system.certificates import make_certificates
from tests.system.dovecot import PASSWORD, Dovecot

ACCOUNT = "desk"
WAYS = ("whole", "intake", "floor")
TITLES = ("the whole way", "intake without triage", "the floor")


def main(count: int, turns: int, receipts: int) -> None:
    """Measure, print, write the page."""
    logs.set_up(30)
    series = {name: Series(title) for name, title in zip(WAYS, TITLES, strict=True)}
    pages = lighthouse.measure()  # first: where npm's registry does not answer, one hears so at once
    with tempfile.TemporaryDirectory(prefix="meldpost-bench-") as name:
        folder = Path(name)
        certificates = make_certificates(folder)
        dovecot = Dovecot(certificates)
        try:
            dovecot.start()
            for turn in range(-1, turns):  # the first is a warm-up
                order = WAYS if turn % 2 == 0 else WAYS[::-1]
                rates = _turn(folder / f"turn{turn + 1}", dovecot, list(mails(count, turn)), order)
                if turn >= 0:
                    for name, rate in rates.items():
                        series[name].rates.append(rate)
                    print(f"turn {turn + 1}:", ", ".join(f"{name} {rates[name]:.1f}/s" for name in WAYS), flush=True)
            waits = _waits(folder / "receipts", dovecot, receipts)
        finally:
            dovecot.remove()
    read = reading(list(mails(min(count, 200), 99)))
    understood, sealed, trailed = understanding.measure(1000), sealing.measure(), trail.measure()
    found = searching.measure()
    written = page(series, waits, read, understood, sealed, trailed, found, pages, count, turns)
    print(written)
    DOCUMENT.write_text(written, encoding="utf-8")


def _waits(folder: Path, dovecot: Dovecot, count: int) -> Waits:
    address = "receipts@bench.example"
    with latency.sink(dovecot.certificates) as (port, taking):
        smtp = {"host": "127.0.0.1", "port": port, "ca_file": str(dovecot.certificates.ca)}
        config = installation(folder, dovecot, address, smtp=smtp)
        return latency.measure(config, dovecot, address, taking, count)


def _turn(folder: Path, dovecot: Dovecot, letters: list[bytes], ways: Iterable[str]) -> dict[str, float]:
    """All ways over the same mails, each in a mailbox of its own, so that the one leaves nothing to the other."""
    rates = {}
    for way in ways:
        address = f"{way}.{folder.name}@bench.example"
        config = installation(folder / way, dovecot, address)
        settings = load(config)
        with nurseries(settings) as (readers, understanders):
            if way == "floor":
                run = Floor(settings, ACCOUNT, readers, folder / "floor.db", _key(settings)).run
            else:
                run = Intake(config, ACCOUNT, readers, understanders if way == "whole" else WithoutTriage()).run
                run()  # first contact, with nothing there: what comes later is ordinary mail, whose receipts are queued
            _fill(dovecot, address, letters)
            began = time.perf_counter()
            run()
            rates[way] = len(letters) / (time.perf_counter() - began)
        _check(way, settings, folder, len(letters))
    return rates


def _fill(dovecot: Dovecot, address: str, letters: Iterable[bytes]) -> None:
    with dovecot.mailbox(address) as mailbox:
        for letter in letters:
            mailbox.imap.append("INBOX", "", "", letter)


def installation(folder: Path, dovecot: Dovecot, address: str, **more: dict[str, Any]) -> Path:
    texts = {name: f"{name}@bench.example" for name in ("about_coordinator", "support_point", "complaints")}
    mailbox = {"desk": "desk", "host": "127.0.0.1", "port": dovecot.ports.imaps, "user": address}
    settings = {
        "desks": {"desk": {"name": "Desk", "organisation": "Bench", "address": DESK, "texts": texts}},
        "mailboxes": {ACCOUNT: {**mailbox, "ca_file": str(dovecot.certificates.ca)}},
        **more,
    }
    member = FirstMember("co", "co@bench.example", offer())
    passwords = {f"mailbox-password-{ACCOUNT}": PASSWORD}
    return initialise(Plan(folder / "meldpost.toml", "desk", settings, member, passwords)).config


def _key(settings: Settings) -> PublicKey:
    database = open_database(settings.database.url)
    try:
        with database.read() as session:
            return desk_keys(session, "desk", pins_of(settings.desks["desk"])).to_desk.public
    finally:
        database.close()


def _check(way: str, settings: Settings, folder: Path, count: int) -> None:
    """A way that lost mail or wrote no receipts was not measured."""
    if way == "floor":
        with closing(sqlite3.connect(folder / "floor.db")) as database:
            kept = int(database.execute("SELECT count(*) FROM mail").fetchone()[0])
        receipts = count
    else:
        store = open_database(settings.database.url)
        with store.read() as session:
            kept = session.scalar(select(func.count(Ledger.settled_at))) or 0
            receipts = session.scalar(select(func.count()).where(Outbox.kind == OutgoingKind.RECEIPT)) or 0
        store.close()
    if kept != count or not receipts:
        raise SystemExit(
            f"{way}: {kept} of {count} mails were kept and {receipts} receipts queued; nothing was measured"
        )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    if len(numbers) > 3 or any(number < 1 for number in numbers):
        raise SystemExit(f"{__doc__}, each at least 1")
    main(*(numbers + [200, 3, 100][len(numbers) :]))
