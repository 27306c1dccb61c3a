"""Backups made while mail comes in, restores that bring back nothing that was destroyed, and disks that are full."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from config.settings import DatabaseSettings
from meldpost import backup, destroyed_noted, work
from meldpost.backups_examined import left_over, put_aside
from meldpost.cli import main
from meldpost.findings import Verdict
from store import backups, copies, ledger, leftovers, membership, outbox, sending
from store.audit import Action
from store.copies import BackupError
from store.database import open_database
from store.destroyed_listing import list_destroyed
from store.keyring import NoSuchKey
from store.outbox import OutboxState
from store.schema import Audit, Base, CaseFile, Desk, Due, KeyPair, MailboxClaim, Member, Outbox, SealedSeed
from store.sqlite_copies import SqliteCopies
from store.verification import verify
from tests.desk.test_members import add
from tests.desk.world import DESK, Prepared, coordinator, make_world, prepare
from tests.meldpost.backed_up import Here, opens
from tests.system.disk import small_disk


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def here(prepared: Prepared, tmp_path: Path) -> Iterator[Here]:
    world = make_world(prepared, tmp_path / "desk")
    file = next((tmp_path / "desk").glob("*.db"))
    world.settings = world.settings.model_copy(update={"database": DatabaseSettings(url=f"sqlite:///{file}")})
    folder = tmp_path / "backups"
    folder.mkdir()
    yield Here(world, f"sqlite:///{file}", folder)
    world.close()


def test_a_backup_is_three_private_files_that_prove_themselves(here: Here) -> None:
    case_id = here.world.new_case().case_id
    made = backup.back_up(here.world.settings, here.target)
    assert made.manifest.cases == 1
    assert {path.name for path in here.folder.iterdir()} == {
        "monday.content", "monday.keys", "monday.manifest", "destroyed.list",
    }  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in here.folder.iterdir()} == {0o600}
    assert backup.check(here.world.settings, here.target).manifest == made.manifest
    here.world.database.close()
    restored = backup.restore(here.world.settings, here.target, replace=True)
    assert restored.aside is not None
    assert Path(restored.aside).exists()
    assert opens(here.restored(), here.ring(), case_id)
    (finding,) = put_aside(here.world.settings)
    assert restored.aside in finding.text
    Path(restored.aside).unlink()
    assert list(put_aside(here.world.settings)) == []


def test_a_backup_of_a_desk_that_a_member_left_is_whole(here: Here) -> None:
    add(here.world, "b.vertrekt")
    with here.world.database.begin() as session:
        leaver = session.scalars(select(Member.id).where(Member.id != here.world.ring.member_id)).one()
        membership.leave(session, here.world.ring, leaver, here.world.clock.now)
    here.world.new_case()
    backup.back_up(here.world.settings, here.target)
    assert backup.check(here.world.settings, here.target).proven.records > 0


def test_a_member_at_work_whose_key_record_is_empty_is_told_of(here: Here) -> None:
    with here.world.database.begin() as session:
        session.execute(update(Member).values(wrapped_seed=b""))
    backup.back_up(here.world.settings, here.target)
    with pytest.raises(BackupError, match="1 key records are none"):
        backup.check(here.world.settings, here.target)


def test_the_content_file_holds_no_key_and_what_the_mailer_opens_stands_with_the_keys(here: Here) -> None:
    taken = here.world.new_case()
    here.world.hold_receipt(taken.case_id)
    with here.world.database.read() as session:
        frames = [*session.scalars(select(SealedSeed.frame)), *session.scalars(select(Outbox.frame))]
    backup.back_up(here.world.settings, here.target)
    content, keys = (here.folder / f"monday.{part}" for part in ("content", "keys"))
    pieces = [frame[40:80] for frame in frames if frame]
    assert len(pieces) >= 5
    assert not [piece for piece in pieces if piece in content.read_bytes()]
    assert all(piece in keys.read_bytes() for piece in pieces)


def test_every_table_is_sorted_and_one_that_nobody_sorted_goes_with_the_keys() -> None:
    known = {table.name for table in Base.metadata.sorted_tables} | {"alembic_version"}
    assert known >= copies.OF_CONTENT | copies.LEFT_OUT
    assert not copies.OF_CONTENT & copies.LEFT_OUT
    with_keys = known - copies.OF_CONTENT - copies.LEFT_OUT
    assert with_keys >= {"sealed_seed", "member", "second_factor", "outbox", "mailer_contact"}


def test_mail_comes_in_while_a_backup_is_made_and_the_backup_is_whole(here: Here) -> None:
    stop = threading.Event()
    taken: list[str] = []

    def take_in() -> None:
        while not stop.is_set():
            taken.append(here.world.new_case().case_id)

    thread = threading.Thread(target=take_in)
    thread.start()
    try:
        for number in range(5):
            target = here.folder / f"backup{number}"
            made = backup.back_up(here.world.settings, target)
            assert backup.check(here.world.settings, target).manifest == made.manifest
    finally:
        stop.set()
        thread.join()
    assert len(taken) > 5
    here.world.database.close()
    backup.restore(here.world.settings, target, replace=True)
    with here.restored().read() as session:
        there = set(session.scalars(select(CaseFile.id)))
    assert len(there) == made.manifest.cases
    assert all(opens(here.restored(), here.ring(), case_id) for case_id in there)


def test_a_backup_from_before_a_destruction_opens_nothing_of_the_case_without_its_key_file(here: Here) -> None:
    """Restored by hand, with sqlite3 alone."""
    case_id = here.world.new_case().case_id
    here.world.hold_receipt(case_id)
    backup.back_up(here.world.settings, here.target)
    here.destroy(case_id)
    by_hand = here.folder / "by-hand.db"
    shutil.copy(here.folder / "monday.content", by_hand)
    with sqlite3.connect(by_hand) as connection:
        assert connection.execute("SELECT count(*) FROM record WHERE case_id = ?", (case_id,)).fetchone()[0] > 5
        assert connection.execute("SELECT count(*) FROM sealed_seed").fetchone()[0] == 0
    connection.close()
    db = open_database(f"sqlite:///{by_hand}")
    with db.read() as session:
        for pair_id in session.scalars(select(KeyPair.id).where(KeyPair.owner == case_id)).all():
            with pytest.raises(NoSuchKey):
                here.ring().private(session, pair_id)
        assert session.scalars(select(Outbox.id)).all() == []
    db.close()


@pytest.mark.parametrize("known_by", ["the database that is there", "the list beside the backups"])
def test_what_was_destroyed_stays_destroyed_whatever_backup_is_restored(here: Here, known_by: str) -> None:
    gone, kept = here.world.new_case().case_id, here.world.new_case().case_id
    backup.back_up(here.world.settings, here.target)
    here.destroy(gone)
    if known_by == "the list beside the backups":
        backup.back_up(here.world.settings, here.folder / "tuesday")
        here.world.database.close()
        here.file.unlink()
    here.world.database.close()
    restored = backup.restore(here.world.settings, here.target, replace=True)
    assert restored.destroyed == 1
    db, ring = here.restored(), here.ring()
    assert not opens(db, ring, gone)
    assert opens(db, ring, kept)
    with db.read() as session:
        assert session.get(CaseFile, gone) is None


def test_a_destruction_after_the_last_backup_is_known_where_the_daemon_has_the_folder(here: Here) -> None:
    gone, kept = here.world.new_case().case_id, here.world.new_case().case_id
    index_of = {DESK: here.world.index}
    backup.back_up(here.world.settings, here.target)
    here.destroy(gone)
    assert [finding.verdict for finding in destroyed_noted.noted(here.world.settings)] == [Verdict.NOTE]
    about = here.world.settings.backup.model_copy(update={"folder": here.folder})
    settings = here.world.settings.model_copy(update={"backup": about})
    assert [finding.verdict for finding in destroyed_noted.noted(settings)] == [Verdict.WRONG]
    assert list_destroyed(here.world.database, here.folder, index_of)
    assert [finding.verdict for finding in destroyed_noted.noted(settings)] == [Verdict.FINE]
    written = (here.folder / "destroyed.list").read_bytes()
    assert list_destroyed(here.world.database, here.folder, index_of)
    assert (here.folder / "destroyed.list").read_bytes() == written
    here.world.database.close()
    here.file.unlink()
    assert backup.restore(settings, here.target, replace=False).destroyed == 1
    assert not opens(here.restored(), here.ring(), gone)
    assert opens(here.restored(), here.ring(), kept)


def test_what_the_database_of_before_alone_knew_to_be_destroyed_is_named_beside_the_backups_by_a_restore(
    here: Here,
) -> None:
    gone = here.world.new_case().case_id
    backup.back_up(here.world.settings, here.target)
    here.destroy(gone)
    about = here.world.settings.backup.model_copy(update={"folder": here.folder})
    settings = here.world.settings.model_copy(update={"backup": about})
    here.world.database.close()
    backup.restore(settings, here.target, replace=True)
    assert gone in (here.folder / "destroyed.list").read_text()


def test_the_daemons_round_names_what_whoever_destroyed_it_could_not(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = here.world.new_case().case_id
    here.destroy(gone)
    about = here.world.settings.backup.model_copy(update={"folder": here.folder})
    settings = here.world.settings.model_copy(update={"backup": about})
    monkeypatch.setattr(work, "_perform", lambda _reports, _config, _level, do: do(settings))
    ours, theirs = multiprocessing.Pipe()
    work.destroy_due(theirs, here.folder / "none.toml", logging.INFO)
    ours.close()
    theirs.close()
    assert gone in (here.folder / "destroyed.list").read_text()


def test_a_folder_that_cannot_be_written_stops_no_destruction(here: Here) -> None:
    here.destroy(here.world.new_case().case_id)
    assert not list_destroyed(here.world.database, here.folder / "none", {DESK: here.world.index})


FORGED = {
    "a line of an earlier version": "{case} {desk}",
    "a line with a proof that is none": "{case} {desk} " + 64 * "0",
    "a line beyond hexadecimal": "{case} {desk} account zz zz",
    "words": "a b c d e",
    "bytes beyond ASCII": "{case} {desk} \xe9",
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_line_that_somebody_else_wrote_destroys_nothing_and_stops_no_backup(here: Here, forged: str) -> None:
    case_id, gone = here.world.new_case().case_id, here.world.new_case().case_id
    here.destroy(gone)
    backup.back_up(here.world.settings, here.target)
    with (here.folder / "destroyed.list").open("a", encoding="utf-8") as file:
        file.write(FORGED[forged].format(case=case_id, desk=DESK) + "\n")
    with pytest.raises(BackupError, match="no proof of a desk's: 3"):
        backup.restore(here.world.settings, here.target, replace=True)
    assert opens(here.world.database, here.world.ring, case_id)
    made = backup.back_up(here.world.settings, here.folder / "tuesday")
    assert made.refused_list is not None
    assert made.refused_list.exists()
    here.world.database.close()
    here.file.unlink()
    assert backup.restore(here.world.settings, here.target, replace=False).destroyed == 0
    assert opens(here.restored(), here.ring(), case_id)
    with here.restored().read() as session:
        assert session.get(CaseFile, gone) is None


def test_a_line_that_somebody_took_out_is_missed(here: Here) -> None:
    gone = here.world.new_case().case_id
    backup.back_up(here.world.settings, here.target)
    here.destroy(gone)
    backup.back_up(here.world.settings, here.folder / "tuesday")
    path = here.folder / "destroyed.list"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if gone not in line))
    with pytest.raises(BackupError, match="missing"):
        backup.restore(here.world.settings, here.target, replace=True)


def test_a_list_of_an_earlier_version_counts_where_the_database_knows_the_same_or_somebody_says_so(here: Here) -> None:
    gone, kept = here.world.new_case().case_id, here.world.new_case().case_id
    backup.back_up(here.world.settings, here.target)
    here.destroy(gone)
    path = here.folder / "destroyed.list"
    path.write_text(f"{gone} {DESK}\n")
    assert backup.back_up(here.world.settings, here.folder / "tuesday").refused_list is None
    path.write_text(f"{gone} {DESK}\n")
    here.world.database.close()
    here.file.unlink()
    with pytest.raises(BackupError, match="--trust-list"):
        backup.restore(here.world.settings, here.target, replace=False)
    assert backup.restore(here.world.settings, here.target, replace=False, trust_list=True).destroyed == 1
    assert not opens(here.restored(), here.ring(), gone)
    assert opens(here.restored(), here.ring(), kept)


def test_a_restore_without_a_list_warns_that_destroyed_cases_live_again(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.settings.load", lambda _: here.world.settings)
    here.world.new_case()
    backup.back_up(here.world.settings, here.target)
    listed = (here.folder / "destroyed.list").read_bytes()
    backup.back_up(here.world.settings, here.folder / "tuesday")
    here.world.database.close()
    command = ["restore", "-c", str(tmp_path / "none.toml")]

    def restored(name: str) -> str:
        here.file.unlink()
        return CliRunner().invoke(main, [*command, str(here.folder / name)]).output

    assert "WARNING" not in restored("tuesday")
    (here.folder / "destroyed.list").write_bytes(listed)
    assert "older than this backup" in restored("tuesday")
    (here.folder / "destroyed.list").unlink()
    assert "There is no list of what was destroyed" in restored("monday")


def test_after_a_restore_nothing_goes_out_by_itself_and_what_waited_waits_for_a_word(here: Here) -> None:
    world, case_id = here.world, here.world.new_case().case_id
    waiting = world.hold_receipt(case_id)
    with world.database.begin() as session:
        outbox.release(session, DESK, [waiting])
    backup.back_up(world.settings, here.target)
    world.database.close()
    assert backup.restore(world.settings, here.target, replace=True).uncertain == 1
    with world.database.read() as session:
        assert session.get_one(Desk, DESK).outbox_paused_at is not None
        assert session.get_one(Outbox, waiting).state == OutboxState.HELD
        told = session.scalars(select(Audit.action).where(Audit.subject_id == waiting)).all()
    assert Action.MAIL_UNCERTAIN in told
    assert sending.claim(world.database, 600) is None
    visitor = coordinator(world)
    assert "Er gaat geen mail uit" in visitor.get("/receipts/").text
    visitor.post("/receipts/", {"mail": waiting})
    assert sending.claim(world.database, 600) is None
    visitor.post("/receipts/resume")
    assert "Er gaat geen mail uit" not in visitor.get("/receipts/").text
    claimed = sending.claim(world.database, 600)
    assert claimed is not None
    assert claimed.outbox_id == waiting


def test_the_trail_tells_that_a_backup_was_put_back_when_and_of_which_moment(here: Here) -> None:
    here.world.new_case()
    manifest = backup.back_up(here.world.settings, here.target).manifest
    lost = here.world.new_case()
    here.world.database.close()
    before = datetime.now(UTC)
    backup.restore(here.world.settings, here.target, replace=True)
    with here.restored().read() as session:
        rows = session.scalars(select(Audit).where(Audit.desk == DESK).order_by(Audit.id)).all()
        assert verify(session, DESK, None).is_sound
    assert lost.case_id not in {row.case_id for row in rows}
    of_then, restored = rows[-2:]
    assert (of_then.action, restored.action) == (Action.BACKUP_OF_THEN, Action.RESTORED)
    assert of_then.at == datetime.fromisoformat(manifest.made_at)
    assert before <= restored.at <= datetime.now(UTC)
    shown = coordinator(here.world).get("/trail/?action=restored").text
    assert "een back-up is teruggezet" in shown.split("<tbody>")[1]


def test_the_trail_tells_of_each_backup_and_the_backup_itself_too(here: Here) -> None:
    backup.back_up(here.world.settings, here.target)
    with here.world.database.read() as session:
        assert Action.BACKED_UP in session.scalars(select(Audit.action).where(Audit.desk == DESK)).all()
        assert verify(session, DESK, None).is_sound
    held = SqliteCopies(here.file).rows(here.folder / "monday.content", "audit")
    assert Action.BACKED_UP in [row["action"] for row in held]
    shown = coordinator(here.world).get("/trail/?action=backed_up").text
    assert "er is een back-up begonnen" in shown.split("<tbody>")[1]


def test_key_files_go_when_their_time_is_over_and_content_stays(here: Here) -> None:
    """Also one that was made at a later hour of that day: what was destroyed then is gone for good by tonight."""
    now = datetime.now(UTC)
    last = (now - timedelta(days=30)).replace(hour=23, minute=59)
    backups.make(SqliteCopies(here.file), here.folder / "old", {DESK: here.world.index}, last)
    backups.make(SqliteCopies(here.file), here.folder / "young", {DESK: here.world.index}, now - timedelta(days=29))
    (here.folder / "letter.keys").write_text("of somebody else")
    made = backup.back_up(here.world.settings, here.target)
    assert [path.name for path in made.expired] == ["old.keys"]
    left = {path.name for path in here.folder.glob("*.keys")}
    assert left == {"young.keys", "monday.keys", "letter.keys"}
    assert (here.folder / "old.content").exists()
    with pytest.raises(BackupError, match="its time was over"):
        backup.check(here.world.settings, here.folder / "old")


@pytest.mark.parametrize("part", ["content", "keys", "manifest"])
def test_a_backup_that_was_changed_is_refused(here: Here, part: str) -> None:
    backup.back_up(here.world.settings, here.target)
    path = here.folder / f"monday.{part}"
    if part == "manifest":
        told = json.loads(path.read_text())
        path.write_text(json.dumps({**told, "cases": told["cases"] + 1}))
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BackupError, match="changed"):
        backup.check(here.world.settings, here.target)
    before = here.file.read_bytes()
    with pytest.raises(BackupError):
        backup.restore(here.world.settings, here.target, replace=True)
    assert here.file.read_bytes() == before


SPOILED = {
    "records that are garbage": "UPDATE record SET frame = randomblob(length(frame)) WHERE frame IS NOT NULL",
    "pieces that are garbage": "UPDATE record_piece SET frame = randomblob(length(frame))",
    "records with a digest of their own": "UPDATE record SET sha256 = randomblob(32)",
    "key records that are garbage": "UPDATE sealed_seed SET frame = randomblob(length(frame))",
    "no key records": "DELETE FROM sealed_seed",
    "members without a seed": "UPDATE member SET wrapped_seed = x''",
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_check_finds_what_was_spoiled_before_the_backup_was_made(here: Here, spoiled: str) -> None:
    here.world.new_case(files=[("a.bin", os.urandom(2_000_000))])
    backup.back_up(here.world.settings, here.target)
    checked = backup.check(here.world.settings, here.target)
    assert (checked.opened, checked.proven.unnamed, checked.proven.keys) == (None, 0, 3)
    assert checked.proven.records > 5
    with sqlite3.connect(here.file) as connection:
        assert connection.execute(SPOILED[spoiled]).rowcount
    connection.close()
    backup.back_up(here.world.settings, here.folder / "spoiled")
    with pytest.raises(BackupError, match="does not open as it should"):
        backup.check(here.world.settings, here.folder / "spoiled")


BROKEN = {
    "no object": lambda told: [],
    "a time that is none": lambda told: {**told, "made_at": "gisteren"},
    "a time of no zone": lambda told: {**told, "made_at": "2027-01-01T00:00:00"},
    "proofs that are null": lambda told: {**told, "proofs": None},
    "proofs that are a list": lambda told: {**told, "proofs": []},
    "proofs that are numbers": lambda told: {**told, "proofs": {DESK: 5}},
    "proofs beyond ASCII": lambda told: {**told, "proofs": {DESK: "é"}},
    "pins that are none": lambda told: {**told, "pins": {DESK: [1]}},
    "a count that is text": lambda told: {**told, "cases": "1"},
    "a part that is none": lambda told: {**told, "keys": 5},
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_manifest_that_is_none_is_refused_and_the_time_of_others_is_over_all_the_same(
    here: Here, broken: str
) -> None:
    now = datetime.now(UTC)
    backups.make(SqliteCopies(here.file), here.target, {DESK: here.world.index}, now)
    backups.make(SqliteCopies(here.file), here.folder / "old", {DESK: here.world.index}, now - timedelta(days=31))
    manifest = here.folder / "monday.manifest"
    manifest.write_text(json.dumps(BROKEN[broken](json.loads(manifest.read_text()))))
    with pytest.raises(BackupError, match="no manifest"):
        backup.check(here.world.settings, here.target)
    made = backup.back_up(here.world.settings, here.folder / "tuesday")
    assert [path.name for path in made.expired] == ["old.keys"]
    assert [str(manifest) in each for each in made.unread] == [True]


def test_a_backup_or_a_database_that_is_there_is_not_written_over(here: Here) -> None:
    backup.back_up(here.world.settings, here.target)
    with pytest.raises(BackupError, match="there already"):
        backup.back_up(here.world.settings, here.target)
    with pytest.raises(BackupError, match="--replace"):
        backup.restore(here.world.settings, here.target, replace=False)


def test_a_folder_that_is_not_there_is_refused_and_not_made(here: Here) -> None:
    """It may be a disk that is not mounted, or a slip of the pen: then the backup lies where nobody looks for it."""
    here.world.new_case()
    with pytest.raises(BackupError, match=r"folder .+/not-mounted is not there.+make it, or mount"):
        backup.back_up(here.world.settings, here.folder / "not-mounted" / "monday")
    assert list(here.folder.iterdir()) == []
    with here.world.database.read() as session:
        assert Action.BACKED_UP not in session.scalars(select(Audit.action)).all()


def test_a_full_disk_gives_a_clear_error_and_leaves_no_half_file(here: Here, tmp_path: Path) -> None:
    here.world.new_case(files=[("a.bin", os.urandom(3_000_000))])
    with small_disk(tmp_path / "small", 2) as folder:
        with pytest.raises(BackupError, match="disk is full"):
            backup.back_up(here.world.settings, folder / "monday")
        assert list(folder.iterdir()) == []


_BACK_UP = """
import os, sys
os.setpgrp()
from datetime import UTC, datetime
from pathlib import Path
from store import backups
from store.lookups import IndexKey
from store.sqlite_copies import SqliteCopies
from store.verification import verify
index = {sys.argv[3]: IndexKey(bytes.fromhex(sys.argv[4]))}
backups.make(SqliteCopies(Path(sys.argv[1])), Path(sys.argv[2]), index, datetime.now(UTC))
"""


def test_a_backup_that_is_killed_is_none(here: Here) -> None:
    environment = {**os.environ, "MELDPOST_FAULT": "before-backup-file=kill"}
    arguments = [here.file, here.target, DESK, here.world.index.secret.hex()]
    ended = subprocess.run([sys.executable, "-c", _BACK_UP, *map(str, arguments)], env=environment, check=False)
    assert ended.returncode == -9
    with pytest.raises(BackupError, match="Without it there is no backup"):
        backup.check(here.world.settings, here.target)
    about = here.world.settings.backup.model_copy(update={"folder": here.folder})
    settings = here.world.settings.model_copy(update={"backup": about})
    (work,) = here.folder.glob(".backup-*")
    assert (work / "keys").exists()
    (finding,) = left_over(settings)
    assert str(work) in finding.text
    backup.back_up(settings, here.target)
    assert not work.exists()
    assert list(left_over(settings)) == []


def test_a_backup_that_is_at_work_is_not_taken_for_left_over(here: Here) -> None:
    with leftovers.workplace(here.folder) as work:
        assert leftovers.left_in(here.folder) == []
        assert leftovers.sweep(here.folder) == []
        assert work.exists()


def test_a_key_file_without_a_manifest_goes_in_its_time_and_the_doctor_names_it(here: Here) -> None:
    about = here.world.settings.backup.model_copy(update={"folder": here.folder})
    settings = here.world.settings.model_copy(update={"backup": about})
    backup.back_up(settings, here.target)
    (here.folder / "monday.manifest").unlink()
    keys = here.folder / "monday.keys"
    (finding,) = left_over(settings)
    assert str(keys) in finding.text
    assert backup.back_up(settings, here.folder / "tuesday").expired == ()
    long_ago = (datetime.now(UTC) - timedelta(days=31)).timestamp()
    os.utime(keys, (long_ago, long_ago))
    assert backup.back_up(settings, here.folder / "wednesday").expired == (keys,)
    assert list(left_over(settings)) == []


def test_what_a_restore_that_was_killed_left_is_named_and_goes_with_the_next(here: Here) -> None:
    backup.back_up(here.world.settings, here.target)
    here.world.database.close()
    SqliteCopies(here.file).put_together(*backups.files_of(here.target))  # and there it was killed
    (finding,) = left_over(here.world.settings)
    assert ".restored" in finding.text
    backup.restore(here.world.settings, here.target, replace=True)
    assert list(left_over(here.world.settings)) == []


def test_the_commands_say_what_they_did(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "meldpost.toml"
    monkeypatch.setattr("config.settings.load", lambda _: here.world.settings)
    here.world.new_case()
    runner = CliRunner()
    done = runner.invoke(main, ["backup", "-c", str(config), str(here.target)])
    assert (done.exit_code, "1 case" in done.output) == (0, True)
    done = runner.invoke(main, ["restore", "--check", "-c", str(config), str(here.target)])
    assert (done.exit_code, "as the trail has them" in done.output) == (0, True)
    done = runner.invoke(main, ["restore", "-c", str(config), str(here.target)])
    assert (done.exit_code, "--replace" in done.output) == (1, True)
    here.world.database.close()
    done = runner.invoke(main, ["restore", "--replace", "-c", str(config), str(here.target)])
    assert done.exit_code == 0, done.output
    assert "No mail goes out until a member says so" in done.output


def test_who_read_a_mailbox_or_did_what_was_due_when_the_backup_was_made_holds_neither_after_a_restore(
    here: Here,
) -> None:
    """They are not there any more, and their leases would be waited for. Claims of mailboxes are in no backup."""
    world, far = here.world, datetime.now(UTC) + timedelta(days=365)
    case_id = world.new_case().case_id
    with world.database.begin() as session:
        session.execute(update(Due).where(Due.case_id == case_id).values(claim="of-then", lease_until=far))
        session.add(MailboxClaim(account="box", holder="of-then", lease_until=far))
    backup.back_up(world.settings, here.target)
    world.database.close()
    backup.restore(world.settings, here.target, replace=True)
    with here.restored().read() as session:
        held = [*session.scalars(select(Due.claim)), *session.scalars(select(Due.lease_until))]
    assert set(held) == {None}
    assert ledger.claim_mailbox(here.restored(), "box", "of-now", 60)


@pytest.mark.parametrize("manifest", [True, False])
def test_a_key_file_whose_time_is_over_is_emptied_where_it_lies(here: Here, manifest: bool) -> None:
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=31)
    backups.make(SqliteCopies(here.file), here.target, {DESK: here.world.index}, long_ago)
    keys, other_name = here.folder / "monday.keys", here.folder / "as-a-thief-sees-the-disk"
    os.link(keys, other_name)
    if not manifest:
        (here.folder / "monday.manifest").unlink()
        os.utime(keys, (long_ago.timestamp(),) * 2)
    assert backups.expire(here.folder, 30, now).removed == (keys,)
    assert set(other_name.read_bytes()) == {0}


def test_keys_of_another_backup_are_not_put_together_with_content(here: Here) -> None:
    """Whatever somebody makes of the manifest."""
    backup.back_up(here.world.settings, here.target)
    here.world.new_case()
    backup.back_up(here.world.settings, here.folder / "tuesday")
    content, keys = here.folder / "monday.content", here.folder / "tuesday.keys"
    with pytest.raises(BackupError, match="do not fit together"):
        SqliteCopies(here.file).put_together(content, keys)
    assert SqliteCopies(here.file).half_restored() == []
