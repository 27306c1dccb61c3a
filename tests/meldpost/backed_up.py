"""A desk whose database is backed up and restored, whichever database that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cases.lifecycle import Status
from store import casework, changes, destruction, records
from store.database import Database, open_database
from store.keyring import KeyRing
from store.records import Name, RecordKind
from tests.desk.world import DESK, World


@dataclass
class Here:
    """A desk, the URL of its database (of the owner's), and a folder of backups."""

    world: World
    url: str
    folder: Path

    @property
    def file(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def target(self) -> Path:
        return self.folder / "monday"

    def end(self, case_id: str) -> None:
        world, now = self.world, self.world.clock.now
        with world.database.begin() as session:
            version = casework.view_case(session, world.ring, case_id, now).version
            changes.change_status(session, world.ring, world.index, case_id, Status.SET_ASIDE, version=version, now=now)

    def destroy(self, case_id: str) -> None:
        self.end(case_id)
        with self.world.database.begin() as session:
            destruction.begin(session, DESK, case_id, self.world.index, self.world.clock.now)
        destruction.finish_begun(self.world.database, {DESK: self.world.index})

    def restored(self) -> Database:
        return open_database(self.url)

    def stop(self) -> None:
        """Daemon and desk end."""
        self.world.desk_database.close()
        self.world.database.close()

    def ring(self) -> KeyRing:
        return KeyRing.from_bytes(self.world.ring.to_bytes())


def opens(db: Database, ring: KeyRing, case_id: str) -> bool:
    with db.read() as session:
        try:
            return bool(records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD)))
        except records.NoSuchRecord:
            return False
