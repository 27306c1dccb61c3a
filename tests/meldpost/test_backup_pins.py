"""A backup of before the desk's keys were made anew: what restore says, and how it is put back all the same."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.settings import load
from meldpost.backup_pins import that_differ
from meldpost.cli import main
from meldpost.init import Made
from meldpost.startup import NotReady, keys_are_the_pinned_ones, refuse_unless_servable
from store import manifests, outbox
from store.database import open_database
from store.intake import open_case
from store.keyring import desk_keys, pins_of
from store.lookups import IndexKey
from store.outbox import OutboxState
from tests.meldpost.plans import PASSPHRASE
from tests.store.world import NOW, mail, outgoing


def run(made: Made, *words: str) -> Result:
    command, *more = words
    return CliRunner().invoke(main, [command, "-c", str(made.config), *more], input=PASSPHRASE + "\n")


@pytest.fixture
def of_before(made: Made, tmp_path: Path) -> Path:
    """A backup, after which the desk's key was made anew."""
    target = tmp_path / "before"
    assert run(made, "backup", str(target)).exit_code == 0
    assert run(made, "rotate", "--login", "co").exit_code == 0
    return target


def database_file(made: Made) -> Path:
    return Path(load(made.config).database.url.removeprefix("sqlite:///"))


@pytest.mark.parametrize("option", ["--check", "--replace"])
def test_one_of_before_a_rotation_is_refused_with_the_lines_to_pin_and_nothing_is_replaced(
    made: Made, of_before: Path, option: str
) -> None:
    refused = run(made, "restore", option, str(of_before))
    assert refused.exit_code == 1, refused.output
    assert "--pins-of-backup" in refused.output
    assert "public_key = " in refused.output
    refuse_unless_servable(load(made.config))
    assert not list(database_file(made).parent.glob("*.replaced-*"))
    assert not list(database_file(made).parent.glob(".*.restored*"))


def test_with_the_lines_that_it_says_it_is_put_back_and_the_desk_is_served(made: Made, of_before: Path) -> None:
    said = run(made, "restore", "--replace", str(of_before)).output
    text = made.config.read_text(encoding="utf-8")
    for line in said.splitlines():
        name, _, value = line.partition(" = ")
        if name in ("public_key", "signing_key"):
            text = text.replace(f'{name} = "{getattr(load(made.config).desks["desk-a"], name)}"', f"{name} = {value}")
    made.config.write_text(text, encoding="utf-8")
    assert "pinned" not in run(made, "restore", "--check", str(of_before)).output
    done = run(made, "restore", "--replace", str(of_before))
    assert done.exit_code == 0, done.output
    refuse_unless_servable(load(made.config))


def test_with_the_option_the_pins_of_the_backup_are_put_into_the_configuration(made: Made, of_before: Path) -> None:
    done = run(made, "restore", "--replace", "--pins-of-backup", str(of_before))
    assert done.exit_code == 0, done.output
    assert "run: meldpost rotate" in done.output
    refuse_unless_servable(load(made.config))
    assert run(made, "rotate", "--login", "co").exit_code == 0
    refuse_unless_servable(load(made.config))


def test_one_of_before_the_mailers_key_was_made_anew_is_put_back_and_goes_on_without_the_seed_of_then(
    made: Made, tmp_path: Path
) -> None:
    database = open_database(load(made.config).database.url)
    with database.begin() as session:
        keys = desk_keys(session, "desk-a", pins_of(load(made.config).desks["desk-a"]))
        index, waiting = IndexKey(load(made.config).secrets().key("index-key-desk-a")), outgoing()
        outbox.enqueue(session, keys.mailer, index, waiting, NOW)
    database.close()
    target = tmp_path / "before"
    run(made, "backup", str(target))
    assert run(made, "rotate", "--mailer").exit_code == 0
    assert run(made, "rotate", "--mailer", "--finish").exit_code == 0
    refused = run(made, "restore", "--replace", str(target))
    assert (refused.exit_code, "mailer_key = " in refused.output) == (1, True), refused.output
    done = run(made, "restore", "--replace", "--pins-of-backup", str(target))
    assert done.exit_code == 0, done.output
    assert "meldpost rotate --mailer --lost --desk desk-a" in done.output
    with pytest.raises(NotReady, match="meldpost rotate --mailer --lost"):
        keys_are_the_pinned_ones(load(made.config))
    for more in ((), ("--finish",)):
        gone_on = run(made, "rotate", "--mailer", "--lost", *more)
        assert gone_on.exit_code == 0, gone_on.output
    keys_are_the_pinned_ones(load(made.config))
    with open_database(load(made.config).database.url).read() as session:
        found = outbox.with_id(session, "desk-a", waiting.id)
    assert found is not None
    assert found.state == OutboxState.FAILED


def test_with_a_passphrase_a_case_of_it_is_opened_and_nothing_stays_of_that(made: Made, tmp_path: Path) -> None:
    target, settings = tmp_path / "one", load(made.config)
    run(made, "backup", str(target))
    without = run(made, "restore", "--check", "--login", "co", str(target))
    assert (without.exit_code, "no case in it" in without.output) == (0, True), without.output
    database = open_database(settings.database.url)
    with database.begin() as session:
        keys = desk_keys(session, "desk-a", pins_of(settings.desks["desk-a"]))
        index = IndexKey(settings.secrets().key("index-key-desk-a"))
        open_case(session, keys, index, mail(), reference="CASE-1", now=NOW, dues={})
    database.close()
    run(made, "backup", str(target.with_name("two")))
    opened = run(made, "restore", "--check", "--login", "co", str(target.with_name("two")))
    assert (opened.exit_code, "was opened" in opened.output) == (0, True), opened.output
    assert not list(database_file(made).parent.glob(".*.restored*"))
    wrong = CliRunner().invoke(
        main,
        ["restore", "-c", str(made.config), "--check", "--login", "co", str(target)],
        input="not this passphrase\n",
    )
    assert (wrong.exit_code, "passphrase is not" in wrong.output) == (1, True)
    assert not list(database_file(made).parent.glob(".*.restored*"))


def test_a_backup_of_after_the_rotation_needs_no_word_more(made: Made, of_before: Path) -> None:
    after = of_before.with_name("after")
    run(made, "backup", str(after))
    assert run(made, "restore", "--check", str(after)).exit_code == 0
    assert run(made, "restore", "--replace", str(after)).exit_code == 0
    refuse_unless_servable(load(made.config))


def test_pins_that_were_changed_in_the_manifest_are_refused(made: Made, of_before: Path) -> None:
    manifest = of_before.with_name("before.manifest")
    key = load(made.config).desks["desk-a"].recovery_key
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(key, "A" + key[1:]), encoding="utf-8")
    refused = run(made, "restore", "--replace", "--pins-of-backup", str(of_before))
    assert (refused.exit_code, "changed" in refused.output) == (1, True)
    assert load(made.config).desks["desk-a"].recovery_key == key
    refuse_unless_servable(load(made.config))


def test_pins_of_a_desk_that_did_not_prove_the_backup_are_not_taken_from_it(made: Made, of_before: Path) -> None:
    """Another desk of the installation proved it, whose key says nothing of this desk's."""
    settings, manifest = load(made.config), manifests.read(of_before.with_name("before.manifest"))
    assert "public_key" in that_differ(settings, manifest)["desk-a"]
    assert that_differ(settings, replace(manifest, proofs={"another": "00"})) == {}
