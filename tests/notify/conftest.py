"""One desk, one addressing, and an installation whose outbox can be filled and looked at."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from cases.terms import DueKind
from config.secrets import Secrets, write_key
from config.settings import DeskSettings, ReceiptTexts, Settings
from config.taxonomy import MissingField
from notify.addressing import Addressing, address
from notify.compose import ReceiptFacts, compose_receipt
from notify.delivery import DeliveryResult, deliver
from notify.keys import SenderKeys, sender_keys
from store import dues, intake, lookups, mailer_contact, outbox
from store.database import Database, open_database
from store.database_rights import Process
from store.intake import NewMessage
from store.keypairs import KeyKind, generate
from store.keyring import add_pair, newest, newest_proven, seal_seed
from store.members import FreshDesk, create_desk
from store.outbox import NewOutgoing, OutboxState, OutgoingKind
from store.schema import CaseFile, Due, Member, Outbox, new_id
from tests.databases import Databases

NOW = datetime(2026, 3, 2, 13, 32, tzinfo=UTC)
TOKEN = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def desk() -> DeskSettings:
    return DeskSettings(
        name="Integriteitscoördinator",
        organisation="het ministerie",
        address="meldpunt@ministerie.example",
        public_key="",
        recovery_key="",
        mailer_key="",
        texts=ReceiptTexts(
            about_coordinator="plv-sg@ministerie.example",
            support_point="steunpunt@rijk.example, 070 123 45 67",
            complaints="https://ministerie.example/klachten",
        ),
    )


@pytest.fixture(scope="session")
def addressed(desk: DeskSettings) -> Callable[..., Addressing]:
    def make(to: str = "jan@voorbeeld.nl", token: str = TOKEN, **more: object) -> Addressing:
        return address(desk, token, to, date=NOW, **more)  # type: ignore[arg-type]

    return make


@dataclass
class Box:
    """An installation with one desk, "bz", and ways to look into it that the sender itself does not have."""

    settings: Settings
    secrets: Secrets
    database: Database
    senders: Database
    """The same, as the daemon has it."""
    fresh: FreshDesk
    keys: SenderKeys

    @property
    def desk(self) -> DeskSettings:
        return self.settings.desks["bz"]

    def use(self, port: int, **smtp: object) -> None:
        """Hand mail to this port, in clear unless said otherwise."""
        changed = {"host": "127.0.0.1", "port": port, "security": "plain", "timeout_seconds": 5, **smtp}
        smtp_settings = self.settings.smtp.model_copy(update=changed)
        self.settings = self.settings.model_copy(update={"smtp": smtp_settings})

    def deliver(self, **more: int) -> DeliveryResult:
        return deliver(self.settings, self.secrets, self.senders, **more)

    def queue(
        self,
        to: str = "jan@voorbeeld.nl",
        *,
        case_id: str | None = None,
        kind: OutgoingKind = OutgoingKind.RECEIPT,
        held: bool = False,
    ) -> str:
        outbox_id = outbox.new_outbox_id()
        outside = address(self.desk, self.keys.token.sign(outbox_id), to, date=NOW)
        mail = compose_receipt(self.desk, ReceiptFacts("7K3Q-M2XP", NOW, "nl", full=False), outside)
        new = NewOutgoing(
            id=outbox_id,
            kind=kind,
            case_id=case_id,
            recipient=outside.to,
            mime=mail.mime,
            message_id=outside.message_id,
            envelope_sender=outside.envelope_sender,
            held=held,
        )
        with self.database.begin() as session:
            outbox.enqueue(session, self.fresh.keys.mailer, self.keys.index, new, self.database.now())
            if case_id is not None and to == "jan@voorbeeld.nl":  # the case's own reporter
                lookups.remember_recipient(session, "bz", case_id, self.keys.index.recipient(outbox_id, outside.to))
        return outbox_id

    def state(self, outbox_id: str) -> OutboxState:
        with self.database.read() as session:
            return OutboxState(session.get_one(Outbox, outbox_id).state)

    def is_forgotten(self, outbox_id: str) -> bool:
        with self.database.read() as session:
            return session.get_one(Outbox, outbox_id).frame is None

    def sends(self, outbox_id: str) -> int:
        with self.database.read() as session:
            return session.get_one(Outbox, outbox_id).sends

    def pass_time(self, **columns: object) -> None:
        """Let leases and waiting times of the outbox be over, and of the dues claims."""
        past = self.database.now() - timedelta(seconds=1)
        with self.database.begin() as session:
            session.execute(update(Outbox).where(Outbox.lease_until.is_not(None)).values(lease_until=past))
            session.execute(update(Outbox).values(not_before=past, **columns))
            session.execute(update(Due).where(Due.lease_until.is_not(None)).values(lease_until=past))

    def member(self, mail_address: str) -> str:
        """A member who opens what comes in, as far as notices know (a real one costs a passphrase); gives their id."""
        row = Member(
            id=new_id(),
            desk="bz",
            login_digest=mail_address.encode().ljust(32)[:32],
            address=mail_address,
            wrapped_seed=b"",
            created_at=NOW,
        )
        with self.database.begin() as session:
            session.add(row)
            session.flush()
            own = add_pair(session, "bz", KeyKind.MEMBER, row.id, generate().public, NOW)
            seal_seed(session, self.fresh.privates[self.fresh.keys.to_desk.id], self.fresh.keys.to_desk, own)
            return row.id

    def restrict(self, case_id: str, *member_ids: str) -> None:
        """Keep a case to these members, as far as notices know: by its column, and by whom its keys name."""
        with self.database.begin() as session:
            session.execute(update(CaseFile).where(CaseFile.id == case_id).values(restricted=True))
            pair = newest_proven(session, self.keys.index, "bz", KeyKind.CASE, case_id)
            for member_id in member_ids:
                seal_seed(session, generate(), pair, newest(session, "bz", KeyKind.MEMBER, member_id))

    def case(self, due: dict[DueKind, datetime] | None = None, received_at: datetime | None = None) -> str:
        """A case with one mail, of jan@voorbeeld.nl."""
        now = self.database.now()
        new = NewMessage(
            received_at=received_at or now,
            state="read",
            raw=lambda: iter([b"Subject: x\r\n\r\nx"]),
            content={},
            contact={},
            report={},
            masked_text="",
            attachments=(),
            message_ids=(),
            sender="jan@voorbeeld.nl",
        )
        with self.database.begin() as session:
            reference = new_id()
            return intake.open_case(
                session, self.fresh.keys, self.keys.index, new, reference=reference, now=now, dues=due or {}
            ).case_id

    def ask(self, case_id: str, *fields: MissingField, to: str = "jan@voorbeeld.nl") -> None:
        contact = mailer_contact.Contact(to, "nl", fields)
        with self.database.begin() as session:
            mailer_contact.write(session, self.fresh.keys.mailer, case_id, contact, self.database.now())

    def dues(self, case_id: str) -> dict[DueKind, datetime]:
        with self.database.read() as session:
            return {due.kind: due.due_at for due in dues.open_dues(session, case_id)}

    def mails(self, kind: OutgoingKind) -> list[str]:
        with self.database.read() as session:
            return [row.id for row in session.query(Outbox).filter(Outbox.kind == kind)]


@pytest.fixture
def box(databases: Databases, tmp_path: Path, desk: DeskSettings) -> Iterator[Box]:
    url = databases.new(tmp_path)
    database = open_database(url)
    with database.begin() as session:
        fresh = create_desk(session, "bz", NOW)
    secrets = tmp_path / "secrets"
    write_key(secrets, "mailer-seed-bz", fresh.mailer_seed)
    write_key(secrets, "token-key-bz", b"t" * 32)
    write_key(secrets, "index-key-bz", b"i" * 32)
    pinned = {
        "public_key": base64.b64encode(fresh.keys.to_desk.public.to_bytes()).decode(),
        "recovery_key": base64.b64encode(fresh.keys.recovery.public.to_bytes()).decode(),
        "mailer_key": base64.b64encode(fresh.keys.mailer.public.to_bytes()).decode(),
    }
    settings = Settings.model_validate({"database": {"url": url}, "desks": {"bz": {**desk.model_dump(), **pinned}}})
    senders = open_database(databases.as_process(url, Process.DAEMON))
    box = Box(
        settings, Secrets(secrets, {}), database, senders, fresh, sender_keys(settings, Secrets(secrets, {}))["bz"]
    )
    yield box
    senders.close()
    database.close()
