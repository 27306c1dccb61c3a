"""`meldpost train` on a pretrained pipeline, and everything that then uses the model."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.settings import Settings, load
from ingest.errors import NotIsolated, NurseryGone
from ingest.isolation import is_isolated
from ingest.nurseries import nurseries
from meldpost.cli import main
from tests.config.test_settings import GOOD
from tests.triage import mails, pipelines
from triage import Triage
from triage import load as load_model
from triage.labelled import CORPUS
from triage.model import NUMBERS

SAMPLE = Path(__file__).resolve().parents[2] / "meldpost" / "samples" / "02-afdeling.eml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for writer in ("t1", "t2", "t3"):
        lines = (CORPUS / f"{writer}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{writer}.jsonl").write_text("".join(lines[::10]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=["word_vectors", "layer"])
def config(request: pytest.FixtureRequest, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration that names a pipeline and a model, which was trained by it."""
    folder = tmp_path_factory.mktemp("installation")
    getattr(pipelines, request.param)(folder / "vectors")
    path = folder / "meldpost.toml"
    path.write_text(f'{GOOD}\n[triage]\nmodel = "model"\npipeline = "./vectors"\n', encoding="utf-8")
    result = run("train", "--config", path, "--corpus", corpus)
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def settings(config: Path) -> Settings:
    return load(config)


def test_the_model_and_the_pipeline_are_those_of_the_settings(config: Path) -> None:
    told = json.loads((config.parent / "model" / NUMBERS).read_text())["pipeline"]
    assert told["name"] == str(config.parent / "vectors")


def test_the_daemons_worker_understands_a_mail_with_it_in_isolation(settings: Settings) -> None:
    own: Triage = load_model(settings.triage.model)
    try:
        with nurseries(settings) as (_, understanders):
            assert is_isolated(understanders.nursery.layers)
            for mail in mails.ALL:
                assert understanders.understand(mail).to_wire() == own.understand(mail).to_wire()
    except NotIsolated as error:
        pytest.skip(str(error))


def test_the_command_triage_uses_the_model_of_its_configuration_or_the_one_that_is_named(config: Path) -> None:
    scores = [
        json.loads(run("triage", "--jsonl", "--isolation", "limits-only", *more, SAMPLE).stdout)["kind_scores"]
        for more in (["--config", config], ["--model", config.parent / "model"], [])
    ]
    assert scores[0] == scores[1] != scores[2]


def test_without_the_pipeline_the_daemon_says_what_to_do_and_does_not_start(settings: Settings) -> None:
    assert settings.triage.model is not None
    pipeline = Path(settings.triage.pipeline)
    pipeline.rename(pipeline.with_name("away"))
    try:
        with pytest.raises(NurseryGone, match=r"install that package.* meldpost train"), nurseries(settings):
            pass
        refused = run("triage", "--model", settings.triage.model, "--isolation", "limits-only", SAMPLE)
    finally:
        pipeline.with_name("away").rename(pipeline)
    assert refused.exit_code == 1
    assert "install that package" in refused.output


def test_a_pipeline_that_is_not_there_trains_nothing(corpus: Path, tmp_path: Path) -> None:
    result = run("train", "--corpus", corpus, "--model", tmp_path / "model", "--pipeline", "xx_no_such_lg")
    assert result.exit_code == 1
    assert "Nothing was trained: there is no spaCy pipeline xx_no_such_lg" in result.output
    assert not (tmp_path / "model").exists()


def test_the_model_that_comes_with_meldpost_is_never_built_on_one(corpus: Path) -> None:
    result = run("train", "--corpus", corpus, "--pipeline", "xx_no_such_lg")
    assert result.exit_code == 2
    assert "--model" in result.output


def test_what_a_pipeline_gives_can_be_measured(corpus: Path, tmp_path: Path) -> None:
    pipeline, said = pipelines.word_vectors(tmp_path / "vectors"), []
    for name, given in (("with", ["--pipeline", pipeline]), ("without", [])):
        result = run("evaluate", "--corpus", corpus, "--folds", "3", "--answers", tmp_path / name, *given)
        assert result.exit_code == 0, result.output
        said.append((tmp_path / name).read_text("utf-8").splitlines())
    assert len(said[0]) == len(said[1])
    assert said[0] != said[1]


def test_the_figures_of_the_documents_are_of_the_model_that_comes_with_meldpost(tmp_path: Path) -> None:
    result = run("evaluate", "--docs", tmp_path, "--pipeline", "xx_no_such_lg")
    assert result.exit_code == 2


def test_nothing_is_measured_on_a_pipeline_that_is_not_there() -> None:
    result = run("evaluate", "--pipeline", "xx_no_such_lg")
    assert result.exit_code == 1
    assert "Nothing was measured: there is no spaCy pipeline" in result.output
