"""Checkpoints are made, reach the outside, and `meldpost audit verify` says what was done to the trail."""

from __future__ import annotations

import base64
import email
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, select, update

from config.settings import Settings, load
from meldpost.audit_command import _told, said
from meldpost.cli import main
from meldpost.doctor import examine
from meldpost.findings import Verdict
from meldpost.init import Made, Plan, initialise
from meldpost.postoffice import HOST, PostOffice
from meldpost.trail import Done, keep
from store import audit
from store.audit import Action
from store.database import Database, open_database
from store.schema import Audit, AuditCheckpoint, Record, SealedSeed
from store.verification import Fault, Wrong
from store.verification import verify as verified
from tests.meldpost.plans import DESK, plan_in

SLUG = "desk-a"
OUTSIDE = "notary@outside.example"


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice(imap_port=0, smtp_port=0) as office:
        office.open_mailbox(OUTSIDE)
        yield office


@pytest.fixture
def plan(tmp_path: Path, post: PostOffice) -> Plan:
    desk = {**DESK, "checkpoint_file": "outside.jsonl", "checkpoint_mail": OUTSIDE}
    smtp = {"host": HOST, "port": post.smtp_port, "security": "plain"}
    return plan_in(tmp_path, desks={SLUG: desk}, smtp=smtp)


@pytest.fixture
def settings(made: Made) -> Settings:
    return load(made.config)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.database.url)
    yield opened
    opened.close()


def write(database: Database, count: int = 1) -> None:
    with database.begin() as session:
        for _ in range(count):
            audit.write(session, SLUG, Action.LOOK, datetime.now(UTC))


def kept(settings: Settings, database: Database) -> Done:
    return keep(settings, settings.secrets(), database)


def file_of(settings: Settings) -> Path:
    path = settings.desks[SLUG].checkpoint_file
    assert path is not None
    return path


def verify(made: Made, *more: str) -> Result:
    return CliRunner().invoke(main, ["audit", "verify", "--config", str(made.config), *more])


def test_init_makes_the_key_and_pins_its_public_half(made: Made, settings: Settings) -> None:
    assert (made.secrets_dir / f"trail-seed-{SLUG}").stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(settings.desks[SLUG].trail_key)) == 32


def test_a_checkpoint_is_made_only_where_something_was_written(settings: Settings, database: Database) -> None:
    assert kept(settings, database) == Done(1)
    assert kept(settings, database) == Done(0)
    write(database)
    assert kept(settings, database) == Done(1)


def test_each_is_a_line_of_the_file_and_the_file_proves_the_trail(
    made: Made, settings: Settings, database: Database
) -> None:
    for _ in range(3):
        write(database)
        kept(settings, database)
    file = file_of(settings)
    assert len(file.read_bytes().splitlines()) == 3
    assert file.stat().st_mode & 0o777 == 0o600
    found = verify(made, "--checkpoints", str(file))
    assert (found.exit_code, "Nothing is wrong" in found.output) == (0, True)


def test_a_file_that_was_away_is_brought_up_to_date(settings: Settings, database: Database) -> None:
    kept(settings, database)
    file = file_of(settings)
    first = file.read_bytes()
    file.unlink()
    file.mkdir()  # nothing can be written there
    write(database)
    assert not kept(settings, database).well
    file.rmdir()
    file.write_bytes(first)
    assert kept(settings, database) == Done(0)
    assert len(file.read_bytes().splitlines()) == 2


@pytest.mark.parametrize("left", [1, 100])
def test_a_line_of_which_a_part_was_written_is_made_whole(settings: Settings, database: Database, left: int) -> None:
    kept(settings, database)
    write(database)
    kept(settings, database)
    file = file_of(settings)
    whole = file.read_bytes()
    file.write_bytes(whole[: whole.index(b"\n") + 1 + left])
    kept(settings, database)
    assert file.read_bytes() == whole


