"""A whole desk for tests of intake: settings, secrets, a real database, and a member who can open what was sealed."""

import base64
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cases.roles import Role
from config.secrets import Secrets, write_key, write_secret
from config.settings import PersonSettings, Settings
from config.taxonomy import Category, Kind, MissingField, Severity
from ingest.errors import ReaderDied, UnderstandingFailed
from ingest.mail import ParsedMail
from ingest.parse import parse_bytes
from ingest.raw import RawMail
from ingest.rounds import RoundResult, take_in
from store.casework import CaseView, download_raw, view_case
from store.database import Database, open_database
from store.database_rights import Process
from store.keypairs import PrivateKey
from store.keyring import KeyRing, pins_of
from store.members import add_member, create_desk, unlock
from store.outbox import Mail
from store.passphrase import Params
from store.schema import CaseFile
from store.sending import claim, open_claim
from tests.databases import Databases
from triage import CategoryScore, Concerned, Contact, MailText, Report

PASSWORD = "geheim"
DESK = "desk"
ADDRESS = "integriteit@ministry.example"
COORDINATOR = "coordinator@ministry.example"


@dataclass
class Reader:
    """Reads in this process; what it is told to die of kills a reader each time."""

    poison: bytes = b"\0never\0"
    read_mails: int = 0

    def read(self, raw: RawMail) -> ParsedMail:
        data = b"".join(raw.chunks())
        self.read_mails += 1
        if self.poison in data:
            raise ReaderDied("poisoned")
        return parse_bytes(data)


REPORT = Report(
    language="nl",
    kind=Kind.MELDING,
    kind_scores={Kind.MELDING: 0.97, Kind.OVERIG: 0.03},
    categories=(CategoryScore(Category.STRAFBAAR_FEIT, 0.93, ("corruptie",)),),
    primary=Category.STRAFBAAR_FEIT,
    severity=Severity.HOOG,
    concerned=(Concerned("Rolf Dijkgraaf", "contractmanager catering"),),
    contact=Contact("Appie Ramdin", "appie@home.example", "06 - 24 81 77 03", "Zinkwerf 31, 2544 EC Den Haag"),
    missing=(),
    missing_scores=dict.fromkeys(MissingField, 0.01),
    anonymous=False,
    evidence=(),
)


@dataclass
class Understander:
    """Says of every mail what it was told to say; None: it cannot be understood."""

    report: Report | None = REPORT

    def understand(self, mail: MailText) -> Report:
        if self.report is None:
            raise UnderstandingFailed
        return self.report

    def end_round(self) -> None:
        pass


@dataclass
class Office:
    settings: Settings
    secrets: Secrets
    database: Database
    """As the owner of its tables has it; the daemon's work goes by the settings."""
    ring: KeyRing
    mailer: PrivateKey
    understander: Understander = field(default_factory=Understander)
    reader: Reader = field(default_factory=Reader)

    def take_in(self) -> RoundResult:
        return take_in(self.settings, self.secrets, "main", self.reader, self.understander)

    def join(self, login: str, role: Role) -> KeyRing:
        """A further member, with the keys of their role."""
        secret, passphrase = bytes(32), "zeven bomen en een brug over water"
        pins = pins_of(self.settings.desks[DESK])
        holder = replace(self.ring, root=pins.signing or b"")
        new = {"login": login, "address": f"{login}@ministry.example", "passphrase": passphrase, "secret": secret}
        with self.database.begin() as session:
            cheap = Params(iterations=1, lanes=1)
            add_member(session, holder, **new, role=role, now=datetime.now(UTC), params=cheap)
        with self.database.read() as session:
            return unlock(session, DESK, login, passphrase, secret, pins=pins)

    def set_people(self, names: Mapping[str, str], second_recipient: str = "") -> None:
        """Say in the settings how mails name members, by their ids."""
        people = tuple(PersonSettings(member=member_id, names=(name,)) for member_id, name in names.items())
        more = {"people": people, "second_recipient": second_recipient}
        desk = self.settings.desks[DESK].model_copy(update=more)
        self.settings = self.settings.model_copy(update={"desks": {DESK: desk}})

    def case_ids(self) -> list[str]:
        with self.database.read() as session:
            return list(session.scalars(select(CaseFile.id).order_by(CaseFile.opened_at)))

    def cases(self) -> list[CaseView]:
        return [self.case(case_id) for case_id in self.case_ids()]

    def case(self, case_id: str) -> CaseView:
        with self.database.begin() as session:
            return view_case(session, self.ring, case_id, datetime.now(UTC))

    def raws(self) -> list[bytes]:
        """Every mail that was taken in, as it is kept, oldest first."""
        found = []
        for case in self.cases():
            for message in case.messages:
                with download_raw(self.database, self.ring, case.case_id, message.id, datetime.now(UTC)) as raw:
                    found.append(b"".join(raw.chunks))
        return found

    def outgoing(self) -> list[Mail]:
        """What may go out now, taken."""
        found = []
        while claimed := claim(self.database, 600):
            found.append(open_claim(claimed, self.mailer))
        return found

    def receipts(self) -> list[Mail]:
        return [mail for mail in self.outgoing() if mail.recipient != COORDINATOR]


