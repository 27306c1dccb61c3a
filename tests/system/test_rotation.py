"""A rotation on PostgreSQL, where transactions run side by side: a mail's may outlast all that is sealed anew."""

import threading
from pathlib import Path

from sqlalchemy import text

from config.settings import load
from meldpost.init import initialise
from store import rotation
from store.database import Database, open_database
from store.keyring import KeyRing, NoSuchKey, desk_keys, pins_of
from store.members import unlock
from store.records import Name, RecordKind, opened_json
from tests.meldpost.plans import PASSPHRASE as PHRASE
from tests.meldpost.plans import plan_in
from tests.store.world import new_case
from tests.system.postgres import Postgres
from tests.system.waiting import wait_until


def opens(db: Database, ring: KeyRing, case_id: str) -> bool:
    try:
        with db.read() as session:
            return bool(opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD)))
    except NoSuchKey:
        return False


def test_a_mail_whose_transaction_outlasts_the_rotation_is_waited_for(postgres: Postgres, tmp_path: Path) -> None:
    """It was sealed to the old key before the new one was there, and is committed when nothing else names the old."""
    made = initialise(plan_in(tmp_path, database={"url": postgres.url}))

    settings = load(made.config)
    pins = pins_of(settings.desks["desk-a"])
    db = open_database(postgres.url)
    with db.read() as session:
        secret = settings.secrets().key("passphrase-secret-desk-a")
        ring = unlock(session, "desk-a", "co", PHRASE, secret, pins=pins)
    with db.begin() as session:
        slow = new_case(session, desk_keys(session, "desk-a", pins), reference="SLOW")
        rotating = threading.Thread(target=lambda: list(rotation.rotate(db, ring, pins, db.now())))
        rotating.start()

        def waits() -> bool:
            with db.read() as looking:
                found = looking.execute(text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
                return found.first() is not None

        wait_until("the rotation waits for the mail", lambda: waits() or not rotating.is_alive(), 60)
        assert rotating.is_alive()
    rotating.join(60)
    with db.read() as session:
        assert rotation.unfinished(session, "desk-a") is None
        anew = unlock(session, "desk-a", "co", PHRASE, secret, pins=pins)
    assert len(anew.privates) == 2
    assert opens(db, anew, slow.case_id)
    thief = KeyRing("", "desk-a", "", {id_: key for id_, key in ring.privates.items() if id_ != ring.own})
    assert not opens(db, thief, slow.case_id)
    db.close()