def test_a_file_is_only_ever_appended_to(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    opening = os.open

    def look(path: str, flags: int, *more: int) -> int:
        if Path(path) == file_of(settings):
            opened.append(flags)
        return opening(path, flags, *more)

    monkeypatch.setattr(os, "open", look)
    kept(settings, database)
    assert opened
    assert all(flags & os.O_APPEND and not flags & os.O_TRUNC for flags in opened)


def test_a_database_that_lacks_what_the_file_has_raises_an_alarm(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    kept(settings, database)
    write(database)
    kept(settings, database)
    with database.begin() as session:
        session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.number == 2))
        session.execute(delete(Audit).where(Audit.action == Action.LOOK))
    assert not kept(settings, database).well
    assert "ALARM" in caplog.text


def test_desks_may_share_a_file(plan: Plan, made: Made, database: Database) -> None:
    from meldpost.init import FirstMember, add_desk

    other = {**DESK, "address": "b@demo.example", "checkpoint_file": "outside.jsonl"}
    member = FirstMember("b", "b@demo.example", plan.member.passphrase)
    add_desk(replace(plan, desk="desk-b", settings={"desks": {"desk-b": other}}, passwords={}, member=member))
    settings = load(made.config)
    for _ in range(2):
        write(database)
        kept(settings, database)
    lines = file_of(settings).read_bytes().splitlines()
    assert [line.startswith(b'{"desk":"desk-a"') for line in lines] == [True, False, True]
    for desk in ("desk-a", "desk-b"):
        assert verify(made, "--desk", desk, "--checkpoints", str(file_of(settings))).exit_code == 0


def test_two_daemons_at_once_make_each_checkpoint_once(settings: Settings, database: Database) -> None:
    quiet = settings.model_copy(
        update={"desks": {SLUG: settings.desks[SLUG].model_copy(update={"checkpoint_mail": None})}}
    )
    others = [open_database(settings.database.url) for _ in range(2)]
    for _ in range(5):
        write(database)
        threads = [threading.Thread(target=kept, args=(quiet, other)) for other in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for other in others:
        other.close()
    assert len(file_of(settings).read_bytes().splitlines()) == 5


def test_checkpoints_are_mailed_as_a_file_that_proves_the_trail(
    made: Made, settings: Settings, database: Database, post: PostOffice, tmp_path: Path
) -> None:
    kept(settings, database)
    (raw,) = post.mails_of(OUTSIDE)
    mail = email.message_from_bytes(raw)
    assert (mail["Subject"], mail["Auto-Submitted"], mail["To"]) == ("Checkpoint 1", "auto-generated", OUTSIDE)
    copy = tmp_path / "mailed"
    copy.write_bytes(mail.get_payload(decode=True))  # type: ignore[arg-type]
    assert copy.read_bytes() == file_of(settings).read_bytes()
    assert verify(made, "--checkpoints", str(copy)).exit_code == 0


@pytest.mark.parametrize("between", [b"", b"\r\n", b"From outside@archive.example Tue Dec  1 12:00:00 2026\r\n"])
def test_mails_as_they_came_one_after_the_other_prove_the_trail(
    made: Made, settings: Settings, database: Database, post: PostOffice, tmp_path: Path, between: bytes
) -> None:
    kept(settings, database)
    mails = [*post.mails_of(OUTSIDE), *post.mails_of(OUTSIDE)]
    copy = tmp_path / "mailed"
    copy.write_bytes(between.join([b"", *mails]))
    found = verify(made, "--checkpoints", str(copy))
    assert (found.exit_code, "Nothing is wrong" in found.output) == (0, True)
    copy.write_bytes(b"Subject: holiday\r\n\r\nnothing of it\r\n")
    assert verify(made, "--checkpoints", str(copy)).exit_code == 1


def test_a_mail_leaves_no_row_and_the_next_one_waits_for_its_time(
    settings: Settings, database: Database, post: PostOffice
) -> None:
    kept(settings, database)
    assert kept(settings, database) == Done(0)  # nothing was written by sending it
    write(database)
    kept(settings, database)
    assert len(post.mails_of(OUTSIDE)) == 1
    with database.begin() as session:
        session.execute(update(AuditCheckpoint).values(mailed_at=None))
    kept(settings, database)
    assert "Checkpoint 1-2" in {email.message_from_bytes(raw)["Subject"] for raw in post.mails_of(OUTSIDE)}


def test_checkpoints_that_could_not_be_mailed_go_with_the_next(
    settings: Settings, database: Database, post: PostOffice
) -> None:
    nobody = settings.smtp.model_copy(update={"port": 1})
    assert not kept(settings.model_copy(update={"smtp": nobody}), database).well
    assert kept(settings, database).well
    assert len(post.mails_of(OUTSIDE)) == 1


def test_verify_names_what_was_done_and_ends_with_status_1(made: Made, settings: Settings, database: Database) -> None:
    write(database, 3)
    kept(settings, database)
    with database.begin() as session:
        changed = session.query(Audit).order_by(Audit.id.desc()).first()
        assert changed
        changed.member_id = "f" * 32
    found = verify(made)
    assert found.exit_code == 1
    assert f"row {changed.id} of " in found.output
    assert f"chain {changed.chain_id}, number {changed.number}) was changed" in found.output


def test_verify_finds_a_tail_that_was_cut_off_with_its_checkpoints_by_the_file(
    made: Made, settings: Settings, database: Database
) -> None:
    kept(settings, database)
    write(database, 2)
    kept(settings, database)
    with database.begin() as session:
        session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.number == 2))
        session.execute(delete(Audit).where(Audit.action == Action.LOOK))
    assert verify(made).exit_code == 0  # nothing in the database tells
    found = verify(made, "--checkpoints", str(file_of(settings)))
    assert found.exit_code == 1
    assert "2 rows of chain" in found.output
    assert "Checkpoint 2 was removed" in found.output


