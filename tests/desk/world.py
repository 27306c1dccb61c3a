"""A desk with a real store: real seals, a member with a passphrase, and cases to put into it."""

import base64
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from cases.roles import Role
from cases.terms import DueKind
from config.secrets import Secrets, write_key
from config.settings import DeskSettings, ReceiptTexts, Settings, WebSettings
from desk.app import close, create_app
from store import audit, outbox, sessions
from store.audit import Action
from store.database import Database, open_database
from store.database_rights import Process
from store.intake import NewAttachment, NewMessage, TakenIn, add_message, open_case
from store.keyring import DeskPublicKeys, KeyRing, Pins, pins_of
from store.lookups import IndexKey
from store.members import add_member, create_desk, unlock
from store.outbox import NewOutgoing, OutgoingKind
from store.passphrase import Params
from tests.databases import Databases

DESK = "integriteit"
LOGIN = "j.coordinator"
PASSPHRASE = "appel vijver trommel kaars zeilboot molen tinnen"
DATABASE = "desk.db"
CHEAP = Params(iterations=1, lanes=1)
START = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)

OWN_TEXT = """Geachte coördinator,

Rolf Dijkgraaf, contractmanager catering, vraagt leveranciers om 10 procent
van iedere factuur. Ik heb de mails gezien.

Met groet, Appie Ramdin"""

REPORT: Mapping[str, Any] = {
    "language": "nl",
    "kind": "melding",
    "kind_scores": {"melding": 0.97, "klacht": 0.02, "overig": 0.01},
    "categories": [
        {"slug": "strafbaar_feit", "score": 0.93, "sub": ["corruptie"]},
        {"slug": "belangenverstrengeling", "score": 0.61, "sub": []},
    ],
    "primary": "strafbaar_feit",
    "severity": "hoog",
    "concerned": [{"name": "Rolf Dijkgraaf", "function": "contractmanager catering"}],
    "missing": ["phone", "address"],
    "missing_scores": {"phone": 0.99, "address": 0.97},
    "anonymous": False,
    "evidence": [{"text": "10 procent van iedere factuur", "category": "strafbaar_feit"}],
}
CONTACT = {"name": "Appie Ramdin", "email": "appie@reporter.example", "phone": None, "address": None}


@dataclass
class Clock:
    """A clock that a test sets forward."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class World:
    settings: Settings
    secrets: Secrets
    database: Database
    keys: DeskPublicKeys
    ring: KeyRing
    index: IndexKey
    clock: Clock
    app: Flask
    desk_database: Database
    _count: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def serve(self, settings: Settings) -> None:
        """The same desk anew, with other settings."""
        close(self.app)
        self.settings = settings
        self.app = create_app(settings, self.secrets, self.desk_database, self.clock, CHEAP)

    def mailer_secrets(self) -> Secrets:
        """What the sender has: the desk holds neither the mailer's seed nor the key that signs tokens."""
        directory = self.secrets.directory.parent / "mailer"
        write_key(directory, f"token-key-{DESK}", b"t" * 32)
        write_key(directory, f"index-key-{DESK}", self.index.secret)
        return Secrets(directory, environ={})

    def close(self) -> None:
        close(self.app)
        self.desk_database.close()
        self.database.close()

    def new_case(
        self, *, dues: Mapping[DueKind, datetime] | None = None, linked_case: str | None = None, **message: Any
    ) -> TakenIn:
        """A case with one message; `reference` is K2345-00000 and so on."""
        given = dues or {
            DueKind.FIRST_LOOK: self.clock.now + timedelta(days=2),
            DueKind.FEEDBACK: self.clock.now + timedelta(days=92),
        }
        with self.database.begin() as transaction:
            return open_case(
                transaction,
                self.keys,
                self.index,
                new_message(**{"received_at": self.clock.now, **message}),
                reference=f"K2345-{next(self._count):05d}",
                now=self.clock.now,
                dues=given,
                linked_case=linked_case,
            )

    def further_message(self, case_id: str, *, sender_is_new: bool = False, **message: Any) -> TakenIn:
        with self.database.begin() as transaction:
            new = new_message(received_at=self.clock.now, **message)
            return add_message(
                transaction, self.keys, self.index, case_id, new, sender_is_new=sender_is_new, now=self.clock.now
            )

    def hold_receipt(self, case_id: str, kind: OutgoingKind = OutgoingKind.RECEIPT) -> str:
        """A receipt that waits for the coordinator's word."""
        outbox_id = outbox.new_outbox_id()
        new = NewOutgoing(
            id=outbox_id,
            kind=kind,
            case_id=case_id,
            recipient="appie@reporter.example",
            mime=b"Subject: Ontvangstbevestiging\r\n\r\nWij hebben uw bericht ontvangen.\r\n",
            message_id=f"<{outbox_id}@desk.example>",
            envelope_sender="integriteit@desk.example",
            held=True,
            copy={
                "kind": "receipt",
                "subject": "Ontvangstbevestiging",
                "text": "Wij hebben uw bericht ontvangen.",
                "to": "appie@reporter.example",
            },
        )
        with self.database.begin() as transaction:
            outbox.enqueue(transaction, self.keys.mailer, self.index, new, self.clock.now)
        return outbox_id

    def say_why_it_waits(self, taken: TakenIn, reason: str) -> None:
        """The decision on the trail that goes with a receipt held at this time."""
        detail = {"receipt": "full", "held": True, "reason": reason}
        with self.database.begin() as session:
            audit.write(
                *(session, DESK, Action.RECEIPT_DECIDED, self.clock.now),
                case_id=taken.case_id,
                subject_id=taken.message_id,
                detail=detail,
                to=taken.keys.case,
            )


