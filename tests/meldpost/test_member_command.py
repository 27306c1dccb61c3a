"""`meldpost member`: who belongs to a desk is changed at the command line by who may."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from cases.roles import Role
from config.settings import load
from meldpost import hygiene
from meldpost.at_desk import at_desk
from meldpost.cli import main
from meldpost.init import Made
from store.audit import Action
from store.database import open_database
from store.lookups import IndexKey
from store.members import WrongLogin
from store.schema import Audit
from store.sessions import Throttle, note_try
from tests.meldpost import plans

WEAK = "welkom01"
GOOD = "zolder kreeft anijs motor wilg hengel knoop"


@pytest.fixture(autouse=True)
def _dumps_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command forbids the whole process to leave dumps, which other tests look for."""
    monkeypatch.setattr(hygiene, "no_core_dumps", lambda: None)


def member(made: Made, *arguments: str, answers: str = "", login: str = "co", passphrase: str = "") -> Result:
    """Run it as `co`, unless said otherwise; `answers` follow the passphrase."""
    given = ["member", arguments[0], "-c", str(made.config), "--login", login, *arguments[1:]]
    typed = f"{passphrase or plans.PASSPHRASE}\n{answers}"
    return CliRunner().invoke(main, given, input=io.BytesIO(typed.encode()))


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def role_of(made: Made, login: str, passphrase: str) -> Role:
    with at_desk(load(made.config), "desk-a", login, passphrase) as here:
        return here.ring.role


def test_a_member_is_added_with_the_seven_words_that_are_offered_for_them(made: Made) -> None:
    output = said(member(made, "add", "bram", "--address", "bram@demo.example", "--role", "deputy", answers="\n"))
    offered = output.split("of seven words:\n\n")[1].strip().splitlines()[0].strip()
    assert len(offered.split()) == 7
    assert f"Give bram this passphrase, and keep it nowhere else: {offered}" in output
    assert role_of(made, "bram", offered) is Role.DEPUTY
    listing = said(member(made, "list"))
    assert [line.split()[:2] for line in listing.splitlines()[-2:]] == [["bram", "deputy"], ["co", "coordinator"]]


def test_a_weak_passphrase_is_refused_and_the_typed_one_is_not_shown(made: Made) -> None:
    output = said(
        member(
            *(made, "add", "chris", "--address", "chris@demo.example", "--role", "auditor"),
            answers=f"{WEAK}\n{GOOD}\n{GOOD}\n",
        )
    )
    assert "Not taken: this passphrase is too easy to guess" in output
    assert GOOD not in output
    assert role_of(made, "chris", GOOD) is Role.AUDITOR


def test_no_passphrase_is_offered_for_who_cannot_be_added(made: Made) -> None:
    done = member(made, "add", "bram", "--address", "geen adres", "--role", "auditor", answers="\n")
    assert (done.exit_code, "of seven words" in done.output) == (1, False), done.output


