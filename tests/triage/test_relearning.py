"""Learning from a desk's cases: compared on mails that neither model has seen, and refused where it does worse."""

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from config.taxonomy import SUBS, Category, MissingField
from triage.corrections import labelled
from triage.labelled import CORPUS, Labelled, read
from triage.model import Model, is_of_this_version
from triage.relearning import FEWEST, Figure, TooFew, learn
from triage.training import fit, prepare, usage_in

CASES = [m for m in read() if m.writer == "t30"]


def part_of_the_corpus(folder: Path, every: int = 9) -> Path:
    """A few mails of a few writers: the whole corpus takes minutes."""
    folder.mkdir()
    for writer in ("t1", "t2", "t3", "t4", "t5", "t22"):
        lines = (CORPUS / f"{writer}.jsonl").read_text(encoding="utf-8").splitlines()
        (folder / f"{writer}.jsonl").write_text("\n".join(lines[::every]) + "\n", encoding="utf-8")
    return folder


def decided(mails: list[Labelled], **otherwise: str) -> list[Labelled]:
    """Cases on whose kind somebody decided."""
    return [
        labelled(f"zaak-{i}", m.mail, m.gold["lang"], {"kind": m.gold["kind"], **otherwise}, alone=True)
        for i, m in enumerate(mails)
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return part_of_the_corpus(tmp_path_factory.mktemp("corpus") / "few")


def test_with_a_handful_of_cases_nothing_is_learned(corpus: Path) -> None:
    with pytest.raises(TooFew, match=str(FEWEST)):
        learn(decided(CASES[: FEWEST - 1]), corpus=corpus)


def test_corrections_of_a_kind_that_the_corpus_does_not_have_are_learned(corpus: Path) -> None:
    spam = [m for m in CASES if m.gold["kind"] == "overig"]
    learned = learn(decided(spam), corpus=corpus)
    assert learned.model is not None
    (kind,) = [f for f in learned.figures if (f.of, f.name) == ("cases", "kind")]
    assert kind.count == 9
    assert kind.before == 0.0
    assert kind.after >= 0.5
    severity = next(f for f in learned.figures if (f.of, f.name) == ("cases", "severity"))
    assert (severity.count, severity.is_worse) == (0, False)


def test_decisions_that_make_the_suggestions_worse_are_refused(corpus: Path) -> None:
    reports = [m for m in read() if m.writer in ("t6", "t7", "t8")][::2]
    learned = learn(decided(reports, kind="overig"), corpus=corpus)
    assert learned.model is None
    assert any(figure.is_worse and figure.of == "corpus" for figure in learned.figures)


def test_what_chance_explains_is_not_worse() -> None:
    assert not Figure("cases", "kind", 2, 1.0, 0.5).is_worse
    assert Figure("cases", "kind", 2, 1.0, 0.0).is_worse
    assert Figure("cases", "kind", 10, 0.9, 0.7).is_worse
    assert not Figure("corpus", "kind", 700, 0.90, 0.885).is_worse
    assert Figure("corpus", "kind", 700, 0.90, 0.875).is_worse


def test_what_is_not_known_of_a_mail_is_not_learned(corpus: Path) -> None:
    usage = usage_in(read(corpus))
    examples = prepare(read(corpus), usage)[::2]
    silent = examples[0].labelled
    undecided = {**silent.gold, "categories": [], "primary": None, "severity": None}
    silent = replace(silent, known=frozenset(), gold=undecided)
    trained = []
    for other in ({}, {"kind": "overig", "anonymous": True, "missing": [], "concerned": [], "people": []}):
        first = replace(examples[0], labelled=replace(silent, gold={**silent.gold, **other}), evidence=None)
        trained.append(fit([first, *examples[1:]], usage).to_bytes())
    assert trained[0] == trained[1]


def test_names_in_a_case_are_no_words_though_nobody_said_where_they_stand(corpus: Path) -> None:
    case = next(m for m in read(corpus) if m.gold["people"] and m.gold["kind"] == "melding")
    silent = replace(case, known=frozenset({"kind"}), gold={**case.gold, "people": []})
    name = case.gold["people"][0]["name"]
    usage = usage_in(read(corpus))
    (seen,), (unseen,) = prepare([silent], usage, names=lambda _: [name]), prepare([silent], usage)
    assert len(seen.bags.words.indices) != len(unseen.bags.words.indices)


def test_no_word_of_the_mails_stands_in_a_model(corpus: Path) -> None:
    cases = decided(CASES[:20])
    usage = usage_in(read(corpus))
    content = fit(prepare([*read(corpus), *cases], usage), usage).to_bytes()
    assert is_of_this_version(content)
    described = json.loads(content[4 : 4 + int.from_bytes(content[:4], "big")])
    assert set(described) == {"format", "numbers"}
    text = "\n".join(f"{m.mail.from_name} {m.mail.subject} {m.mail.own_text}" for m in [*read(corpus), *cases])
    words = set(re.findall("[A-Za-z]{7,}", text))
    written = _unpacked(content)
    runs = {run.decode() for run in re.findall(rb"[A-Za-z]{7,}", written)}
    assert len(words) > 1500
    assert not words & runs - _names_of_parts()


def test_a_model_in_one_piece_is_the_model(corpus: Path, tmp_path: Path) -> None:
    usage = usage_in(read(corpus))
    model = fit(prepare(read(corpus)[::2], usage), usage)
    (tmp_path / "piece").write_bytes(model.to_bytes())
    assert Model.load(tmp_path / "piece").to_bytes() == Model.load(_saved(model, tmp_path / "folder")).to_bytes()


def test_what_is_no_model_of_this_version_is_known_by_its_description() -> None:
    assert not is_of_this_version(b"")
    assert not is_of_this_version(b"\x00\x00\x00\x0d" + b'{"format": 1}')


def _saved(model: Model, folder: Path) -> Path:
    model.save(folder)
    return folder


def _unpacked(content: bytes) -> bytes:
    length = int.from_bytes(content[:4], "big")
    with zipfile.ZipFile(io.BytesIO(content[4 + length :])) as archive:
        return content[: 4 + length] + b"\n".join(archive.read(name) for name in archive.namelist())


def _names_of_parts() -> set[str]:
    parts = {"numbers", "weights", "functions", "concerned", "function", "category", "anonymous", "describes"}
    parts |= {"missing", "primary", "severity"}
    subs = [sub for found in SUBS.values() for sub in found]
    return parts | {part for name in (*Category, *MissingField, *subs) for part in name.split("_")}