def _set_back(database: Database, settings: Settings) -> None:
    """Two checkpoints, of which the second goes with its rows, as where a backup of before it is put back."""
    kept(settings, database)
    write(database, 3)
    kept(settings, database)
    with database.begin() as session:
        session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.number == 2))
        session.execute(delete(Audit).where(Audit.action == Action.LOOK))


def _write_as_a_restore(settings: Settings, then: datetime) -> None:
    """By a process of its own."""
    database = open_database(settings.database.url)
    with database.begin() as session:
        audit.write(session, SLUG, Action.MAIL_UNCERTAIN, datetime.now(UTC))
        audit.write(session, SLUG, Action.BACKUP_OF_THEN, then)
        audit.write(session, SLUG, Action.RESTORED, datetime.now(UTC))
    database.close()


def test_verify_calls_no_row_of_a_restore_inserted_names_what_is_missing_and_tells_of_the_restore(
    made: Made, settings: Settings, database: Database
) -> None:
    """Anybody who writes to the database can write the same rows: so they excuse nothing."""
    kept(settings, database)
    backup, command = made.config.parent / "monday", ["--config", str(made.config)]
    assert CliRunner().invoke(main, ["backup", *command, str(backup)]).exit_code == 0
    begun = datetime.fromisoformat(json.loads(backup.with_suffix(".manifest").read_bytes())["made_at"])
    write(database, 3)
    kept(settings, database)
    database.close()
    assert CliRunner().invoke(main, ["restore", *command, "--replace", str(backup)]).exit_code == 0
    found = verify(made, "--checkpoints", str(file_of(settings)))
    assert found.exit_code == 1
    assert "was inserted" not in found.output
    wrong = [line for line in found.output.splitlines() if "WRONG  " in line]
    assert "3 rows of chain" in wrong[0]  # before the restore's own
    assert "Checkpoint 2 was removed" in wrong[1]
    assert len(wrong) == 2
    assert f"The trail tells of a restore: on {datetime.now(UTC):%Y-%m-%d} " in found.output
    assert f"a backup of {begun:%Y-%m-%d %H:%M:%S} UTC was put back" in found.output
    assert "It would explain checkpoint 2" in found.output


