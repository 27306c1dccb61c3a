"""`meldpost evaluate`, on a few mails of three writers."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from meldpost.cli import main
from triage.labelled import CORPUS

CARD = "# A card\n\n<!-- figures: summary -->\nNot measured yet.\n<!-- /figures -->\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for writer in ("t1", "t2", "t3"):
        lines = (CORPUS / f"{writer}.jsonl").read_text(encoding="utf-8").splitlines()
        (folder / f"{writer}.jsonl").write_text("\n".join(lines[::10][:8]), encoding="utf-8")
    return folder


def test_it_leaves_out_each_writer_and_writes_page_picture_documents_and_answers(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text(CARD, encoding="utf-8")
    (tmp_path / "other.md").write_text("# Untouched\n", encoding="utf-8")
    answers = tmp_path / "answers.jsonl"
    whole = ["--leave-one-writer-out", "--docs", str(tmp_path), "--answers", str(answers)]
    done = CliRunner().invoke(main, ["evaluate", "--corpus", str(corpus), *whole])
    assert done.exit_code == 0, done.output
    assert [line.split(",")[0] for line in done.stderr.splitlines()[3:6]] == [
        "t1 left out (1 of 3", "t2 left out (2 of 3", "t3 left out (3 of 3",
    ]  # fmt: skip
    page = (tmp_path / "evaluation.md").read_text(encoding="utf-8")
    assert "24 mails by 3 writers, each writer judged by a model" in page.replace("\n", " ")
    assert "keyword rules" in page
    assert "word n-grams" in page
    assert (tmp_path / "reliability.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert "24 mails by 3 writers" in (tmp_path / "card.md").read_text(encoding="utf-8").replace("\n", " ")
    assert (tmp_path / "other.md").read_text(encoding="utf-8") == "# Untouched\n"
    said = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    assert len({one["id"] for one in said}) == 24
    assert all("kind_scores" in one for one in said)


def test_a_document_that_cannot_be_filled_stops_it_before_anything_is_measured(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("<!-- figures: rumours -->\n<!-- /figures -->\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["evaluate", "--corpus", str(corpus), "--docs", str(tmp_path)])
    assert done.exit_code == 1
    assert "rumours" in done.output
    assert "reading the corpus" not in done.output


def test_by_itself_it_prints_figures_and_writes_nothing(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["evaluate", "--corpus", str(corpus), "--folds", "3"])
    assert done.exit_code == 0, done.output
    assert "all: 24 mails" in done.stdout
    assert "kind_accuracy" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_too_few_writers_are_refused_with_what_to_do(corpus: Path) -> None:
    done = CliRunner().invoke(main, ["evaluate", "--corpus", str(corpus), "--folds", "2"])
    assert done.exit_code == 1
    assert "Spread the mails over more files" in done.output
