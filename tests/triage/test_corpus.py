"""The labelled mails follow their own rules, and a broken one is refused."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from triage.labelled import CORPUS, SENTENCES, BadCorpus, read, read_sentences, split_quotes


def test_every_mail_of_the_corpus_follows_the_rules() -> None:
    mails = read()
    assert len(mails) > 3000
    assert len({m.writer for m in mails}) >= 27


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "roddel"},
        {"phone": "06 00 00 00 00 nergens"},
        {"primary": "pesten", "categories": []},
        {"missing": ["email"]},
        {"severity": "erg"},
        {"people": [{"name": "Niemand Nergens", "role": "concerned"}]},
    ],
)
def test_a_mail_that_breaks_a_rule_is_refused_by_its_line(tmp_path: Path, change: dict[str, object]) -> None:
    line = json.loads((CORPUS / "t1.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (tmp_path / "t1.jsonl").write_text(json.dumps({**line, **change}), encoding="utf-8")
    with pytest.raises(BadCorpus, match=r"t1\.jsonl, line 1"):
        read(tmp_path)


def test_every_sentence_of_the_corpus_follows_the_rules_and_some_tell_of_nothing() -> None:
    sentences = read_sentences()
    assert len(sentences) > 1000
    assert {bool(s.gold["categories"]) for s in sentences} == {True, False}
    assert not {s.writer for s in sentences} & {m.writer for m in read()}


@pytest.mark.parametrize(
    "change", [{"primary": "pesten", "categories": []}, {"severity": "erg"}, {"sub": ["roddel"]}, {"kind": "melding"}]
)
def test_a_sentence_that_breaks_a_rule_is_refused_by_its_line(tmp_path: Path, change: dict[str, object]) -> None:
    line = json.loads((CORPUS / SENTENCES / "s01.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (tmp_path / SENTENCES).mkdir()
    (tmp_path / SENTENCES / "s01.jsonl").write_text(json.dumps({**line, **change}), encoding="utf-8")
    with pytest.raises(BadCorpus, match=r"s01\.jsonl, line 1"):
        read_sentences(tmp_path)


def test_the_readme_says_of_each_writer_when_they_came_and_how_much_they_wrote() -> None:
    lines = Counter(m.writer for m in read()) + Counter(s.writer for s in read_sentences())
    told = re.findall(
        r"^\| (`[ts].*?) \| (\d+) \| ([\d,]+) \| 20", (CORPUS / "README.md").read_text("utf-8"), re.MULTILINE
    )
    rows = [(_writers(files), int(count), int(number.replace(",", ""))) for files, count, number in told]
    assert [(len(names), sum(lines[n] for n in names)) for names, _, _ in rows] == [(c, n) for _, c, n in rows]
    assert sorted(name for names, _, _ in rows for name in names) == sorted(lines)


def _writers(files: str) -> list[str]:
    """The writers that a cell names: one, two, or a run of them."""
    names = re.findall(r"`([ts])(\d+)`", files)
    if " to " in files:
        (letter, first), (_, last) = names
        return [f"{letter}{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
    return [letter + number for letter, number in names]


def test_a_corpus_may_have_no_sentences(tmp_path: Path) -> None:
    assert read_sentences(tmp_path) == []


def test_a_folder_without_mails_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCorpus, match="Name the folder"):
        read(tmp_path)


def test_quoted_lines_are_told_from_own_ones() -> None:
    own, quoted = split_quotes(
        "Dank.\n> Wat is uw nummer?\n06 12 34 56 78\n\n-----Oorspronkelijk bericht-----\nVan: Desk\nHoi"
    )
    assert "06 12 34 56 78" in own
    assert "Wat is uw nummer?" in quoted
    assert "Hoi" in quoted
    assert "Hoi" not in own
