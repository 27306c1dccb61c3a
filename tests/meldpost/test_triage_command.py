"""`meldpost triage`, with the real readers and the real model."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.taxonomy import Category, Kind, MissingField, Severity
from meldpost.cli import main
from tests.config.test_settings import GOOD
from tests.ingest import made_files as made

SAMPLES = Path(__file__).resolve().parents[2] / "meldpost" / "samples"


def run(*arguments: str | Path, data: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["triage", *map(str, arguments)], input=data)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples, in a folder in a folder: a report, an out-of-office, a newsletter, a bounce, one beyond the limits."""
    top = tmp_path_factory.mktemp("mails")
    (top / "a").mkdir()
    for name in ("02-afdeling", "17-afwezig", "18-onbestelbaar", "19-nieuwsbrief", "20-ongelezen"):
        (top / "a" / f"{name}.eml").write_bytes((SAMPLES / f"{name}.eml").read_bytes())
    return top


@pytest.fixture(scope="module")
def result(folder: Path) -> Result:
    return run("--jsonl", folder)


def test_a_folder_gives_one_object_for_each_mail_in_order(result: Result, folder: Path) -> None:
    assert [found["file"] for found in objects(result)] == [str(path) for path in sorted((folder / "a").iterdir())]


def test_the_object_is_that_of_the_contract(result: Result) -> None:
    found = objects(result)[0]
    assert list(found) == [
        *("file", "language", "kind", "kind_scores", "categories", "primary", "severity", "severity_scores"),
        *(
            "concerned",
            "concerned_scores",
            "contact",
            "missing",
            "missing_scores",
            "anonymous",
            "automatic",
            "evidence",
        ),
    ]
    assert found["kind"] in list(Kind)
    assert set(found["kind_scores"]) == set(Kind)
    assert all(set(category) == {"slug", "score", "sub"} for category in found["categories"])
    assert found["primary"] is None or found["primary"] in list(Category)
    assert found["severity"] in list(Severity)
    assert set(found["severity_scores"]) == set(Severity)
    assert len(found["concerned_scores"]) == len(found["concerned"])
    assert set(found["missing_scores"]) == set(MissingField)
    assert all(set(person) == {"name", "function"} for person in found["concerned"])
    assert set(found["contact"]) == {"name", "email", "phone", "address"}
    assert set(found["missing"]) <= set(MissingField)
    assert found["automatic"] is None
    assert all(set(passage) == {"text", "category"} for passage in found["evidence"])


def test_automatic_mail_is_named(result: Result) -> None:
    named = {Path(found["file"]).stem: found.get("automatic") for found in objects(result)}
    assert named["17-afwezig"] == "auto_reply"
    assert named["18-onbestelbaar"] == "bounce"
    assert named["19-nieuwsbrief"] == "list"


def test_what_cannot_be_taken_apart_is_an_error_and_fails_after_all_the_others(result: Result) -> None:
    (failed,) = (found for found in objects(result) if "error" in found)
    assert set(failed) == {"file", "error"}
    assert failed["file"].endswith("20-ongelezen.eml")
    assert result.exit_code == 1


def test_each_mail_is_understood_by_itself_however_many_at_once(folder: Path, result: Result) -> None:
    assert objects(run("--jsonl", "--workers", "5", folder)) == objects(result)


def test_standard_input_is_a_mail_too() -> None:
    result = run("--jsonl", "-", data=(SAMPLES / "03-consulate-counter.eml").read_bytes())
    assert result.exit_code == 0
    assert objects(result)[0]["file"] == "-"
    assert objects(result)[0]["language"] == "en"


