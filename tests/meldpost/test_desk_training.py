"""A desk trains a model from its own decisions: sealed, listed, gone back from, and withdrawn with a case."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from config.settings import DatabaseSettings
from meldpost import at_desk as member_here
from meldpost import desk_training, hygiene
from meldpost.at_desk import AtDesk
from meldpost.cli import main
from meldpost.init import Made
from store import audit, casework, changes, models
from store.audit import Action
from store.members import WrongLogin
from store.schema import Audit
from tests.desk.world import DATABASE, DESK, LOGIN, PASSPHRASE, World, make_world, prepare
from tests.meldpost import plans
from tests.triage.test_relearning import part_of_the_corpus
from triage.labelled import read
from triage.model import Model

SECOND_PASSPHRASE = "een andere zin dan die van het lid"


@pytest.fixture(autouse=True)
def _dumps_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command forbids the whole process to leave dumps, which other tests look for."""
    monkeypatch.setattr(hygiene, "no_core_dumps", lambda: None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, list[str], list[str]]]:
    """A desk with twelve decided cases and one undecided, after a training; what the training said."""
    folder = tmp_path_factory.mktemp("training")
    world = make_world(prepare(tmp_path_factory.mktemp("prepared")), folder / "desk")
    mails = [m for m in read() if m.writer == "t30" and m.gold["kind"] == "overig"][:12]
    case_ids = []
    for m in mails:
        taken = world.new_case(subject=m.mail.subject, own_text=m.mail.own_text, quoted_text=m.mail.quoted_text)
        with world.database.begin() as session:
            decided = {"kind": "overig"}
            changes.decide(session, world.ring, world.index, taken.case_id, decided, version=1, now=world.clock.now)
        case_ids.append(taken.case_id)
    world.new_case()
    said: list[str] = []
    with at_desk(world) as here:
        assert desk_training.train(here, said.append, lambda _: None, part_of_the_corpus(folder / "few"))
    yield world, case_ids, said
    world.close()


@contextmanager
def at_desk(world: World, passphrase: str = PASSPHRASE) -> Iterator[AtDesk]:
    database = DatabaseSettings(url=f"sqlite:///{world.secrets.directory.parent / DATABASE}")
    settings = world.settings.model_copy(update={"database": database})
    with member_here.at_desk(settings, DESK, LOGIN, passphrase) as here:
        yield here


def test_both_measures_are_said_and_the_new_model_is_in_force(trained: tuple[World, list[str], list[str]]) -> None:
    world, case_ids, (table, end) = trained
    assert "before" in table
    assert [line.split()[:2] for line in table.splitlines()[1:]] == [
        [of, name] for of in ("corpus", "cases") for name in ("kind", "primary", "severity", "names")
    ]
    assert end.startswith("Model 1 is in force; it has seen 12 cases.")
    with world.database.read() as session:
        (version,) = models.kept(session, world.ring, world.index).versions
    assert sorted(version.case_ids) == sorted(case_ids)


def test_each_case_that_was_learned_from_says_so_on_its_trail(trained: tuple[World, list[str], list[str]]) -> None:
    world, case_ids, _ = trained
    with world.database.read() as session:
        rows = session.scalars(select(Audit).where(Audit.action == Action.TAUGHT)).all()
    assert sorted(row.case_id or "" for row in rows) == sorted(case_ids)
    assert {row.member_id for row in rows} == {world.ring.member_id}
    with world.database.begin() as session:
        view = casework.view_case(session, world.ring, case_ids[0], world.clock.now)
    assert Action.TAUGHT in [event.action for event in view.timeline]


def test_the_desks_model_is_one_that_can_be_loaded(trained: tuple[World, list[str], list[str]], tmp_path: Path) -> None:
    world, _, _ = trained
    with world.database.read() as session:
        content = models.in_force(session, world.ring, world.index)
    assert content is not None
    (tmp_path / "model").write_bytes(content)
    assert Model.load(tmp_path / "model").to_bytes()[:4] == content[:4]


def test_one_goes_back_to_the_packaged_model_and_forward_again(trained: tuple[World, list[str], list[str]]) -> None:
    world, _, _ = trained
    with at_desk(world) as here:
        assert desk_training.back(here) == "The model that comes with Meldpost is in force."
        assert desk_training.listing(here).splitlines()[0].startswith("*   0")
        assert desk_training.use(here, 1) == "Model 1 is in force."
        assert desk_training.listing(here).splitlines()[1].startswith("*   1")


def test_where_a_person_acts_from_is_said_only_while_they_act(trained: tuple[World, list[str], list[str]]) -> None:
    world, _, _ = trained

    def act() -> None:
        with at_desk(world):
            assert audit.PLACE.get() == audit.COMMAND_LINE

    context = Context()
    context.run(act)
    assert context.run(audit.PLACE.get) == ""


def test_another_passphrase_opens_nothing_and_stands_on_the_trail(trained: tuple[World, list[str], list[str]]) -> None:
    world, _, _ = trained
    with pytest.raises(WrongLogin), at_desk(world, SECOND_PASSPHRASE):
        pass
    with world.database.read() as session:
        assert session.scalars(select(Audit).where(Audit.action == Action.LOGIN_FAILED)).all()


def command(made: Made, *arguments: str, passphrase: str = plans.PASSPHRASE) -> Result:
    given = ["train", "-c", str(made.config), "--from-desk", "desk-a", "--login", "co", *arguments]
    return CliRunner().invoke(main, given, input=io.BytesIO(passphrase.encode() + b"\n"))


def test_a_new_desk_has_the_packaged_model_and_too_few_cases_to_learn_from(made: Made) -> None:
    listed = command(made, "--list")
    assert (listed.exit_code, "*   0  comes with Meldpost" in listed.output) == (0, True), listed.output
    trained = command(made)
    assert (trained.exit_code, "takes at least 10" in trained.output) == (1, True), trained.output
    used = command(made, "--use", "3")
    assert (used.exit_code, "There is no model 3" in used.output) == (1, True), used.output
    wrong = command(made, "--list", passphrase="iets anders")
    assert (wrong.exit_code, "passphrase is wrong" in wrong.output) == (1, True), wrong.output


@pytest.mark.parametrize(
    "arguments",
    [["--list"], ["--from-desk", "desk-a"], ["--from-desk", "desk-a", "--login", "co", "--list", "--back"]],
)
def test_half_a_question_is_refused_before_anything_is_trained(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, ["train", *arguments])
    assert done.exit_code == 2


def test_a_model_that_saw_cases_is_written_to_no_folder(made: Made, tmp_path: Path) -> None:
    done = command(made, "--model", str(tmp_path / "model"))
    assert (done.exit_code, "leave out --model" in done.output) == (2, True)
