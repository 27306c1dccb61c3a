"""What `meldpost retention` and the doctor say of cases that go, and of those that went."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from cases.lifecycle import Status
from cases.terms import DueKind
from config.retention import RetentionRow
from config.settings import DatabaseSettings, Settings
from meldpost.cli import main
from meldpost.findings import Finding, Verdict
from meldpost.retention_examined import retention
from store import destruction, dues, ledger
from store import retention as retaining
from store.database_rights import Process
from store.ledger import MailPlace
from store.schema import CaseFile, Destruction
from tests.databases import PostgresDatabases, PostgresTemplates
from tests.desk.world import DESK, Prepared, World, make_world, prepare

TABLE = (RetentionRow(term="2 months", ground="Archiefwet 1995", selection="12.3"),)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def world(prepared: Prepared, tmp_path: Path) -> Iterator[World]:
    made = make_world(prepared, tmp_path / "desk")
    made.clock.now = datetime.now(UTC)
    made.settings = _settings(made, DatabaseSettings(url=f"sqlite:///{tmp_path / 'desk' / 'desk.db'}"))
    yield made
    made.close()


def test_what_is_to_go_is_told_with_its_day_and_what_keeps_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told, held = (_ended(world, timedelta(days=days)) for days in (10, 20))
    _notice_went_out(world, told)
    with world.database.begin() as session:
        retaining.hold(session, world.ring, world.index, held, "Er loopt een rechtszaak.", world.clock.now)
    lines = _said(world, monkeypatch)
    assert lines[1].strip() == "To be destroyed: 2; ended, and without a day: 0"
    assert lines[2].split() == [_day(world.clock.now + timedelta(days=10)), told]
    assert held in lines[3]
    assert "have not had their notice yet" in lines[3]
    assert "on hold" in lines[3]
    assert "K2345" not in "".join(lines)


def test_each_destroyed_case_has_the_day_on_which_it_is_gone_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = _ended(world, timedelta(days=10))
    _destroy(world, case_id)
    assert "free pages hold rows of it: meldpost retention --sweep" in _said(world, monkeypatch)[3]
    line = _said(world, monkeypatch, "--sweep")[3].split(maxsplit=2)
    assert line == [_day(world.clock.now), case_id, f"gone for good on {_day(world.clock.now + timedelta(days=30))}"]


def test_a_case_whose_mail_lies_in_the_done_folder_is_not_gone_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = world.new_case()
    _end(world, taken.case_id, timedelta(days=10))
    entry = ledger.begin_attempt(world.database, DESK, MailPlace("post", "INBOX", 1, 1))
    with world.database.begin() as session:
        digests = {"raw_digest": b"r" * 32, "stable_digest": b"s" * 32}
        ledger.settle(session, entry.id, case_id=taken.case_id, message_id=taken.message_id, **digests)
        ledger.mark_moved(session, entry.id, MailPlace("post", "Verwerkt", 1, 1))
    _destroy(world, taken.case_id)
    destruction.sweep(world.database)
    assert "1 mail of it in the done folder" in _said(world, monkeypatch)[3]
    _long_ago(world, taken.case_id)
    assert "mails of destroyed cases" in _wrong(world)
    with world.database.begin() as session:
        ledger.mark_expunged(session, [entry.id])
    assert "gone for good on" in _said(world, monkeypatch)[3]
    assert _wrong(world) == ""


def test_without_a_table_the_command_and_the_doctor_say_that_nothing_is_destroyed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_desk = world.settings.desks[DESK].model_copy(update={"retention": ()})
    world.settings = world.settings.model_copy(update={"desks": {DESK: of_desk}})
    assert "Nothing is destroyed" in _said(world, monkeypatch)[1]
    (finding,) = retention(world.settings)
    assert (finding.verdict, "not filled in" in finding.text) == (Verdict.NOTE, True)


def test_the_doctor_is_content_with_what_is_on_its_way(world: World) -> None:
    case_id = _ended(world, timedelta(days=10))
    _ended(world, timedelta(days=20))
    _destroy(world, case_id)
    assert _wrong(world) == ""  # an hour has not passed


def test_the_doctor_tells_of_a_destruction_that_was_begun_and_does_not_end(world: World) -> None:
    case_id = _ended(world, timedelta(days=10))
    with world.database.begin() as session:
        destruction.begin(session, DESK, case_id, world.index, world.clock.now)
    assert _wrong(world) == ""
    _long_ago(world, case_id)
    assert "1 case was begun with and not finished" in _wrong(world)


@pytest.mark.parametrize(("heard", "told"), [(True, "nothing keeps them"), (False, "no member got the notice")])
def test_the_doctor_tells_of_a_case_that_is_overdue(world: World, heard: bool, told: str) -> None:
    case_id = _ended(world, timedelta(hours=-5))
    if heard:
        _notice_went_out(world, case_id)
    assert told in _wrong(world)


def test_the_doctor_tells_of_a_case_that_somebody_marked_destroyed(world: World) -> None:
    case_id = _ended(world, timedelta(days=10))
    with world.database.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == case_id).values(status=Status.DESTROYED))
    assert "somebody wrote to the database" in _wrong(world)


def test_where_the_daemon_may_not_empty_free_pages_the_doctor_says_so_and_the_owner_can(
    prepared: Prepared, postgres_templates: PostgresTemplates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL lets only the owner of a table write it anew."""
    servers = PostgresDatabases(postgres_templates)
    world = make_world(prepared, tmp_path / "desk", servers)
    world.clock.now = datetime.now(UTC)
    url = world.database._engine.url.set(drivername="postgresql").render_as_string()
    daemons = servers.as_process(url, Process.DAEMON)
    world.settings = _settings(world, DatabaseSettings(url=daemons, owner_url=url))
    try:
        case_id = _ended(world, timedelta(days=10))
        _destroy(world, case_id)
        _long_ago(world, case_id)
        from store.database import open_database

        as_daemon = open_database(daemons)
        assert not destruction.sweep(as_daemon)
        as_daemon.close()
        assert "free pages may still hold rows of 1 destroyed case" in _wrong(world)
        assert "not gone for good" in _said(world, monkeypatch)[3]
        assert "gone for good on" in _said(world, monkeypatch, "--sweep")[3]
        assert _wrong(world) == ""
    finally:
        world.close()
        servers.drop()


