"""The pages: figures where there are enough mails, blocks that are filled, and documents that fit the last run."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from tests.triage.evaluation.golds import labelled
from triage.evaluation import FEWEST, Judged
from triage.evaluation.baselines import KEYWORDS
from triage.evaluation.cards import BLOCKS, BadDocument, blocks, filled, has_figures
from triage.evaluation.deletion import Deletion
from triage.evaluation.fairness import Moved
from triage.evaluation.page import DIAGRAM, page
from triage.evaluation.reliability import diagram
from triage.evaluation.results import Bin, Figure, Result, result
from triage.evaluation.run import MELDPOST
from triage.evaluation.swaps import PEOPLE
from triage.evaluation.tables import NOT_MEASURED

DOCS = Path(__file__).parents[3] / "docs"
CARDS = ("model-card.md", "algoritmeregister.md")
DATE = "2026-11-30"
REACHING = "reports_that_reach_a_person"


def judged(number: int, lang: str = "nl") -> Judged:
    """Of four mails three are understood; every tenth moves; of five the evidence holds in four."""
    said = {
        "kind": "melding" if number % 4 else "klacht",
        "kind_scores": {"melding": 0.75, "klacht": 0.75},
        "language": lang,
        "missing": [],
        "missing_scores": {"phone": 0.99},
    }
    mail = labelled(f"w{number % 5}", f"{lang}-{number}", lang=lang, body=f"Verhaal {number}")
    moved = Moved(PEOPLE, "Dutch", frozenset({"kind"} if number % 10 == 0 else ()), {"kind melding": 0.01})
    return Judged(mail, {MELDPOST: said, KEYWORDS: {}}, (moved,), Deletion(0.5 if number % 5 else 0.0, 0.1))


@pytest.fixture(scope="module")
def found() -> Result:
    return result([*(judged(i) for i in range(100)), *(judged(i, "tr") for i in range(FEWEST - 1))], 5)


@pytest.fixture(scope="module")
def written(found: Result) -> str:
    return page(found, DATE)


def row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {start}"))


def test_a_language_with_too_few_mails_is_not_measured(written: str) -> None:
    assert NOT_MEASURED not in row(written, "`nl`")
    assert row(written, "`tr`").count(NOT_MEASURED) == 6


def test_figures_stand_with_their_interval_their_aim_and_the_baseline(written: str) -> None:
    assert re.search(
        r"\| 0\.95 \| \*\*0\.74 \(0\.\d\d–0\.\d\d\)\*\* \| 0\.00 \(0\.00–0\.00\) \|", row(written, "kind: share")
    )


def test_the_page_says_what_was_measured_and_by_whom_it_was_written(written: str) -> None:
    assert f"on {DATE}: 149 mails by 5 writers, each writer judged by a model" in written.replace("\n", " ")
    assert "written by language models" in written


def test_what_moved_and_what_the_evidence_showed_stand_there(written: str) -> None:
    assert "| 149 | 10.1 % | 0.0 % | 0.0 % | 10.1 % | 0.010 (`kind melding`) |" in row(written, "**names**")
    assert row(written, "**places**").count(NOT_MEASURED) == 5
    assert "In **79.9 %** of 149 mails" in written


def test_fields_asked_for_though_they_were_there_stand_there(written: str) -> None:
    assert row(written, "`phone`").startswith("| `phone` | ")
    assert "| **all** | 149 | 149 | **100.0 %** |" in written


def test_the_diagram_is_a_picture_with_a_bar_for_each_bin_that_has_suggestions() -> None:
    bins = [Bin(0, 0, 0)] * 8 + [Bin(4, 0.85, 0.75), Bin(10, 0.95, 0.9)]
    drawn = ET.fromstring(diagram({"kind": bins, "a < b": bins}))
    assert drawn.tag.endswith("svg")
    bars = [one for one in drawn if one.tag.endswith("rect") and len(one)]
    assert [float(bar.attrib["height"]) for bar in bars] == [195.0, 234.0] * 2


def test_every_block_is_written_and_nothing_else_is_touched(found: Result) -> None:
    figures = blocks(found, DATE)
    assert set(figures) == set(BLOCKS)
    text = "before\n<!-- figures: summary -->\nold\n<!-- /figures -->\nafter\n"
    once = filled(text, figures)
    assert once.startswith("before\n<!-- figures: summary -->\nWritten by")
    assert once.endswith("<!-- /figures -->\nafter\n")
    assert "old" not in once
    assert filled(once, figures) == once


@pytest.mark.parametrize(
    "text", ["<!-- figures: rumours -->\n<!-- /figures -->\n", "<!-- figures: summary -->\nno end\n"]
)
def test_a_block_that_nothing_fills_or_that_has_no_end_is_refused(text: str) -> None:
    with pytest.raises(BadDocument):
        filled(text, dict.fromkeys(BLOCKS, ""))


def test_the_dutch_figures_are_written_as_in_dutch(found: Result) -> None:
    assert re.search(r"\| soort bericht juist \| 0,95 \| 0,74 \(0,\d\d–0,\d\d\) \|", blocks(found, DATE)["kerncijfers"])
    assert "| andere namen | 149 | 10,1 % |" in blocks(found, DATE)["eerlijkheid"]


def test_a_report_that_nobody_would_read_is_never_rounded_away(found: Result, written: str) -> None:
    one_missed = replace(found.own, reaching=(996, 997), figures={**found.own.figures, REACHING: Figure(0.9969, 0, 1)})
    text = page(replace(found, ways={**found.ways, MELDPOST: one_missed}), DATE)
    assert "| 1.00 | **0.997 (0.000–1.000)** |" in row(text, "reports and additions")
    assert "Of 997 reports and additions **1** were not seen as something" in " ".join(text.split())
    seen, of = found.own.reaching
    assert (seen, of) == (111, 149)
    assert f"**{of - seen}** were not seen" in " ".join(written.split())
    assert f"**{of - seen}** niet herkend" in " ".join(blocks(found, DATE)["kerncijfers"].split())


# the documents as they are


@pytest.mark.parametrize("name", CARDS)
def test_each_document_holds_blocks_that_the_evaluation_fills(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert has_figures(text)
    assert filled(text, dict.fromkeys(BLOCKS, "")) != text


def test_all_blocks_have_a_place() -> None:
    written = "".join((DOCS / name).read_text(encoding="utf-8") for name in CARDS)
    assert {name for name in BLOCKS if f"<!-- figures: {name} -->" not in written} == set()


def test_figures_stand_in_the_documents_only_when_the_page_they_come_from_is_there() -> None:
    """Until the whole run was made nothing is claimed, and nothing links to a page that is not there."""
    whole = (DOCS / "evaluation.md").exists()
    assert (DOCS / DIAGRAM).exists() == whole
    for name, none in zip(CARDS, ("Not measured yet", "Nog niet gemeten"), strict=True):
        text = (DOCS / name).read_text(encoding="utf-8")
        assert (none in text) != whole
        assert ("evaluation.md" in text) == whole


def test_documents_and_page_are_of_the_same_run() -> None:
    if not (DOCS / "evaluation.md").exists():
        pytest.skip("docs/evaluation.md is written by a whole run of `make evaluate`, and has not been yet")
    stamps = {
        re.search(r"(\d{4}-\d\d-\d\d)\D+(\d+) (?:mails|berichten)", " ".join((DOCS / name).read_text("utf-8").split()))
        for name in ("evaluation.md", *CARDS)
    }
    assert len({stamp.groups() for stamp in stamps if stamp}) == 1
    assert None not in stamps
