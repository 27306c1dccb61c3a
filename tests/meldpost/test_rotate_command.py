"""`meldpost rotate` at the command line: the pins that it leaves, and what the doctor says meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, select

from config.settings import load
from meldpost.cli import main
from meldpost.doctor import examine
from meldpost.findings import Finding, Verdict
from meldpost.init import Made
from meldpost.startup import refuse_unless_servable
from store import grants, rotation
from store.database import Database, open_database
from store.grants import Renewing, renew_all
from store.intake import open_case
from store.keyring import desk_keys, pins_of
from store.lookups import IndexKey
from store.members import unlock
from store.schema import KeyPair, SealedSeed
from tests.meldpost.plans import PASSPHRASE
from tests.store.world import NOW, mail


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor's other findings cost seconds, and are tested elsewhere."""
    for name in ("_mailbox", "_smtp", "_isolation", "model", "encrypted_mail"):
        monkeypatch.setattr(f"meldpost.doctor.{name}", lambda *_: ())


def found(made: Made, what: str) -> Finding:
    return next(each for each in examine(made.config) if isinstance(each, Finding) and each.what == f"{what} of desk-a")


def rotate(made: Made, *options: str) -> Result:
    command = ["rotate", "-c", str(made.config), *(options or ("--login", "co"))]
    return CliRunner().invoke(main, command, input=PASSPHRASE + "\n")


def database(made: Made) -> Database:
    return open_database(load(made.config).database.url)


def test_the_new_key_is_pinned_and_every_comment_kept(made: Made) -> None:
    before = made.config.read_text(encoding="utf-8")
    pins = pins_of(load(made.config).desks["desk-a"])
    result = rotate(made)
    assert result.exit_code == 0, result.output
    after = made.config.read_text(encoding="utf-8")
    changed = [line.split(" = ")[0] for line in set(after.splitlines()) - set(before.splitlines())]
    assert sorted(changed) == ["public_key", "signing_key"]
    assert len(after.splitlines()) == len(before.splitlines())
    anew = pins_of(load(made.config).desks["desk-a"])
    assert anew.to_desk != pins.to_desk
    assert anew.to_desk.fingerprint() in result.output
    refuse_unless_servable(load(made.config))
    assert found(made, "desk key").verdict is Verdict.FINE


def test_a_further_machine_follows_without_a_log_in(made: Made, tmp_path: Path) -> None:
    other = made.config.with_name("other.toml")
    other.write_text(made.config.read_text(encoding="utf-8"), encoding="utf-8")
    rotate(made)
    refuse_unless_servable(load(other))  # it takes mail in without being told
    result = CliRunner().invoke(main, ["rotate", "-c", str(other), "--pin"])
    assert result.exit_code == 0, result.output
    assert load(other).desks == load(made.config).desks


def test_the_doctor_shows_one_that_is_not_finished_and_the_same_command_finishes_it(made: Made) -> None:
    settings = load(made.config)
    pins = pins_of(settings.desks["desk-a"])
    db = database(made)
    with db.begin() as session:
        secret = settings.secrets().key("passphrase-secret-desk-a")
        ring = unlock(session, "desk-a", "co", PASSPHRASE, secret, pins=pins)
        rotation.begin(session, ring, pins, db.now())
    db.close()
    finding = found(made, "desk key")
    assert finding.verdict is Verdict.WRONG
    assert "to key 2 was begun" in finding.text
    result = rotate(made)
    assert "Going on from key 1 to key 2" in result.output
    assert found(made, "desk key").verdict is Verdict.FINE
    with (db := database(made)).read() as session:
        assert rotation.unfinished(session, "desk-a") is None
    db.close()


def test_the_doctor_counts_keys_that_are_not_sealed_to_the_recovery_key(made: Made) -> None:
    assert found(made, "recovery key").text.startswith("of all 1 keys there is a sealed copy")
    with (db := database(made)).begin() as session:
        session.execute(delete(SealedSeed))
    db.close()
    finding = found(made, "recovery key")
    assert finding.verdict is Verdict.WRONG
    assert "1 of 1 keys are not sealed to it" in finding.text


def open_cases(made: Made, number: int) -> list[str]:
    settings = load(made.config)
    index = IndexKey(settings.secrets().key("index-key-desk-a"))
    with (db := database(made)).begin() as session:
        keys = desk_keys(session, "desk-a", pins_of(settings.desks["desk-a"]))
        opened = [
            open_case(session, keys, index, mail(message_ids=[]), reference=f"CASE-{at}", now=NOW, dues={})
            for at in range(number)
        ]
    db.close()
    return [each.case_id for each in opened]


def generations(made: Made, case_ids: list[str]) -> list[int]:
    found = select(KeyPair.generation).where(KeyPair.owner.in_(case_ids), KeyPair.retired_at.is_(None))
    with database(made).read() as session:
        return list(session.scalars(found))


def test_the_cases_get_new_keys_after_the_desk(made: Made) -> None:
    case_ids = open_cases(made, 2)
    result = rotate(made)
    assert result.exit_code == 0, result.output
    assert "New keys of cases: 2 of 2" in result.output
    assert "2 cases got new keys" in result.output
    assert generations(made, case_ids) == [2] * 4


def test_one_that_broke_off_in_the_cases_goes_on_with_those_and_makes_no_third_key_of_the_desk(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_ids = open_cases(made, 3)

    def break_off(*about: Any) -> Iterator[Renewing]:
        yield next(renew_all(*about))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(grants, "renew_all", break_off)
        assert rotate(made).exit_code == 1
    finding = found(made, "desk key")
    assert finding.verdict is Verdict.WRONG
    assert "keys of 2 cases are older than it" in finding.text
    result = rotate(made)
    assert "Going on with the keys of 2 cases" in result.output
    assert "2 cases got new keys" in result.output
    assert generations(made, case_ids) == [2] * 6
    finding = found(made, "desk key")
    assert finding.verdict is Verdict.FINE
    assert finding.text.startswith("key 2,")


def test_a_wrong_passphrase_changes_nothing(made: Made) -> None:
    before = made.config.read_bytes()
    result = CliRunner().invoke(main, ["rotate", "-c", str(made.config), "--login", "co"], input="other\n")
    assert result.exit_code == 1
    assert made.config.read_bytes() == before
