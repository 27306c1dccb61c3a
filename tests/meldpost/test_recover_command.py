"""`meldpost recover` as an administrator runs it, with the keepers of the pages beside them."""

import base64
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.settings import load
from meldpost.cli import main
from meldpost.init import Made, initialise
from store.database import open_database
from store.keyring import KeyRing, pins_of
from store.members import WrongLogin, unlock
from store.shares import join
from tests.meldpost.pages import share_on, words_on
from tests.meldpost.plans import PASSPHRASE, plan_in

ANOTHER = "zeven andere woorden die men nergens anders vindt staan"


def recover(made: Made, typed: Sequence[str], *options: str) -> Result:
    phrase = made.config.parent / "phrase"
    phrase.write_text(ANOTHER + "\n", encoding="utf-8")
    command = ["recover", "-c", str(made.config), "--passphrase-file", str(phrase), *options]
    return CliRunner().invoke(main, command, input="".join(f"{line}\n" for line in typed))


def page(made: Made, number: int) -> str:
    return " ".join(words_on(made.recovery_pages[number - 1]))


def log_in(made: Made, login: str = "co", passphrase: str = ANOTHER) -> KeyRing:
    settings = load(made.config)
    database = open_database(settings.database.url)
    try:
        with database.read() as session:
            secret = settings.secrets().key("passphrase-secret-desk-a")
            return unlock(session, "desk-a", login, passphrase, secret, pins=pins_of(settings.desks["desk-a"]))
    finally:
        database.close()


def test_two_pages_give_the_first_member_a_new_passphrase(made: Made) -> None:
    result = recover(made, [page(made, 3), page(made, 1)], "--login", "CO")
    assert result.exit_code == 0, result.output
    assert "Share 3 is in order. One more is needed." in result.output
    assert len(log_in(made).privates) == 2
    with pytest.raises(WrongLogin):
        log_in(made, passphrase=PASSPHRASE)


def test_somebody_else_becomes_a_member(made: Made) -> None:
    result = recover(made, [page(made, 1), page(made, 2), "nieuw", "nieuw@demo.example"])
    assert result.exit_code == 0, result.output
    assert len(log_in(made, "nieuw").privates) == 2
    assert log_in(made, passphrase=PASSPHRASE)


def test_words_may_stand_on_many_lines_with_their_numbers(made: Made) -> None:
    lines = [f"{place}. {word[:4]}" for place, word in enumerate(words_on(made.recovery_pages[0]), start=1)]
    result = recover(made, [*lines, page(made, 2)], "--login", "co")
    assert result.exit_code == 0, result.output


def test_what_is_wrong_is_said_and_asked_for_again(made: Made, tmp_path: Path) -> None:
    pages = initialise(plan_in(tmp_path / "other")).recovery_pages
    typed = [
        " ".join([*page(made, 1).split()[:6], "zwanenzang", *page(made, 1).split()[7:]]),
        " ".join(reversed(page(made, 1).split())),
        *(" ".join(page(made, 1).split()[:32]), ""),
        page(made, 1),
        page(made, 1),
        " ".join(words_on(pages[1])),
        *(page(made, 1), page(made, 2)),
    ]
    result = recover(made, typed, "--login", "co")
    assert result.exit_code == 0, result.output
    said = [line for line in result.output.splitlines() if line.startswith(("Not taken", "Share 1 was given"))]
    assert [line[:41] for line in said] == [
        "Not taken: Word 7 is not on the list of w",
        "Not taken: All words are on the list, but",
        "Not taken: A share has 33 words; these ar",
        "Share 1 was given already. Take another p",
        "Not taken: These shares were not made tog",
    ]


def test_one_page_opens_nothing(made: Made) -> None:
    result = recover(made, [page(made, 1)], "--login", "co")
    assert result.exit_code == 1
    assert log_in(made, passphrase=PASSPHRASE)


def test_pages_of_another_desk_are_refused_by_its_fingerprint(made: Made, tmp_path: Path) -> None:
    pages = initialise(plan_in(tmp_path / "other")).recovery_pages
    result = recover(made, [" ".join(words_on(each)) for each in pages[:2]], "--login", "co")
    assert result.exit_code == 1
    assert "not of the recovery key of desk desk-a" in result.output
    pinned = pins_of(load(made.config).desks["desk-a"]).recovery
    assert pinned.fingerprint() in result.output


def test_the_key_file_of_before_is_taken_too(made: Made) -> None:
    seed = base64.b64encode(join([share_on(each) for each in made.recovery_pages[:2]])).decode()
    assert recover(made, [seed], "--login", "co").exit_code == 0
    old = made.config.parent / "recovery-key-desk-a.txt"
    old.write_text(f"Recovery key of the desk\n\nRecovery key:              {seed}\nMade on: 2026-01-01\n")
    assert recover(made, [], "--login", "co", "--share-file", str(old)).exit_code == 0


def test_shares_can_come_from_files(made: Made, tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    for number, file in enumerate(files, start=1):
        file.write_text(page(made, number).upper(), encoding="utf-8")
    options = [option for file in files for option in ("--share-file", str(file))]
    assert recover(made, [], "--login", "co", *options).exit_code == 0
    one = recover(made, [], "--login", "co", *options[:2])
    assert one.exit_code == 1
    assert "2 different shares are needed, and these are 1" in one.output


def test_the_pages_themselves_are_files_of_shares(made: Made) -> None:
    options = [option for page in made.recovery_pages[:2] for option in ("--share-file", str(page))]
    result = recover(made, [], "--login", "co", *options)
    assert result.exit_code == 0, result.output


def test_of_a_file_that_holds_no_share_few_words_are_named(made: Made, tmp_path: Path) -> None:
    other = tmp_path / "letter"
    other.write_text("Dit is een brief. " * 300, encoding="utf-8")
    refused = recover(made, [], "--login", "co", "--share-file", str(other))
    assert (refused.exit_code, "1195 more" in refused.output, len(refused.output) < 400) == (1, True, True)


def test_a_lost_passphrase_secret_is_made_anew_only_when_asked_for(made: Made) -> None:
    (made.secrets_dir / "passphrase-secret-desk-a").unlink()
    refused = recover(made, [], "--login", "co")
    assert refused.exit_code == 1
    assert "passphrase-secret-desk-a" in refused.output
    typed = [page(made, 1), page(made, 2)]
    assert recover(made, typed, "--login", "co", "--new-passphrase-secret").exit_code == 0
    assert log_in(made)


def test_no_word_of_a_share_is_repeated_or_logged(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    typed = [page(made, 1) + " zwanenzang", page(made, 1), page(made, 2)]
    result = recover(made, typed, "--login", "co")
    assert result.exit_code == 0, result.output
    assert "zwanenzang" not in caplog.text
    words = {word for number in (1, 2) for word in page(made, number).split()}
    spoken = {word.strip(".,:;") for line in result.output.splitlines() for word in line.split() if len(line) < 120}
    assert len(words & spoken) < 6  # a word of the list may stand in a sentence of ours
    assert not words & set(caplog.text.split())