@dataclass(frozen=True)
class Founded:
    """A desk as `meldpost init` leaves it; each test works on a copy, since a passphrase takes long on purpose."""

    folder: Path
    desk: dict[str, Any]
    ring: KeyRing
    mailer: PrivateKey


def found(folder: Path) -> Founded:
    database = open_database(f"sqlite:///{folder}/meldpost.db")
    database.upgrade()
    now = datetime.now(UTC)
    with database.begin() as session:
        fresh = create_desk(session, DESK, now)
        member = {"login": "coordinator", "address": COORDINATOR, "passphrase": "zes bomen en een brug over water"}
        member_id = add_member(session, fresh, secret=os.urandom(32), role=Role.COORDINATOR, now=now, **member)
    database.close()
    for name in ("index-key-desk", "token-key-desk"):
        write_key(folder / "secrets", name, os.urandom(32))
    write_key(folder / "secrets", f"mailer-seed-{DESK}", fresh.mailer_seed)
    write_secret(folder / "secrets", "mailbox-password-main", PASSWORD.encode())
    keys = fresh.keys
    publics = {"public_key": keys.to_desk, "recovery_key": keys.recovery, "mailer_key": keys.mailer}
    desk = {
        "name": "Integriteitscoördinator",
        "organisation": "Ministerie",
        "address": ADDRESS,
        "trusted_authserv_id": "mx.ministry.example",
        "texts": {"about_coordinator": "a@b.example", "support_point": "c@d.example", "complaints": "e@f.example"},
        **{name: base64.b64encode(pair.public.to_bytes()).decode() for name, pair in publics.items()},
        "signing_key": base64.b64encode(fresh.signing_key).decode(),
    }
    ring = KeyRing(member_id, DESK, "coordinator", dict(fresh.privates))
    return Founded(folder, desk, ring, PrivateKey.from_seed(fresh.mailer_seed))


@contextmanager
def open_office(
    folder: Path,
    founded: Founded,
    mailbox: dict[str, Any],
    *,
    desk: dict[str, Any] | None = None,
    other_desk: dict[str, Any] | None = None,
    databases: Databases | None = None,
    **more: Any,
) -> Iterator[Office]:
    """On SQLite, unless `databases` are others."""
    desks = {DESK: founded.desk | (desk or {})}
    if other_desk is not None:
        desks["other"] = founded.desk | other_desk
    shutil.copytree(founded.folder, folder, dirs_exist_ok=True)
    url = f"sqlite:///{folder}/meldpost.db"
    if databases is not None:
        url = databases.copy(founded.folder / "meldpost.db", folder)
    daemons = databases.as_process(url, Process.DAEMON) if databases is not None else url
    settings = Settings.model_validate(
        {
            "database": {"url": daemons},
            "secrets_dir": folder / "secrets",
            "desks": desks,
            "mailboxes": {"main": mailbox},
            **more,
        }
    )
    database = open_database(url)
    try:
        yield Office(settings, Secrets(folder / "secrets", {}), database, founded.ring, founded.mailer)
    finally:
        database.close()


_TEXT = """Geachte coördinator,

Hierbij meld ik dat Rolf Dijkgraaf, contractmanager catering, al twee jaar 10 procent van iedere factuur van de cateraar
op zijn eigen rekening laat storten. Ik heb de facturen gezien en de afschriften van de bank.

Met vriendelijke groet,
Appie Ramdin
Zinkwerf 31, 2544 EC Den Haag
06 - 24 81 77 03
"""


def mail(
    number: int = 1,
    *,
    sender: str = "Appie Ramdin <appie@home.example>",
    subject: str = "melding",
    fields: tuple[str, ...] = (),
    text: str = _TEXT,
) -> bytes:
    """A mail as its reporter's mail program would write it."""
    head = [
        *fields,
        f"From: {sender}",
        f"To: {ADDRESS}",
        f"Subject: {subject}",
        f"Date: {format_datetime(datetime.now(UTC))}",
        f"Message-ID: <{number}.abc@home.example>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + text.replace("\n", "\r\n")).encode()