def test_a_member_leaves_and_comes_back(made: Made, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(GOOD)
    add = ["add", "bram", "--address", "bram@demo.example", "--role", "deputy", "--passphrase-file", str(words)]
    said(member(made, *add))
    left = said(member(made, "leave", "Bram"))
    assert "Make it anew now: meldpost rotate" in left
    assert "meldpost rotate" in said(member(made, "list"))
    with pytest.raises(WrongLogin):
        role_of(made, "bram", GOOD)
    said(member(made, "return", "bram", "--role", "investigator", "--passphrase-file", str(words)))
    assert role_of(made, "bram", GOOD) is Role.INVESTIGATOR
    said(member(made, "role", "bram", "secretary_general"))
    assert role_of(made, "bram", GOOD) is Role.SECRETARY_GENERAL
    refused = member(made, "list", login="bram", passphrase=GOOD)
    assert (refused.exit_code, "Your role at this desk does not let you do this" in refused.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["leave", "co"], "Nobody else holds the desk's key"),
        (["role", "co", "auditor"], "Nobody else holds the desk's key"),
        (["leave", "niemand"], "This desk has no member of that name"),
        (["return", "co", "--role", "deputy", "--passphrase-file", "-"], "has no such member who left"),
        (["add", "co", "--address", "x@demo.example", "--role", "auditor"], "This log-in name is taken"),
        (["add", "bram", "--address", "geen adres", "--role", "auditor"], "address"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(made: Made, arguments: list[str], why: str) -> None:
    done = member(made, *arguments, answers=f"{GOOD}\n{GOOD}\n")
    assert (done.exit_code, why in done.output) == (1, True), done.output
    with at_desk(load(made.config), "desk-a", "co", plans.PASSPHRASE) as here, here.database.read() as session:
        changes = [Action.MEMBER_LEFT, Action.MEMBER_RETURNED, Action.MEMBER_ROLE, Action.MEMBER_ADDED]
        assert len(session.scalars(select(Audit).where(Audit.action.in_(changes))).all()) == 1


def test_ones_own_passphrase_is_changed_by_the_old_one(made: Made) -> None:
    said(member(made, "passphrase", answers=f"{GOOD}\n{GOOD}\n"))
    assert role_of(made, "co", GOOD) is Role.COORDINATOR
    again = member(made, "list")
    assert (again.exit_code, "passphrase is wrong" in again.output) == (1, True)


def test_nothing_is_done_for_who_does_not_know_their_passphrase(made: Made) -> None:
    done = member(made, "leave", "co", passphrase="iets anders")
    assert (done.exit_code, "passphrase is wrong" in done.output) == (1, True)


def test_where_the_desk_asks_for_two_a_member_is_added_when_another_agreed(made: Made, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(GOOD)
    said(
        member(made, "add", "bram", "--address", "b@demo.example", "--role", "deputy", "--passphrase-file", str(words))
    )
    text = made.config.read_text()
    made.config.write_text(text.replace("# two_members = []", 'two_members = ["add_member"]'))
    add = ["add", "chris", "--address", "c@demo.example", "--role", "auditor", "--passphrase-file", str(words)]
    first = member(made, *add)
    assert (first.exit_code, "This takes the consent of another member" in first.output) == (1, True), first.output

    def consent(*arguments: str, login: str, passphrase: str) -> Result:
        given = ["consent", arguments[0], "-c", str(made.config), "--login", login, *arguments[1:]]
        return CliRunner().invoke(main, given, input=io.BytesIO(f"{passphrase}\n".encode()))

    listing = said(consent("list", login="bram", passphrase=GOOD)).splitlines()[-1]
    assert "add_member: chris, c@demo.example, auditor; asked by co" in listing
    number = listing.split()[0]
    own = consent("give", number, login="co", passphrase=plans.PASSPHRASE)
    assert (own.exit_code, "another member has to agree" in own.output) == (1, True)
    said(consent("give", number, login="bram", passphrase=GOOD))
    said(member(made, *add))
    assert role_of(made, "chris", GOOD) is Role.AUDITOR


def test_a_log_in_at_the_command_line_stands_on_the_trail(made: Made) -> None:
    said(member(made, "list"))
    db = open_database(load(made.config).database.url)
    with db.read() as session:
        found = session.scalars(select(Audit).where(Audit.action == Action.LOGIN)).all()
        assert [each.member_id is not None for each in found] == [True]
    db.close()


def test_wrong_passphrases_at_the_command_line_are_slowed_down(made: Made) -> None:
    settings = load(made.config)
    name = IndexKey(settings.secrets().key("index-key-desk-a")).login("name co")
    db = open_database(settings.database.url)
    with db.begin() as session:
        for _ in range(Throttle().free + 4):
            note_try(session, [name], datetime.now(UTC))
    db.close()
    right = member(made, "list")
    assert right.exit_code == 1
    assert "Too many log-ins of this name went wrong" in right.output