def _settings(world: World, database: DatabaseSettings) -> Settings:
    of_desk = world.settings.desks[DESK].model_copy(update={"retention": TABLE})
    return world.settings.model_copy(update={"desks": {DESK: of_desk}, "database": database})


def _ended(world: World, left: timedelta) -> str:
    """A case that ended, and has so long until it goes."""
    case_id = world.new_case().case_id
    _end(world, case_id, left)
    return case_id


def _end(world: World, case_id: str, left: timedelta) -> None:
    with world.database.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == case_id).values(status=Status.SET_ASIDE))
        from store import casework

        casework.view_case(session, world.ring, case_id, world.clock.now)
        dues.cancel_dues(session, case_id)
        dues.set_due(session, DESK, case_id, DueKind.DESTROY, world.clock.now + left, asleep=True)


def _notice_went_out(world: World, case_id: str) -> None:
    with world.database.begin() as session:
        dues.wake(session, case_id, DueKind.DESTROY, world.clock.now - timedelta(days=1))


def _destroy(world: World, case_id: str) -> None:
    with world.database.begin() as session:
        destruction.begin(session, DESK, case_id, world.index, world.clock.now)
    destruction.finish_begun(world.database, {DESK: world.index})


def _long_ago(world: World, case_id: str) -> None:
    """Its destruction was begun, and ended if it did, five hours ago."""
    before = world.clock.now - timedelta(hours=5)
    with world.database.begin() as session:
        which = update(Destruction).where(Destruction.case_id == case_id)
        session.execute(which.values(begun_at=before))
        session.execute(which.where(Destruction.ended_at.is_not(None)).values(ended_at=before))


def _said(world: World, monkeypatch: pytest.MonkeyPatch, *options: str) -> list[str]:
    monkeypatch.setattr("config.settings.load", lambda _: world.settings)
    done = CliRunner().invoke(main, ["retention", *options])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def _wrong(world: World) -> str:
    """What the doctor finds wrong."""
    found: list[Finding] = list(retention(world.settings))
    return "\n".join(f"{each.what}: {each.text}" for each in found if each.verdict is Verdict.WRONG)


def _day(moment: datetime) -> str:
    from zoneinfo import ZoneInfo

    return moment.astimezone(ZoneInfo("Europe/Amsterdam")).date().isoformat()