@dataclass(frozen=True)
class Prepared:
    """A folder with a database, its secrets, a desk and its coordinator. Each world is made from a copy of it."""

    folder: Path
    keys: DeskPublicKeys
    pins: Pins
    ring: KeyRing


def prepare(folder: Path) -> Prepared:
    database = open_database(f"sqlite:///{folder / DATABASE}")
    database.upgrade()
    secrets = Secrets(folder / "secrets", environ={})
    for name in (f"index-key-{DESK}", f"passphrase-secret-{DESK}", "web-session-key"):
        write_key(secrets.directory, name, os.urandom(32))
    with database.begin() as transaction:
        fresh = create_desk(transaction, DESK, START)
        write_key(folder / "mailer", f"mailer-seed-{DESK}", fresh.mailer_seed)  # which the desk does not have
        add_member(
            transaction,
            fresh,
            login=LOGIN,
            address="coordinator@desk.example",
            passphrase=PASSPHRASE,
            secret=secrets.key(f"passphrase-secret-{DESK}"),
            role=Role.COORDINATOR,
            now=START,
            params=CHEAP,
        )
    with database.read() as transaction:
        secret = secrets.key(f"passphrase-secret-{DESK}")
        ring = unlock(transaction, DESK, LOGIN, PASSPHRASE, secret, pins=fresh.pins)
    database.close()
    return Prepared(folder, fresh.keys, fresh.pins, ring)


def make_world(prepared: Prepared, folder: Path, databases: Databases | None = None) -> World:
    """A desk of its own, in a folder that is not there yet, on SQLite unless said otherwise."""
    shutil.copytree(prepared.folder, folder)
    url = desks = f"sqlite:///{folder / DATABASE}"
    if databases is not None:
        url = databases.copy(prepared.folder / DATABASE, folder)
        desks = databases.as_process(url, Process.DESK)
    database = open_database(url)
    secrets = Secrets(folder / "secrets", environ={})
    settings = Settings(
        secrets_dir=secrets.directory,
        desks={DESK: _desk_settings(prepared.pins)},
        web=WebSettings(port=0, live_seconds=1),
    )
    index = IndexKey(secrets.key(f"index-key-{DESK}"))
    clock = Clock()
    desk_database = open_database(desks)
    app = create_app(settings, secrets, desk_database, clock, CHEAP)
    return World(settings, secrets, database, prepared.keys, prepared.ring, index, clock, app, desk_database)