def test_without_jsonl_a_person_can_read_it_and_the_mail_does_not_steer_the_terminal(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(
        b"From: \x1b[31mred <a@home.example>\r\nSubject: [bold]x\r\n\r\nI want to report theft \x1b[2J.\r\n"
    )
    result = run("--language", "en", mail)
    assert result.exit_code == 0
    assert "Kind " in result.stdout
    assert "Severity " in result.stdout
    assert "I want to report theft" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.fixture(scope="module")
def pages(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """One run that prints objects and writes a page, over a page that others could read."""
    page = tmp_path_factory.mktemp("page") / "page.html"
    page.write_text("an older one")
    page.chmod(0o644)
    return page, run("--jsonl", "--html", page, "--language", "nl", folder)


def test_a_page_shows_every_mail_for_its_owner_alone(pages: tuple[Path, Result]) -> None:
    page, _ = pages
    text = page.read_text(encoding="utf-8")
    assert text.count("<article") == 5
    assert "Pesten" in text
    assert "20-ongelezen.eml" in text
    assert text.endswith("</html>")
    assert page.stat().st_mode & 0o777 == 0o600
    assert list(page.parent.iterdir()) == [page]


def test_the_objects_are_the_same_with_a_page_beside_them(pages: tuple[Path, Result], result: Result) -> None:
    assert pages[1].stdout == result.stdout
    assert pages[1].exit_code == result.exit_code == 1


def test_a_page_alone_prints_nothing_and_knows_what_the_configuration_says(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes((SAMPLES / "02-afdeling.eml").read_bytes())
    config = tmp_path / "meldpost.toml"
    config.write_text(f"{GOOD}\n[triage]\nknow_threshold = 1\n", encoding="utf-8")
    result = run("--config", config, "--html", tmp_path / "page.html", "--language", "en", mail)
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("Meldpost does not know") == 2


def test_a_page_that_cannot_be_written_is_said_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes((SAMPLES / "02-afdeling.eml").read_bytes())
    result = run("--html", tmp_path / "none" / "page.html", mail)
    assert result.exit_code == 1
    assert "cannot be written" in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == [mail]


def test_a_path_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    result = run("--jsonl", tmp_path / "none")
    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_what_is_no_mail_in_a_folder_is_passed_over_and_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes((SAMPLES / "03-consulate-counter.eml").read_bytes())
    (tmp_path / "notes.txt").write_text("remember the milk\n", encoding="utf-8")
    (tmp_path / "nothing").touch()
    result = run("--jsonl", tmp_path)
    assert result.exit_code == 0, result.output
    mail, *others = objects(result)
    assert (mail["file"], mail["kind"]) == (str(tmp_path / "a.eml"), "melding")
    assert others == [
        {"file": str(tmp_path / name), "error": "this is no mail, and was passed over"}
        for name in ("notes.txt", "nothing")
    ]
    assert "passed over, since they are no mails: 2." in result.stderr


def test_a_file_in_a_folder_that_is_called_a_mail_is_one_however_it_begins(tmp_path: Path) -> None:
    (tmp_path / "a.EML").write_bytes("Ik meld dat mijn chef geld aannam.\n".encode("utf-16"))
    result = run("--jsonl", tmp_path)
    assert result.exit_code == 0, result.output
    assert ["error" in found for found in objects(result)] == [False]


def test_an_empty_file_that_is_called_a_mail_is_one_in_a_folder_as_by_its_name(tmp_path: Path) -> None:
    empty = tmp_path / "empty.eml"
    empty.touch()
    in_folder, by_name = run("--jsonl", tmp_path), run("--jsonl", empty)
    assert in_folder.exit_code == by_name.exit_code == 0, in_folder.output
    (found,) = objects(in_folder)
    assert objects(by_name) == [found]
    assert (found["kind"], found["missing"]) == (Kind.OVERIG, ["description"])


def test_a_folder_without_a_mail_is_said_to_be_one(tmp_path: Path) -> None:
    result = run("--jsonl", tmp_path)
    assert result.exit_code == 1
    assert "No mail was found" in result.output


def test_a_folder_of_messages_that_outlook_saved_is_understood(tmp_path: Path) -> None:
    text = "Ik meld dat mijn chef, Rolf Dijkgraaf, al twee jaar steekpenningen aanneemt van de cateraar."
    (tmp_path / "melding.msg").write_bytes(made.msg("Melding", text, "Ann"))
    (found,) = objects(run("--jsonl", tmp_path))
    assert found["kind"] == Kind.MELDING
    assert "Rolf Dijkgraaf" in [person["name"] for person in found["concerned"]]