@pytest.mark.parametrize("hours", [1, None])
def test_verify_explains_nothing_by_a_restore_that_the_trail_does_not_tell_of_or_of_another_time(
    made: Made, settings: Settings, database: Database, hours: int | None
) -> None:
    _set_back(database, settings)
    if hours is None:
        later = open_database(settings.database.url)
        write(later)
        later.close()
    else:
        _write_as_a_restore(settings, datetime.now(UTC) + timedelta(hours=hours))
    found = verify(made, "--checkpoints", str(file_of(settings)))
    assert found.exit_code == 1
    assert "Checkpoint 2 was removed" in found.output
    assert "was inserted" in found.output
    assert "would explain" not in found.output
    assert ("It explains nothing of what is wrong" in found.output) is (hours is not None)


def test_a_forged_restore_hides_no_row_that_was_inserted_among_those_that_a_checkpoint_covers(
    made: Made, settings: Settings, database: Database
) -> None:
    write(database, 2)
    kept(settings, database)
    write(database)
    kept(settings, database)
    with database.begin() as session:
        gone = session.scalars(select(Audit.id).where(Audit.action == Action.LOOK).order_by(Audit.id)).first()
        session.execute(delete(Audit).where(Audit.id == gone))
    _write_as_a_restore(settings, datetime.now(UTC) - timedelta(hours=1))
    with database.begin() as session:
        session.execute(update(Audit).where(Audit.action == Action.RESTORED).values(id=gone))
    found = verify(made, "--checkpoints", str(file_of(settings)))
    assert found.exit_code == 1
    assert f"row {gone} of " in found.output
    assert "was inserted" in found.output


@pytest.mark.parametrize("count", [1, 2])
def test_verify_says_one_row_was_and_two_rows_were(count: int) -> None:
    row, were = ("1 row", "was") if count == 1 else ("2 rows", "were")
    assert said(Fault(Wrong.REMOVED, 3, "abc", rows=count)) == f"{row} of chain abc {were} removed, from number 3 on."
    old = "before there were chains"
    assert said(Fault(Wrong.REMOVED, 0, rows=count)) == f"{row} from {old} {were} removed."
    assert said(Fault(Wrong.INSERTED, 0, rows=count)) == (
        f"{row} without a hash {were} inserted among those from {old}."
    )


def test_verify_counts_one_of_a_thing_as_one(made: Made, settings: Settings, database: Database) -> None:
    kept(settings, database)
    with database.read() as session:
        found = verified(session, SLUG, None)
    one = replace(found, rows=1, chains=1, checkpoints=1, gone=1)
    lines = list(_told(SLUG, one, with_key=True))
    assert "1 row in 1 chain; 1 checkpoint" in lines[0]
    assert "checkpoints" not in lines[0]
    assert any("1 sealed detail was destroyed with its case; its digest is there." in line for line in lines)


def test_verify_says_which_rows_no_checkpoint_covers(made: Made, settings: Settings, database: Database) -> None:
    kept(settings, database)
    write(database, 2)
    found = verify(made)
    assert found.exit_code == 0
    assert "2 rows, " in found.output
    assert "covered by no checkpoint" in found.output


def test_verify_names_records_and_keys_that_were_overwritten(
    made: Made, settings: Settings, database: Database
) -> None:
    kept(settings, database)
    sound = verify(made)
    assert sound.exit_code == 0
    assert "Each is the one whose digest stands on the trail." in sound.output
    with database.begin() as session:
        record = session.scalars(select(Record).where(Record.kind == "member")).first()
        assert record
        record.frame = os.urandom(record.size)
        seed = session.scalars(select(SealedSeed)).first()
        assert seed
        seed.frame = os.urandom(len(seed.frame))
    found = verify(made)
    assert found.exit_code == 1
    assert f"The record member of {record.subject_id}, version 1, of the desk is not the one that was written" in (
        found.output
    )
    assert f"The key {seed.key_pair_id} sealed to {seed.recipient_key_pair_id} is damaged." in found.output


def test_verify_says_how_far_the_copy_from_outside_reaches(
    made: Made, settings: Settings, database: Database, tmp_path: Path
) -> None:
    assert kept(settings, database) == Done(1)
    found = verify(made, "--checkpoints", str(file_of(settings)))
    assert found.exit_code == 0
    assert "The copy from outside reaches up to checkpoint 1 of " in found.output
    assert "No copy from outside was compared" in verify(made).output