def _desk_settings(pins: Pins) -> DeskSettings:
    return DeskSettings(
        name="Integriteitscoördinator",
        organisation="Ministerie van Voorbeelden",
        address="integriteit@desk.example",
        public_key=base64.b64encode(pins.to_desk.to_bytes()).decode(),
        recovery_key=base64.b64encode(pins.recovery.to_bytes()).decode(),
        mailer_key=base64.b64encode(pins.mailer.to_bytes()).decode(),
        signing_key=base64.b64encode(pins.signing or b"").decode(),
        texts=ReceiptTexts(
            about_coordinator="sg@desk.example",
            support_point="steunpunt@desk.example",
            complaints="klachten@desk.example",
        ),
    )


def new_message(
    *,
    received_at: datetime,
    subject: str = "Melding over facturen",
    own_text: str = OWN_TEXT,
    quoted_text: str = "",
    html: str | None = None,
    report: Mapping[str, Any] = REPORT,
    contact: Mapping[str, Any] = CONTACT,
    files: Sequence[tuple[str, bytes]] = (),
    found: Sequence[NewAttachment] = (),
    more: Mapping[str, Any] | None = None,
    state: Any = "read",
    masked_text: str | None = None,
    masked_subject: str = "",
    automatic: str | None = None,
    sender: str = "a.ramdin@reporter.example",
    raw: bytes = b"From: appie@reporter.example\r\nSubject: Melding\r\n\r\nTekst\r\n",
) -> NewMessage:
    content = {
        "subject": subject,
        "from": {"name": "Appie Ramdin", "address": "appie@reporter.example"},
        "text": own_text + quoted_text,
        "own_text": own_text,
        "quoted_text": quoted_text,
        "html": html,
        "headers": [["From", "appie@reporter.example"]],
        "automatic": automatic,
        **(more or {}),
    }
    return NewMessage(
        received_at=received_at,
        state=state,
        raw=lambda: iter([raw]),
        content=content if state == "read" else {},
        contact=contact if state == "read" else {},
        report=report if state == "read" else {},
        masked_text=(own_text if masked_text is None else masked_text) if state == "read" else "",
        attachments=[*(_attachment(name, content) for name, content in files), *found],
        message_ids=[],
        sender=sender,
        masked_subject=masked_subject,
    )


def found_file(name: str, content_type: str, content: bytes = b"x", **found: Any) -> NewAttachment:
    """An attachment with what was found in it, in the shape of docs/flow.md."""
    known = {"text": "", "findings": [], "inside": None, "child": None, "scan": None, "found_type": ""}
    return NewAttachment(name, content_type, len(content), False, None, lambda: iter([content]), known | found)


def _attachment(name: str, content: bytes) -> NewAttachment:
    return NewAttachment(name, "text/html", len(content), False, None, lambda: iter([content]))


SITE = "https://desk.example"
_OF_A_CASE = re.compile("/cases/([0-9a-f]{32})")
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def passage(words: str, *categories: str, language: str = "nl") -> str:
    """A marked passage as a page has it: what is seen, and beside it what is heard."""
    said = {"nl": ("Begin van passage:", "Einde van passage"), "en": ("Begin of passage:", "End of passage")}
    begin, end = said[language]
    labels = "".join(f'<small class="label" aria-hidden="true">{each}</small>' for each in categories)
    heard = f'<span class="unseen"> [{begin} {", ".join(categories)}] </span>'
    return f'<mark>{heard}{words}{labels}<span class="unseen"> [{end}] </span></mark>'


def labelled(part: str, words: str, label: str) -> str:
    """A marked part as a page has it, likewise."""
    told = f'<small class="label" aria-hidden="true">{label}</small><span class="unseen"> ({label}) </span>'
    return f'<span class="part {part}">{words}{told}</span>'


