"""A model built on a pretrained pipeline: trained, saved, loaded, and refused where the pipeline is not the same."""

import json
import re
import shutil
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import spacy

from tests.triage import mails, pipelines
from triage import Triage, load
from triage.labelled import Labelled
from triage.model import ARRAYS, MODEL, NUMBERS, BadModel, BuiltOn, Model
from triage.pretrained import LONGEST, BadPipeline, Pretrained, as_trained
from triage.reading import Preparation
from triage.training import fit, prepare, usage_in

FEW = pipelines.few_mails()


def trained_on(pipeline: Path, few: list[Labelled] = FEW) -> Model:
    pretrained = Pretrained.open(str(pipeline))
    usage = usage_in(few)
    return fit(prepare(few, usage, pretrained), usage, pretrained=pretrained)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipelines.word_vectors(tmp_path_factory.mktemp("vectors"))


@pytest.fixture(scope="module")
def model(vectors: Path) -> Model:
    return trained_on(vectors)


@pytest.fixture(scope="module")
def saved(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    model.save(folder)
    return folder


# vectors of a text


def test_word_vectors_are_averaged_and_scaled_to_length_one(vectors: Path) -> None:
    table = spacy.load(vectors).vocab
    mean = (table["factuur"].vector + table["collega"].vector) / 3
    said = Pretrained.open(str(vectors)).vector("factuur qqqq collega")
    assert np.allclose(said, mean / np.linalg.norm(mean), atol=1e-6)


def test_a_layer_that_no_vectors_of_words_go_before_is_averaged(tmp_path: Path) -> None:
    nlp = spacy.load(pipelines.layer(tmp_path))
    mean = nlp("Zij nam geld aan.").tensor.mean(axis=0)
    found = Pretrained.open(str(tmp_path))
    assert found.length == 32
    assert np.allclose(found.vector("Zij nam geld aan."), mean / np.linalg.norm(mean), atol=1e-5)


def test_whatever_else_fills_the_tensor_is_averaged(tmp_path: Path) -> None:
    assert np.allclose(
        Pretrained.open(str(pipelines.component(tmp_path))).vector("aa bbbb"), np.array([3, 0.5, 1]) / np.sqrt(10.25)
    )


@pytest.mark.parametrize("name", ["transformer", "curated_transformer"])
def test_the_last_layer_of_a_transformer_is_averaged_without_its_padding(tmp_path: Path, name: str) -> None:
    found = Pretrained.open(str(pipelines.of_transformers(tmp_path, name)))
    assert np.allclose(found.vector("aa bbbb"), np.array([3, 1]) / np.sqrt(10))


@pytest.mark.parametrize("make", [pipelines.word_vectors, pipelines.layer, pipelines.component])
@pytest.mark.parametrize("text", ["", " \n", "😀", "x" * 100_000, "a.b" * 50_000, "zin. " * 50_000])
def test_any_text_has_a_vector_of_the_same_length(tmp_path: Path, make: object, text: str) -> None:
    assert callable(make)
    found = Pretrained.open(str(make(tmp_path)))
    said = found.vector(text)
    assert said.shape == (found.length,)
    assert np.isfinite(said).all()


def test_only_the_beginning_of_a_long_text_is_looked_at(vectors: Path) -> None:
    found, start = Pretrained.open(str(vectors)), "factuur " * (LONGEST // 8)
    assert np.array_equal(found.vector(start), found.vector(start + "collega " * 1000))


@pytest.mark.parametrize("make", [pipelines.word_vectors, pipelines.layer])
def test_nothing_of_a_text_is_kept(tmp_path: Path, make: object) -> None:
    assert callable(make)
    found = Pretrained.open(str(make(tmp_path)))
    found.vector("Diederik Stokvis nam dollars aan")
    vocabulary = found._nlp.vocab
    assert "Stokvis" not in vocabulary.strings
    assert "Stokvis" not in {lexeme.text for lexeme in vocabulary}


def test_a_pipeline_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(BadPipeline, match="no spaCy pipeline xx_no_such_lg: install"):
        Pretrained.open("xx_no_such_lg")


def test_a_pipeline_without_vectors_is_refused(tmp_path: Path) -> None:
    spacy.blank("xx").to_disk(tmp_path)
    with pytest.raises(BadPipeline, match="gives no vectors"):
        Pretrained.open(str(tmp_path))


def test_a_pipeline_whose_parts_are_not_installed_is_refused(tmp_path: Path) -> None:
    pipelines.component(tmp_path)
    config = tmp_path / "config.cfg"
    named = config.read_text(encoding="utf-8").replace('factory = "meldpost_test_lengths"', 'factory = "elsewhere"')
    config.write_text(named, encoding="utf-8")
    with pytest.raises(BadPipeline, match="does not load"):
        Pretrained.open(str(tmp_path))


# models built on one


def test_a_model_says_the_same_after_saving_and_loading(model: Model, saved: Path) -> None:
    before, after = Triage(model), load(saved)
    for mail in mails.ALL:
        said, again = before.understand(mail), after.understand(mail)
        assert (said.kind, said.primary, said.contact) == (again.kind, again.primary, again.contact)
        assert said.kind_scores == pytest.approx(again.kind_scores, abs=0.005)


def test_training_on_a_pipeline_is_reproducible(model: Model, vectors: Path) -> None:
    again = trained_on(vectors)
    assert again.built_on is not None
    assert model.built_on is not None
    assert np.array_equal(again.built_on.columns, model.built_on.columns)
    assert again.numbers == model.numbers


def test_a_word_that_no_mail_had_says_what_its_vector_says(model: Model) -> None:
    """The n-grams of both mails are the same; that one word counts for something is the vectors' doing. Both
    have a capital: a word that few writers use small counts as itself only without any."""
    triage, without = Triage(model), replace(model, built_on=None)
    said = [
        replace(mails.DUTCH, own_text=mails.DUTCH.own_text.replace("Toen ik", f"Een {word}, {word}, {word}. Toen ik"))
        for word in (pipelines.NEW_WORD, pipelines.NEW_WORD.upper())
    ]
    one, other = (triage.understand(mail).kind_scores for mail in said)
    assert one != pytest.approx(other, abs=1e-4)
    one, other = (Triage(without).understand(mail).kind_scores for mail in said)
    assert one == other


def test_a_model_names_its_pipeline_and_how_long_its_vectors_are(saved: Path, vectors: Path) -> None:
    told = json.loads((saved / NUMBERS).read_text())["pipeline"]
    assert told == {"name": str(vectors), "version": "1.0.0", "length": 16}


def test_a_model_built_on_none_names_none(tmp_path: Path) -> None:
    Model.load(MODEL).save(tmp_path)
    assert set(json.loads((tmp_path / NUMBERS).read_text())) == {"format", "numbers"}
    assert Model.load(tmp_path).built_on is None
    assert not Preparation().of(mails.DUTCH).vector.size


def test_no_word_of_a_mail_stands_in_the_files_of_such_a_model(saved: Path) -> None:
    names = {part for m in FEW for p in m.gold["people"] for part in re.findall("[A-Za-z]{6,}", p["name"])}
    seen = Counter(word for m in FEW for word in set(re.findall("[A-Za-z]{7,}", m.gold["body"])))
    rare = {word for word, count in seen.items() if count == 1}
    with zipfile.ZipFile(saved / ARRAYS) as archive:
        added = {name for name in archive.namelist() if name not in zipfile.ZipFile(MODEL / ARRAYS).namelist()}
        held = b"\n".join(archive.read(name) for name in archive.namelist())
    runs = {run.decode() for run in re.findall(rb"[A-Za-z]{6,}", held)}
    assert not {word for word in names | rare if any(word in run for run in runs)}
    assert added == {"pipeline.probe.npy", "pipeline.columns.npy"}
    assert set(json.loads((saved / NUMBERS).read_text())) == {"format", "numbers", "pipeline"}


# refusals


@pytest.fixture
def moved(vectors: Path, model: Model, tmp_path: Path) -> tuple[Path, BuiltOn]:
    """A folder for another pipeline, and what a model knows that takes it for its own."""
    assert model.built_on is not None
    return tmp_path / "own", replace(model.built_on, name=str(tmp_path / "own"))


def test_the_pipeline_of_training_is_accepted_where_it_stands(moved: tuple[Path, BuiltOn], vectors: Path) -> None:
    folder, built_on = moved
    shutil.copytree(vectors, folder)
    assert as_trained(built_on).length == 16


def test_a_model_whose_pipeline_is_not_installed_is_refused(moved: tuple[Path, BuiltOn]) -> None:
    with pytest.raises(BadModel, match=r"there is no spaCy pipeline .* install .* meldpost train"):
        as_trained(moved[1])


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"version": "1.0.1"}, "there is 1.0.1 .*install that version"),
        ({"width": 15}, "vectors of 15.*install that version"),
        ({"seed": 1}, "gives other vectors"),
    ],
    ids=["version", "length", "vectors"],
)
def test_a_model_whose_pipeline_is_another_is_refused(
    moved: tuple[Path, BuiltOn], other: dict[str, int], reason: str
) -> None:
    folder, built_on = moved
    pipelines.word_vectors(folder, **other)  # type: ignore[arg-type]
    with pytest.raises(BadModel, match=reason):
        as_trained(built_on)


def test_loading_refuses_too(model: Model, moved: tuple[Path, BuiltOn], tmp_path: Path) -> None:
    replace(model, built_on=moved[1]).save(tmp_path / "model")
    with pytest.raises(BadModel, match="meldpost train"):
        load(tmp_path / "model")


def test_a_model_that_lost_what_it_makes_of_its_pipeline_is_refused(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    with np.load(saved / ARRAYS) as archive:
        np.savez(tmp_path / ARRAYS, **{n: archive[n] for n in archive.files if n != "pipeline.columns"})
    with pytest.raises(BadModel, match="not whole"):
        load(tmp_path)
