"""The model: numbers only, made the same way twice, refused when it is none."""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import spacy

from config.taxonomy import SUBS, Category, Kind, MissingField
from tests.triage import mails
from triage import load
from triage.evaluation import answers, by_language, figures
from triage.labelled import read
from triage.model import ARRAYS, FORMAT, MODEL, NUMBERS, BadModel
from triage.pipeline import Triage
from triage.training import fit, prepare, usage_in


def test_the_model_holds_arrays_of_numbers_and_nothing_else() -> None:
    with np.load(MODEL / ARRAYS, allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fiu" for name in archive.files)
    assert all(isinstance(v, float | int) for v in json.loads((MODEL / NUMBERS).read_text())["numbers"].values())


def test_no_name_or_rare_word_of_the_corpus_stands_in_a_model_file(tmp_path: Path) -> None:
    names: set[str] = set()
    seen: Counter[str] = Counter()
    for labelled in read():
        names.update(part for p in labelled.gold["people"] for part in re.findall(r"[^\W\d_]{6,}", p["name"]))
        seen.update(set(re.findall(r"[^\W\d_]{7,}", labelled.gold["body"])))
    rare = {word for word, count in seen.items() if count == 1}
    with zipfile.ZipFile(MODEL / ARRAYS) as archive:
        held = [archive.read(name) for name in archive.namelist()]
    spacy.blank("xx").to_disk(tmp_path)  # what any pipeline says of itself
    usual = {
        *_runs(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()),
        "meldpost",
        "component",
        "concerned",
        "category",  # the parts of a model have names: see the next test
    }
    runs = _runs([*held, *(file.read_bytes() for file in MODEL.iterdir() if file.name != ARRAYS)]) - usual
    joined = " ".join(runs)
    assert not {word for word in names | rare if word in joined}


def _runs(contents: Iterable[bytes]) -> set[str]:
    """Stretches of letters, of any script."""
    return set(re.findall(r"[^\W\d_]{6,}", b"\n".join(contents).decode("utf-8", "replace")))


def test_what_is_written_out_in_a_model_names_its_parts_alone() -> None:
    with zipfile.ZipFile(MODEL / ARRAYS) as archive:
        written = " ".join([*archive.namelist(), *json.loads((MODEL / NUMBERS).read_text())["numbers"]])
    vocabulary = {*Kind, *Category, *MissingField, *(s for subs in SUBS.values() for s in subs)}
    for word in sorted(vocabulary, key=len, reverse=True):
        written = written.replace(word, "")
    parts = "vocabulary heads text tagger names functions moves word_idf char_idf npy missing category sub sure"
    arrays = "weights codes scale bias"
    heads = "kind primary describes anonymous severity concerned name function"
    assert set(re.findall(r"[a-z_]+", written)) <= {*parts.split(), *arrays.split(), *heads.split()}


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="meldpost train"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("described", "lost"),
    [
        ("[]", None),
        (f'{{"format": {FORMAT}}}', None),
        (f'{{"format": {FORMAT}, "numbers": {{}}}}', None),
        (f'{{"format": {FORMAT}, "numbers": []}}', None),
        (None, "heads.kind.weights"),
        (None, "text.codes"),
    ],
)
def test_a_model_that_is_not_whole_is_refused(tmp_path: Path, described: str | None, lost: str | None) -> None:
    with np.load(MODEL / ARRAYS, allow_pickle=False) as archive:
        np.savez(tmp_path / ARRAYS, **{name: archive[name] for name in archive.files if name != lost})
    (tmp_path / NUMBERS).write_text(described or (MODEL / NUMBERS).read_text())
    with pytest.raises(BadModel, match="meldpost train"):
        load(tmp_path)


def test_a_pickle_in_place_of_numbers_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / ARRAYS, word_idf=np.array([{"a": 1}], dtype=object))
    (tmp_path / NUMBERS).write_text('{"format": 1, "numbers": {}}')
    with pytest.raises(BadModel):
        load(tmp_path)


def test_training_is_reproducible_and_survives_saving(tmp_path: Path) -> None:
    few = [m for m in read() if m.writer in ("t1", "t2", "t22")]
    usage = usage_in(few)
    examples = prepare([m for i, m in enumerate(few) if i % 6 == 0], usage)
    first, second = fit(examples, usage, seed=3), fit(examples, usage, seed=3)
    assert first.numbers == second.numbers
    assert np.array_equal(first.text.codes, second.text.codes)
    assert np.array_equal(first.tagger.weights, second.tagger.weights)
    first.save(tmp_path)
    said, again = Triage(first).understand(mails.DUTCH), load(tmp_path).understand(mails.DUTCH)
    assert said.kind is again.kind
    assert said.primary is again.primary
    assert said.contact == again.contact
    measured = by_language(answers(Triage(first), examples))
    assert 0 <= measured["all"]["concerned_name_f1"] <= 1
    assert measured["all"]["language_accuracy"] > 0.95


def test_perfect_answers_measure_as_perfect() -> None:
    assert figures([])["mails"] == 0