class Visitor:
    """A person with a browser: keeps cookies, and sends the token of the page it saw last.

    Who reported a case they open, before their first request of a page of it, for this `reason`; unless it is "".
    """

    def __init__(
        self, world: World, language: str = "nl", address: str = "192.0.2.7", reason: str = "Behandeling."
    ) -> None:
        self._client = world.app.test_client()
        self._headers = {"Accept-Language": language}
        self._environ = {"REMOTE_ADDR": address}
        self.token = ""
        self._reason = reason
        self._opened: set[str] = set()

    def get(self, path: str, **more: Any) -> TestResponse:
        self._open_who_reported(path)
        return self._kept(
            self._client.get(path, base_url=SITE, headers=self._headers, environ_base=self._environ, **more)
        )

    def post(self, path: str, data: Mapping[str, Any] | None = None, **headers: str) -> TestResponse:
        self._open_who_reported(path)
        sent = {"csrf_token": self.token, **(data or {})}
        return self._kept(
            self._client.post(
                path, base_url=SITE, data=sent, headers=self._headers | headers, environ_base=self._environ
            )
        )

    def log_in(self, login: str = LOGIN, passphrase: str = PASSPHRASE) -> TestResponse:
        self.get("/login")
        response = self.post("/login", {"desk": DESK, "login": login, "passphrase": passphrase})
        if response.status_code == 303:
            self.get("/")
        return response

    def search(self, words: str, page: int = 1, **more: str) -> TestResponse:
        """The page of hits, or what came instead."""
        asked = self.post("/search", {"words": words, **more})
        return self.get(f"{asked.location}?page={page}") if asked.status_code == 303 else asked

    def confirm(self, passphrase: str = PASSPHRASE, then: str = "") -> TestResponse:
        """Give the passphrase once more, as is asked before one changes what lets one in."""
        return self.post("/own/confirm", {"passphrase": passphrase, "then": then})

    def cookie(self, name: str) -> str | None:
        found = self._client.get_cookie(name, domain="desk.example")
        return found.value if found else None

    def set_cookie(self, name: str, value: str) -> None:
        self._client.set_cookie(name, value, domain="desk.example", secure=True, httponly=True)

    def version(self, case_id: str) -> str:
        """The version of a case as its page has it in its forms."""
        found = re.search(r'name="version" value="(\d+)"', self.get(f"/cases/{case_id}").text)
        assert found
        return found[1]

    def _open_who_reported(self, path: str) -> None:
        found = _OF_A_CASE.match(path)
        if found and self._reason and self.token and self.cookie("__Host-desk") and found[1] not in self._opened:
            self._opened.add(found[1])
            self.post(f"/cases/{found[1]}/identity", {"reason": self._reason})

    def _kept(self, response: TestResponse) -> TestResponse:
        if response.mimetype == "text/html" and (found := _TOKEN.search(response.text)):
            self.token = found[1]
        return response


def join(world: World, login: str, role: Role) -> KeyRing:
    """A further member of the desk, with the keys of their role."""
    secret = world.secrets.key(f"passphrase-secret-{DESK}")
    address = f"{login}@desk.example"
    with world.database.begin() as transaction:
        add_member(
            *(transaction, world.ring),
            login=login,
            address=address,
            passphrase=PASSPHRASE,
            secret=secret,
            role=role,
            now=START,
            params=CHEAP,
        )
    with world.database.read() as transaction:
        return unlock(transaction, DESK, login, PASSPHRASE, secret, pins=pins_of(world.settings.desks[DESK]))


def coordinator(world: World, ring: KeyRing | None = None, **more: Any) -> Visitor:
    """A visitor who is logged in, without the derivation that a passphrase costs: the desk's first, or another."""
    visitor = Visitor(world, **more)
    with world.database.begin() as transaction:
        secret = sessions.start(transaction, ring or world.ring, world.clock.now)
    visitor.set_cookie("__Host-desk", base64.urlsafe_b64encode(secret).decode())
    assert visitor.get("/").status_code == 200
    return visitor