@pytest.mark.parametrize("content", ["", "\n", '{"desk":"another","number":1}\n'], ids=["empty", "blank", "another"])
def test_a_copy_without_a_checkpoint_of_the_desk_proves_nothing(
    made: Made, settings: Settings, database: Database, tmp_path: Path, content: str
) -> None:
    kept(settings, database)
    (copy := tmp_path / "copy.jsonl").write_text(content)
    found = verify(made, "--checkpoints", str(copy))
    assert found.exit_code == 1
    assert "it proves nothing" in found.output


def test_without_the_trail_key_verify_says_that_nothing_outside_covers_the_trail(
    made: Made, settings: Settings, database: Database
) -> None:
    kept(settings, database)
    _without_key(made)
    found = verify(made)
    assert found.exit_code == 0
    assert "Nothing outside covers this trail" in found.output
    assert "Set trail_key" in found.output
    given = verify(made, "--checkpoints", str(file_of(settings)))
    assert given.exit_code == 1
    assert "the copy cannot be checked" in given.output


def test_verify_needs_no_secret(made: Made, settings: Settings, database: Database) -> None:
    kept(settings, database)
    for path in made.secrets_dir.iterdir():
        path.unlink()
    assert verify(made, "--checkpoints", str(file_of(settings))).exit_code == 0


def _without_key(made: Made) -> None:
    (made.secrets_dir / f"trail-seed-{SLUG}").unlink()
    lines = made.config.read_text().splitlines()
    made.config.write_text("\n".join(line for line in lines if not line.startswith("trail_key")) + "\n")


def test_an_installation_of_before_works_without_a_key_and_is_told_how_to_make_one(made: Made) -> None:
    _without_key(made)
    before = load(made.config)
    database = open_database(before.database.url)
    assert kept(before, database) == Done(0)
    told = verify(made)
    assert told.exit_code == 0
    assert "meldpost audit key" in told.output
    advice = {finding.what: finding for finding in examine(made.config)}[f"trail of {SLUG}"]
    assert (advice.verdict, "meldpost audit key" in advice.text) == (Verdict.NOTE, True)
    printed = CliRunner().invoke(main, ["audit", "key", "--config", str(made.config)])
    assert printed.exit_code == 0
    line = printed.stdout.strip().splitlines()[-1]
    assert (
        line == CliRunner().invoke(main, ["audit", "key", "--config", str(made.config)]).stdout.strip().splitlines()[-1]
    )
    text = made.config.read_text().replace(f"[desks.{SLUG}]", f"[desks.{SLUG}]\n{line}", 1)
    made.config.write_text(text)
    assert kept(load(made.config), database) == Done(1)
    database.close()


def test_a_key_that_is_not_the_pinned_one_signs_nothing(
    made: Made, settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    seed = made.secrets_dir / f"trail-seed-{SLUG}"
    seed.write_bytes(base64.b64encode(b"x" * 32))
    assert kept(settings, database) == Done(0, well=False)
    assert f"trail-seed-{SLUG}" in caplog.text
    assert {finding.what: finding for finding in examine(made.config)}[f"trail of {SLUG}"].verdict is Verdict.WRONG


def test_the_doctor_warns_where_no_copy_goes_outside(tmp_path: Path) -> None:
    made = initialise(plan_in(tmp_path))
    found = {finding.what: finding for finding in examine(made.config)}[f"trail of {SLUG}"]
    assert (found.verdict, "checkpoint_file" in found.text) == (Verdict.NOTE, True)


def test_the_doctor_warns_where_nobody_makes_checkpoints(made: Made, database: Database) -> None:
    from store.schema import Desk

    with database.begin() as session:
        session.execute(update(Desk).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    found = {finding.what: finding for finding in examine(made.config)}
    assert found[f"trail of {SLUG}"].verdict is Verdict.FINE
    assert found[f"checkpoints of trail of {SLUG}"].verdict is Verdict.NOTE
