"""`meldpost recovery`: new pages, what the old ones are worth then, and the consent of two members."""

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.settings import load
from meldpost import renewing
from meldpost.cli import main
from meldpost.init import Made
from meldpost.settings_file import pin
from store.keyring import pins_of
from store.shares import join
from tests.meldpost.pages import share_on, words_on
from tests.meldpost.plans import PASSPHRASE


def run(made: Made, *command: str, typed: str = PASSPHRASE) -> Result:
    return CliRunner().invoke(main, [*command, "-c", str(made.config)], input=typed + "\n")


def renew(made: Made, *options: str) -> Result:
    return run(made, "recovery", "renew", "--login", "co", *options)


def words(pages: list[Path] | tuple[Path, ...], numbers: tuple[int, ...] = (1, 2)) -> str:
    return "\n".join(" ".join(words_on(pages[number - 1])) for number in numbers)


def recover(made: Made, typed: str) -> Result:
    phrase = made.config.parent / "phrase"
    phrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    return run(made, "recover", "--login", "co", "--passphrase-file", str(phrase), typed=typed)


def take_away(made: Made) -> str:
    """The old pages, as their keepers have them, off the machine."""
    typed = words(made.recovery_pages)
    for page in made.recovery_pages:
        page.unlink()
    return typed


def test_the_new_pages_recover_and_the_old_ones_are_refused(made: Made) -> None:
    old = take_away(made)
    comments = [line for line in made.config.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    result = renew(made, "--shares", "4")
    assert result.exit_code == 0, result.output
    pages = sorted(made.config.parent.glob("recovery-*.html"))
    assert len(pages) == 4
    assert all(str(page) in result.output for page in pages)
    assert recover(made, words(pages, (2, 4))).exit_code == 0
    refused = recover(made, old)
    assert refused.exit_code == 1
    assert "from before the recovery key was renewed" in refused.output
    after = made.config.read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line.startswith("#")] == comments


def test_pages_that_lie_there_are_printed_first(made: Made) -> None:
    before = made.config.read_bytes()
    result = renew(made)
    assert result.exit_code == 1
    assert "Print them if nobody has" in result.output
    assert made.config.read_bytes() == before


def test_a_desk_with_a_key_file_of_before_gets_pages(made: Made) -> None:
    seed = base64.b64encode(join([share_on(each) for each in made.recovery_pages[:2]])).decode()
    take_away(made)
    (made.config.parent / "recovery-key-desk-a.txt").write_text(f"Recovery key:  {seed}\n", encoding="utf-8")
    assert recover(made, seed).exit_code == 0
    assert renew(made).exit_code == 0
    assert recover(made, seed).exit_code == 1
    assert recover(made, words(sorted(made.config.parent.glob("*.html")))).exit_code == 0


def test_one_that_broke_off_before_the_pin_is_gone_on_with(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    take_away(made)

    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(renewing, "pin", break_off)
        assert renew(made).exit_code == 1
    pinned = load(made.config).desks["desk-a"].recovery_key
    pages = sorted(made.config.parent.glob("*.html"))
    result = renew(made)
    assert result.exit_code == 0, result.output
    assert "begun before" in result.output
    assert load(made.config).desks["desk-a"].recovery_key != pinned
    assert recover(made, words(pages)).exit_code == 0


def test_a_pin_that_an_environment_variable_overrides_is_told(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from config.errors import ConfigError

    desk = load(made.config).desks["desk-a"]
    monkeypatch.setenv("MELDPOST_DESKS__DESK-A__RECOVERY_KEY", desk.recovery_key)
    with pytest.raises(ConfigError, match="environment variable"):
        pin(made.config, "desk-a", {"recovery_key": desk.public_key})


def test_a_signing_key_that_was_commented_out_is_put_into_the_desks_own_table(made: Made) -> None:
    text = made.config.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("signing_key"))
    made.config.write_text(text.replace(line, "# signing_key ="), encoding="utf-8")
    assert load(made.config).desks["desk-a"].signing_key == ""
    pin(made.config, "desk-a", {"signing_key": line.split('"')[1]})
    assert pins_of(load(made.config).desks["desk-a"]).signing
    assert load(made.config).desks["desk-a"].texts.emergency == "112"


def test_where_two_have_to_agree_recovery_waits_for_them(made: Made) -> None:
    text = made.config.read_text(encoding="utf-8")
    before, found, after = text.partition("[desks.desk-a]\n")
    made.config.write_text(f'{before}{found}two_members = ["recovery"]\n{after}', encoding="utf-8")
    for login in ("bo", "cy"):
        add(made, login)
    typed = words(made.recovery_pages)
    assert recover(made, typed).exit_code == 0  # nobody logged in of late: there is nobody to ask
    for login in ("bo", "cy"):
        log_in(made, login)
    refused = recover(made, typed)
    assert refused.exit_code == 1
    assert "meldpost recovery allow co" in refused.output
    assert "one has to agree, too" in run(made, "recovery", "allow", "CO", "--login", "bo").output
    assert recover(made, typed).exit_code == 1
    assert run(made, "recovery", "allow", "co", "--login", "bo").exit_code == 1  # the same one twice
    assert "Two members agreed" in run(made, "recovery", "allow", "co", "--login", "cy").output
    assert recover(made, typed).exit_code == 0
    assert recover(made, typed).exit_code == 1  # it was used


def add(made: Made, login: str) -> None:
    phrase = made.config.parent / "phrase"
    phrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    options = ("--login", "co", "--address", f"{login}@demo.example", "--role", "deputy")
    result = run(made, "member", "add", login, *options, "--passphrase-file", str(phrase))
    assert result.exit_code == 0, result.output


def log_in(made: Made, login: str) -> None:
    """At the desk's page, as the trail has it."""
    from datetime import UTC, datetime

    from store import sessions
    from store.database import open_database
    from store.members import unlock

    settings = load(made.config)
    database = open_database(settings.database.url)
    with database.begin() as session:
        secret = settings.secrets().key("passphrase-secret-desk-a")
        pins = pins_of(settings.desks["desk-a"])
        ring = unlock(session, "desk-a", login, PASSPHRASE, secret, pins=pins)
        sessions.start(session, ring, datetime.now(UTC))
    database.close()
