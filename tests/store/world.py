"""A desk with one member, mails to take in and mails to send, as the tests of the store want them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases.roles import Role
from cases.terms import DueKind
from store.database import Database, open_database
from store.intake import NewAttachment, NewMessage, TakenIn, open_case
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import DeskPublicKeys, KeyRing, Pins
from store.lookups import IndexKey
from store.members import FreshDesk, add_member, create_desk, unlock
from store.outbox import NewOutgoing, OutgoingKind, enqueue, new_outbox_id
from store.passphrase import Params
from store.records import RecordKind
from store.schema import KeyPair, Record, new_id

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAST = Params(memory_kib=128 * 1024, iterations=1, lanes=4)
SECRET = b"p" * 32
PASSPHRASE = "paard batterij nietje correct"
INDEX = IndexKey(b"i" * 32)


@dataclass(frozen=True)
class World:
    """A desk, what the daemon knows of it, and its first member's key ring."""

    db: Database
    fresh: FreshDesk
    ring: KeyRing

    @property
    def keys(self) -> DeskPublicKeys:
        return self.fresh.keys

    @property
    def pins(self) -> Pins:
        return self.fresh.pins

    @property
    def mailer(self) -> PrivateKey:
        return PrivateKey.from_seed(self.fresh.mailer_seed)

    def open_case(self, new: NewMessage | None = None, reference: str = "AAAAA-BBBBB", **more: Any) -> TakenIn:
        with self.db.begin() as session:
            return new_case(session, self.keys, new, reference, **more)

    def enqueue(self, **more: Any) -> str:
        mail = outgoing(**more)
        with self.db.begin() as session:
            enqueue(session, self.keys.mailer, INDEX, mail, NOW)
        return mail.id


def make_world(db: Database, slug: str = "integriteit") -> World:
    with db.begin() as session:
        fresh = create_desk(session, slug, NOW)
        add_member(
            session,
            fresh,
            login="ada",
            address="ada@desk.example",
            passphrase=PASSPHRASE,
            secret=SECRET,
            role=Role.COORDINATOR,
            now=NOW,
            params=FAST,
        )
    with db.read() as session:
        return World(db, fresh, unlock(session, slug, "ada", PASSPHRASE, SECRET, pins=fresh.pins))


def new_case(
    session: Session, keys: DeskPublicKeys, new: NewMessage | None = None, reference: str = "AAAAA-BBBBB", **more: Any
) -> TakenIn:
    dues = {DueKind.FIRST_LOOK: NOW + timedelta(days=2), DueKind.FEEDBACK: NOW + timedelta(days=97)}
    return open_case(session, keys, INDEX, new or mail(), reference=reference, now=NOW, **{"dues": dues, **more})


def mail(**changes: Any) -> NewMessage:
    return replace(
        NewMessage(
            received_at=NOW,
            state="read",
            raw=lambda: iter([b"From: Sanne <sanne@thuis.example>\r\n\r\n", b"Zwanenzang in de kantine."]),
            content={"subject": "Zwanenzang", "text": "Zwanenzang in de kantine.", "from": {"name": "Sanne"}},
            contact={"name": "Sanne Vogel", "email": "sanne@thuis.example", "phone": None, "address": None},
            report={
                "kind": "melding",
                "categories": [{"slug": "pesten", "score": 0.9, "sub": []}],
                "primary": "pesten",
                "severity": "midden",
                "missing": ["address", "phone"],
                "concerned": [{"name": "Rolf Dijkgraaf", "function": "chef"}],
            },
            masked_text="Zwanenzang in de ▇▇▇.",
            attachments=[attachment()],
            message_ids=["<one@thuis.example>"],
            sender="sanne@thuis.example",
        ),
        **changes,
    )


def attachment(chunks: Callable[[], Iterator[bytes]] = lambda: iter([b"%PDF zwanenzang"])) -> NewAttachment:
    return NewAttachment("zwanenzang.pdf", "application/pdf", 15, False, None, chunks)


def outgoing(**changes: Any) -> NewOutgoing:
    basis = NewOutgoing(
        id=new_outbox_id(),
        kind=OutgoingKind.RECEIPT,
        case_id=None,
        recipient="sanne@thuis.example",
        mime=b"Subject: Ontvangen\r\n\r\nDank.",
        message_id="<token@desk.example>",
        envelope_sender="desk+token@desk.example",
    )
    return replace(basis, **changes)


def forge_key(db: Database, case_id: str, kind: KeyKind, *, with_proof: bool = True) -> None:
    """What somebody does who can write to the database: a newer key of a case, whose private half they have."""
    with db.begin() as session:
        true = session.scalars(select(KeyPair).where(KeyPair.owner == case_id, KeyPair.kind == kind)).one()
        session.add(
            KeyPair(
                id=new_id(),
                desk=true.desk,
                owner=true.owner,
                kind=kind,
                generation=2,
                public=generate().public.to_bytes(),
                proof=true.proof if with_proof else None,
                created_at=NOW,
            )
        )


def damage(db: Database, case_id: str, kind: RecordKind) -> None:
    """Change a byte of the first record of a kind, in its newest version."""
    with db.begin() as session:
        row = _first(session, case_id, kind)
        assert row.frame
        row.frame = row.frame[:-1] + bytes([row.frame[-1] ^ 1])


def empty(db: Database, case_id: str, kind: RecordKind) -> None:
    with db.begin() as session:
        _first(session, case_id, kind).frame = b""


def _first(session: Session, case_id: str, kind: RecordKind) -> Record:
    query = select(Record).where(Record.case_id == case_id, Record.kind == kind)
    found = session.scalars(query.order_by(Record.version.desc(), Record.created_at)).first()
    assert found
    return found


def run_out(db: Database, *tables: Any) -> None:
    """Let every lease of these tables run out, as waiting for it would."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    with db.begin() as session:
        for table in tables:
            session.execute(update(table).where(table.lease_until.is_not(None)).values(lease_until=long_ago))


def folder_in_memory() -> tempfile.TemporaryDirectory[str]:
    """For thousands of transactions whose safety on disk is not what is tested."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)


@dataclass(frozen=True)
class Template:
    """A SQLite file with a desk on it, to copy."""

    file: Path
    fresh: FreshDesk
    ring: KeyRing

    def copy(self, folder: Path) -> World:
        shutil.copy(self.file, folder / "meldpost.db")
        return self.world(f"sqlite:///{folder}/meldpost.db")

    def world(self, url: str) -> World:
        """The desk on a copy that was made already."""
        return World(open_database(url), self.fresh, self.ring)


def make_template(folder: Path) -> Template:
    db = open_database(f"sqlite:///{folder}/meldpost.db")
    db.upgrade()
    world = make_world(db)
    db.close()
    return Template(folder / "meldpost.db", world.fresh, world.ring)
