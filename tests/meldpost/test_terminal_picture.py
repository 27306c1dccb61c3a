"""The picture of a mail on a terminal, with the terminal a real one."""

import io
import os
import pty
import re
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from desk.pictures import picture, speaking
from meldpost.terminal_picture import ASIDE, LONGEST, console, draw
from tests.desk.test_pictures import ARABIC, FOUND, OWN_TEXT, mail
from triage import MailText

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10[0-7])(?:;\d+)*m")
STYLED = re.compile(r"\x1b\[[\d;]*m")


def drawn(text: MailText | None = None, *, language: str = "en", threshold: float = 0.5, **found: Any) -> str:
    """On something that is no terminal, 100 signs wide."""
    written = io.StringIO()
    on = Console(file=written, markup=False, highlight=False, emoji=False, width=100)
    with speaking(language):
        draw(on, picture({**FOUND, **found}, text or mail(), threshold, longest=LONGEST, aside=ASIDE))
    return written.getvalue()


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, text: MailText | None = None, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "100", **environment}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as seen, os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        with speaking("en"):
            on = console()
            with on.capture() as captured:
                draw(on, picture(FOUND, text or mail(), 0.5))
        terminal.write("end")
        terminal.flush()
        assert seen.read(3) == b"end"
    return captured.get()


def test_every_mark_has_brackets_and_a_label() -> None:
    text = drawn()
    assert "[Rolf Dijkgraaf · person concerned], [contractmanager catering · function], vraagt" in text
    assert "«10 procent\n" in re.sub(" +\n", "\n", text)
    assert "van iedere factuur · Criminal offence». Ik heb" in text
    assert "[Appie Ramdin · reporter]" in text


def test_evidence_of_two_categories_says_both() -> None:
    both = [{"text": "10 procent van iedere factuur", "category": slug} for slug in ("strafbaar_feit", "pesten")]
    assert "van iedere factuur · Criminal offence, Bullying». Ik heb" in drawn(evidence=both)


def test_scores_are_bars_and_per_cents() -> None:
    text = drawn()
    assert re.search(r"Report +█{19}▍ +97%", text)
    assert re.search(r"Criminal offence \(corruption\) +█{18}▋ +93%", text)
    assert re.search(r"Missing +Phone number", text)
    assert re.search(r"Language +Dutch", text)
    assert re.search(r"Ernst +Hoog", drawn(language="nl"))


def test_how_sure_it_is_of_severity_and_persons_stands_there_too() -> None:
    text = drawn(severity_scores={"midden": 0.3, "hoog": 0.7}, concerned_scores=[0.93])
    assert re.search(r"High +█+ +70%", text)
    assert "Rolf Dijkgraaf, contractmanager catering (93 % sure)" in text


def test_below_the_threshold_it_says_that_it_does_not_know() -> None:
    text = drawn(threshold=0.98)
    assert re.search(r"Kind +Meldpost does not know", text)
    assert re.search(r"Main category +Meldpost does not know", text)
    assert "97%" in text


def test_on_a_terminal_it_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    text = on_a_terminal(monkeypatch)
    assert COLOUR.search(text)
    assert "[Rolf Dijkgraaf · person concerned]" in STYLED.sub("", text)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colours_gets_none(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]
) -> None:
    text = on_a_terminal(monkeypatch, **environment)
    assert not COLOUR.search(text)
    assert "[Rolf Dijkgraaf · person concerned]" in STYLED.sub("", text)


def test_what_is_no_terminal_gets_text_alone() -> None:
    assert "\x1b" not in drawn()


HOSTILE = (
    "\x1b[2J\x1b]0;title\x07\x9b31m \u202etxet\u2066 \r\x08\x00\u200b\u2028[bold]x[/] [link=http://a.example]y[/link] "
    "\ud800 :bomb:"
)


def test_nothing_of_a_mail_steers_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere: dict[str, Any] = {
        "file": f"a\n{HOSTILE}",
        "concerned": [{"name": HOSTILE, "function": HOSTILE}],
        "contact": dict.fromkeys(FOUND["contact"], HOSTILE),
        "evidence": [{"text": HOSTILE, "category": "pesten"}, {"text": f"{HOSTILE} elsewhere", "category": "pesten"}],
    }
    plain = drawn(mail(HOSTILE, HOSTILE, HOSTILE, HOSTILE), **everywhere)
    assert [letter for letter in plain if not letter.isprintable() and letter != "\n"] == []
    assert "[bold]x[/] [link=http://a.example]y[/link]" in plain
    assert ":bomb:" in plain
    text = on_a_terminal(monkeypatch, mail(f"{HOSTILE} Rolf Dijkgraaf", HOSTILE))
    assert [letter for letter in STYLED.sub("", text) if not letter.isprintable() and letter != "\n"] == []


def test_a_mail_that_was_not_understood_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    with speaking("en"):
        draw(Console(file=written, width=80), picture({"file": "a.eml", "error": "it is \x1b[2J broken"}, None, 0.5))
    assert "Nothing was understood: it is \ufffd[2J broken" in written.getvalue()


def test_a_long_mail_does_not_fill_the_terminal() -> None:
    own = "Niets aan de hand.\n" * 50_000
    text = drawn(mail(own, quoted=own))
    assert len(text.splitlines()) < LONGEST / 10
    assert f"{2 * len(own) - LONGEST - ASIDE} characters are not shown" in text


def test_marks_that_cross_the_ends_of_lines_and_of_each_other_are_whole() -> None:
    own = "Dat deed Rolf\nDijkgraaf,\ncontractmanager catering altijd."
    text = drawn(mail(own), evidence=[{"text": "Dat deed Rolf", "category": "pesten"}])
    lines = [line.strip() for line in text.splitlines()]
    assert "«Dat deed [Rolf] · Bullying»[" in lines
    assert "Dijkgraaf · person concerned]," in lines
    assert "[contractmanager catering · function] altijd." in lines


def test_right_to_left_text_keeps_its_order() -> None:
    text = drawn(mail(ARABIC), language="nl", concerned=[{"name": "خالد المنصوري", "function": None}])
    assert "[خالد المنصوري · betrokkene]" in text
    assert OWN_TEXT not in text
