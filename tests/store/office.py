"""A desk with members of several roles, and what a set of them opens from the database with all their keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from cases.roles import Role
from store import records
from store.database import Database
from store.keyring import KeyRing
from store.members import add_member, unlock
from store.records import OF_THE_IDENTITY
from store.schema import Audit, Record
from tests.store.world import FAST, NOW, PASSPHRASE, SECRET, Template, World

ROLES = {
    "ben": Role.DEPUTY,
    "cas": Role.COORDINATOR,
    "ivo": Role.INVESTIGATOR,
    "isa": Role.INVESTIGATOR,
    "sam": Role.SECRETARY_GENERAL,
    "aud": Role.AUDITOR,
}


@dataclass(frozen=True)
class Office:
    world: World
    rings: Mapping[str, KeyRing]

    @property
    def db(self) -> Database:
        return self.world.db

    def ring(self, name: str) -> KeyRing:
        """As after a new log-in: it remembers no key of a case."""
        return KeyRing.from_bytes(self.rings[name].to_bytes())

    def id(self, name: str) -> str:
        return self.rings[name].member_id

    def everything_of(self, names: Collection[str]) -> KeyRing:
        """What a set of members has together, the desk's key of whoever has it included."""
        privates = {id_: private for name in names for id_, private in self.rings[name].privates.items()}
        return KeyRing("attacker", self.world.ring.desk, "", privates)


def open_office(world: World) -> Office:
    """Add the members of `ROLES` to a desk whose first member is ada."""
    with world.db.begin() as session:
        for login, role in ROLES.items():
            add_member(
                *(session, world.fresh),
                login=login,
                address=f"{login}@desk.example",
                passphrase=PASSPHRASE,
                secret=SECRET,
                role=role,
                now=NOW,
                params=FAST,
            )
    with world.db.read() as session:
        desk, pins = world.ring.desk, world.pins
        rings = {login: unlock(session, desk, login, PASSPHRASE, SECRET, pins=pins) for login in ROLES}
    return Office(world, {"ada": world.ring, **rings})


def opened_kinds(db: Database, ring: KeyRing, case_id: str) -> set[str]:
    """Of which of a case's two keys these keys open a record, in any version; and details of the trail."""
    found = set()
    with db.read() as session:
        for row in session.scalars(select(Record).where(Record.case_id == case_id)):
            try:
                b"".join(records._open(session, ring, row))
            except records.CANNOT_OPEN:
                continue
            found.add("identity" if row.kind in OF_THE_IDENTITY else "case")
        for audited in session.scalars(select(Audit).where(Audit.case_id == case_id, Audit.detail.is_not(None))):
            try:
                ring.private(session, audited.key_pair_id or "")
            except records.CANNOT_OPEN:
                continue
            found.add("trail")
    return found


@dataclass(frozen=True)
class OfficeTemplate:
    template: Template
    rings: Mapping[str, KeyRing]

    def copy(self, folder: Path) -> Office:
        return Office(self.template.copy(folder), self.rings)


def make_office_template(folder: Path, template: Template) -> OfficeTemplate:
    world = template.copy(folder)
    office = open_office(world)
    world.db.close()
    return OfficeTemplate(Template(folder / "meldpost.db", template.fresh, template.ring), office.rings)
