"""Having a message translated by a program of the desk's own machine: shown once, marked as a machine's, never kept."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import MetaData, select

from config.settings import TranslationSettings
from desk import interpreter
from desk.interpreter import CannotTranslate, translated
from meldpost.findings import Verdict
from meldpost.translation_examined import translation as examined
from store.audit import Action
from tests.desk.conftest import log_in, open_case
from tests.desk.test_trail import of_action
from tests.desk.world import REPORT, Visitor, World, coordinator

ENGLISH = {**REPORT, "language": "en"}
WORDS = "Rolf Dijkgraaf asks ten percent.\nI saw it — ütterly."
SHOUTS = "import sys; print('[' + ' '.join(sys.argv[1:]) + '] ' + sys.stdin.buffer.read().decode().upper())"


def program(code: str, *arguments: str, seconds: int = 30) -> TranslationSettings:
    return TranslationSettings(command=(sys.executable, "-c", code, *arguments), seconds=seconds)


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case(report=ENGLISH, own_text=WORDS, masked_text="▇▇ asks ten percent.").case_id


def serve(world: World, settings: TranslationSettings) -> Visitor:
    world.serve(world.settings.model_copy(update={"translation": settings}))
    return coordinator(world)


def button(page: str) -> str | None:
    found = re.search(r'action="(/cases/[0-9a-f]+/messages/[0-9a-f]+/translate)#message-', page)
    return found[1] if found else None


def press(visitor: Visitor, case_id: str) -> str:
    path = button(visitor.get(f"/cases/{case_id}").text)
    assert path
    answer = visitor.post(path)
    if answer.status_code == 303:
        answer = visitor.get(f"/cases/{case_id}")
    return unescape(answer.text)


def test_the_language_of_a_message_is_shown_where_it_is_not_dutch(world: World, case_id: str) -> None:
    assert "Taal: Engels" in coordinator(world).get(f"/cases/{case_id}").text
    assert "Language: English" in coordinator(world, language="en").get(f"/cases/{case_id}").text
    assert "Taal:" not in coordinator(world).get(f"/cases/{world.new_case().case_id}").text


def test_without_a_program_nothing_is_offered(world: World, case_id: str) -> None:
    visitor = coordinator(world)
    page = visitor.get(f"/cases/{case_id}").text
    assert button(page) is None
    message = re.search(r'id="message-([0-9a-f]{32})"', page)
    assert message
    assert visitor.post(f"/cases/{case_id}/messages/{message[1]}/translate").status_code == 303


def test_a_translation_stands_below_the_original_as_a_machines_and_is_gone_when_one_looks_again(
    world: World, case_id: str
) -> None:
    visitor = serve(world, program(SHOUTS, "--from={from}", "{to}"))
    page = press(visitor, case_id)
    original, made = page.index("I saw it — ütterly."), page.index("[--from=en nl]")
    assert original < page.index("Vertaald door een machine, uit het Engels") < made
    assert "I SAW IT — ÜTTERLY." in page
    assert "MELDING OVER FACTUREN" in page, "the subject, too"
    assert "ÜTTERLY" not in visitor.get(f"/cases/{case_id}").text
    (row,) = of_action(world, Action.TRANSLATED)
    assert (row.case_id, row.member_id) == (case_id, world.ring.member_id)
    assert "Bericht laten vertalen" in visitor.get(f"/cases/{case_id}").text


def test_nothing_of_a_translation_is_kept(world: World, case_id: str) -> None:
    def rows() -> dict[str, int]:
        tables = MetaData()
        with world.database.read() as session:
            tables.reflect(session.connection())
            return {table.name: len(session.execute(select(table)).all()) for table in tables.sorted_tables}

    visitor = serve(world, program(SHOUTS))
    visitor.get(f"/cases/{case_id}")
    before = rows()
    press(visitor, case_id)
    changed = {name for name, count in rows().items() if count != before[name]}
    assert changed <= {"audit"}


def test_a_message_in_the_language_of_the_page_is_offered_none(world: World, case_id: str) -> None:
    serve(world, program(SHOUTS))
    assert button(coordinator(world, language="en").get(f"/cases/{case_id}").text) is None
    dutch = world.new_case().case_id
    assert button(coordinator(world).get(f"/cases/{dutch}").text) is None
    assert button(coordinator(world, language="en").get(f"/cases/{dutch}").text)


def test_while_who_reported_is_closed_only_the_masked_words_go_to_the_program(world: World, case_id: str) -> None:
    serve(world, program(SHOUTS))
    page = press(coordinator(world, reason=""), case_id)
    assert "▇▇ ASKS TEN PERCENT." in page
    for told in ("DIJKGRAAF", "FACTUREN"):
        assert told not in page


def test_what_a_program_answers_is_text(world: World, case_id: str) -> None:
    visitor = serve(world, program("print('<script>alert(1)</script> \\x1b[31m <a href=x>y</a>')"))
    path = button(visitor.get(f"/cases/{case_id}").text)
    assert path
    page = visitor.post(path).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "<a href=x>" not in page


FAILING = {
    "failed": program("import sys; print('half'); sys.exit(3)"),
    "nothing": program("print()"),
    "no_time": program("import time; time.sleep(60)", seconds=1),
    "too_much": program("print('x' * 10_000_000)"),
    "not_there": TranslationSettings(command=("/nowhere/translate",)),
}


@pytest.mark.parametrize("reason", FAILING)
def test_a_program_that_fails_says_why_and_the_original_stands(
    world: World, case_id: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    page = press(serve(world, FAILING[reason]), case_id)
    words = {
        "failed": "is mislukt",
        "nothing": "antwoordde niets",
        "no_time": "duurde te lang",
        "too_much": "veel meer dan het kreeg",
        "not_there": "kan op deze machine niet worden gestart",
    }
    assert words[reason] in page
    assert "ten percent" in page
    assert "ten percent" not in caplog.text


def test_a_program_that_closes_its_mouth_and_goes_on_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import os, sys, time, pathlib\n"
        "child = os.fork()\n"
        "if child: pathlib.Path(sys.argv[1]).write_text(str(child))\n"
        "os.close(1); time.sleep(600)"
    )
    with pytest.raises(CannotTranslate) as failure:
        translated(program(code, str(tmp_path / "child"), seconds=5), "tekst", "en", "nl")
    assert failure.value.reason == "no_time"
    child = int((tmp_path / "child").read_text())
    started = [psutil.Process(child)] if psutil.pid_exists(child) else []
    assert psutil.wait_procs(started, timeout=20)[1] == []


def test_no_shell_reads_what_is_asked_and_no_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELDPOST_SECRETS_DIR", "/secret")
    shows = program("import os, sys; print(sys.argv[1:], sorted(os.environ))", "$(id); {from}", "`x`")
    said = translated(shows, "tekst", "en", "nl")
    assert "['$(id); en', '`x`']" in said
    assert "MELDPOST" not in said


@pytest.mark.parametrize("language", ["", "EN", "en;id", "--help", "nl_NL", "../x"])
def test_what_is_no_language_is_no_argument(language: str) -> None:
    with pytest.raises(CannotTranslate):
        translated(program(SHOUTS, "{from}"), "tekst", language, "nl")


def test_a_long_message_is_translated_as_far_as_it_goes_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.interpreting.LONGEST_TEXT", 40)
    case_id = world.new_case(report=ENGLISH, own_text="word " * 100).case_id
    page = press(serve(world, program(SHOUTS)), case_id)
    assert "alleen het eerste deel is vertaald" in page
    assert page.count("WORD") < 10
    assert interpreter.LONGEST_TEXT > 1000


def test_the_doctor_says_whether_the_program_is_there() -> None:
    def verdicts(*command: str) -> list[Verdict]:
        return [finding.verdict for finding in examined(TranslationSettings(command=command))]

    assert verdicts() == []
    assert verdicts(sys.executable, "{from}", "{to}") == [Verdict.FINE]
    assert verdicts("sh", "-c", "cat") == [Verdict.NOTE]
    assert verdicts("/nowhere/translate", "{from}") == [Verdict.WRONG]


def test_in_a_browser_without_javascript_it_is_one_button(
    world: World, case_id: str, request: pytest.FixtureRequest
) -> None:
    serve(world, program(SHOUTS))
    page: Page = request.getfixturevalue("new_page")(java_script_enabled=False)
    log_in(page)
    open_case(page, case_id)
    page.get_by_role("button", name="Vertalen").click()
    expect(page.get_by_role("region", name="Vertaald door een machine, uit het Engels")).to_contain_text("TEN PERCENT")
    expect(page.get_by_text("Rolf Dijkgraaf asks ten percent.").first).to_be_visible()
