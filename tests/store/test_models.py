"""The desk's own models: sealed, numbered, proven, and gone with a case that they saw."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from cases.lifecycle import Status
from store import audit, models, records
from store.audit import Action
from store.database import Database
from store.keypairs import KeyKind
from store.keyring import newest
from store.lookups import IndexKey
from store.models import Models, NoSuchModel, UnprovenModels
from store.records import RecordKind
from store.schema import Audit, CaseFile, Record, RecordPiece
from tests.store.world import INDEX, NOW, World, make_world

FIGURES = {"cases kind": (4, 0.5, 1.0)}
LARGE = bytes(range(256)) * 10_000


def add(world: World, content: bytes, *case_ids: str) -> int:
    with world.db.begin() as session:
        return models.add(session, world.ring, INDEX, content, case_ids, FIGURES, NOW)


def in_force(world: World) -> bytes | None:
    with world.db.read() as session:
        return models.in_force(session, world.ring, INDEX)


def kept(world: World, index: IndexKey = INDEX) -> Models:
    with world.db.read() as session:
        return models.kept(session, world.ring, index)


def use(world: World, number: int) -> None:
    with world.db.begin() as session:
        models.use(session, world.ring, INDEX, number, NOW + timedelta(hours=1))


def actions(world: World) -> list[str]:
    with world.db.read() as session:
        rows = session.scalars(select(Audit).where(Audit.action.like("model%")))
        return [row.action for row in rows if row.member_id == world.ring.member_id]


def destroy(world: World, case_id: str) -> None:
    """Only the row goes, as when somebody destroyed a case who knew of no model."""
    with world.db.begin() as session:
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        session.execute(update(Audit).where(Audit.case_id == case_id).values(case_id=None))
        for table in reversed(CaseFile.metadata.sorted_tables):
            if table.name == "record_piece":
                continue
            if "message_id" in table.c and table.name in ("attachment", "lookup"):
                session.execute(delete(table))
            elif "case_id" in table.c and table.name not in ("ledger", "audit"):
                session.execute(delete(table).where(table.c.case_id == case_id))
        session.execute(delete(CaseFile).where(CaseFile.id == case_id))


def test_at_first_the_packaged_model_is_in_force(world: World) -> None:
    assert in_force(world) is None
    assert kept(world) == Models()


def test_a_new_model_is_in_force_and_the_list_says_what_it_saw(world: World) -> None:
    taken = world.open_case()
    assert add(world, LARGE, taken.case_id) == 1
    assert in_force(world) == LARGE
    (version,) = kept(world).versions
    assert (version.case_ids, version.by, version.made_at) == ((taken.case_id,), world.ring.member_id, NOW.isoformat())
    assert kept(world).seen == {taken.case_id}


def test_models_and_their_list_rest_sealed_to_the_desk(world: World) -> None:
    taken = world.open_case()
    add(world, LARGE, taken.case_id)
    with world.db.read() as session:
        to = newest(session, world.ring.desk, KeyKind.DESK)
        rows = session.scalars(select(Record).where(Record.kind.in_([RecordKind.MODEL, RecordKind.MODELS]))).all()
        assert {(row.key_pair_id, row.case_id) for row in rows} == {(to.id, None)}
        frames = [*(row.frame or b"" for row in rows), *session.scalars(select(RecordPiece.frame))]
    assert not any(LARGE[:64] in frame or taken.case_id.encode() in frame for frame in frames)


def test_one_goes_back_step_by_step_and_forward_again(world: World) -> None:
    for content in (b"one", b"two", b"three"):
        add(world, content)
    seen = []
    for _ in range(4):
        use(world, kept(world).before_current)
        seen.append(in_force(world))
    assert seen == [b"two", b"one", None, None]
    use(world, 3)
    assert in_force(world) == b"three"
    assert actions(world) == [Action.MODEL_TRAINED] * 3 + [Action.MODEL_CHOSEN] * 5


def test_there_is_no_going_to_a_model_that_is_not_there(world: World) -> None:
    with pytest.raises(NoSuchModel):
        use(world, 1)


def test_the_models_that_saw_a_case_are_destroyed_with_it_and_the_one_before_is_in_force(world: World) -> None:
    first, second = world.open_case(), world.open_case(reference="CCCCC-DDDDD")
    add(world, b"one", first.case_id)
    add(world, LARGE, first.case_id, second.case_id)
    with world.db.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == second.case_id).values(status=Status.DESTROYED))
        assert models.withdraw_outlived(session, world.ring, INDEX, NOW) == (2,)
    assert in_force(world) == b"one"
    with world.db.read() as session:
        assert len(session.scalars(select(Record).where(Record.kind == RecordKind.MODEL)).all()) == 1
        assert session.scalars(select(RecordPiece)).all() == []
    with pytest.raises(NoSuchModel):
        use(world, 2)
    use(world, 1)
    assert in_force(world) == b"one"
    assert actions(world)[-2:] == [Action.MODEL_WITHDRAWN, Action.MODEL_CHOSEN]


def test_the_number_of_a_withdrawn_model_is_given_to_no_other(world: World) -> None:
    taken = world.open_case()
    add(world, b"one", taken.case_id)
    with world.db.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == taken.case_id).values(status=Status.DESTROYED))
        models.withdraw_outlived(session, world.ring, INDEX, NOW)
    assert add(world, b"two") == 2


def test_a_model_that_saw_a_case_which_is_gone_is_not_used_whoever_destroyed_it(world: World) -> None:
    if world.db.dialect != "sqlite":
        pytest.skip("takes rows away in SQLite's way")
    taken = world.open_case()
    add(world, b"one", taken.case_id)
    destroy(world, taken.case_id)
    assert in_force(world) is None
    with world.db.begin() as session:
        assert models.withdraw_outlived(session, world.ring, INDEX, NOW) == (1,)
        assert models.withdraw_outlived(session, world.ring, INDEX, NOW) == ()
    assert [each.withdrawn for each in kept(world).versions] == [True]


def test_a_list_that_another_wrote_with_the_public_key_is_not_believed(world: World) -> None:
    with world.db.begin() as session:
        models.add(session, world.ring, IndexKey(b"x" * 32), b"theirs", [], FIGURES, NOW)
    with pytest.raises(UnprovenModels, match="not written by Meldpost"):
        in_force(world)


def test_a_model_that_another_put_in_the_place_of_ours_is_not_used(world: World) -> None:
    add(world, b"ours")
    (version,) = kept(world).versions
    name = records.Name(None, version.id, RecordKind.MODEL)
    with world.db.begin() as session:
        to = newest(session, world.ring.desk, KeyKind.DESK)
        records.add(session, name, [b"theirs"], to, NOW, version=2)
    with pytest.raises(UnprovenModels):
        in_force(world)


def test_a_damaged_model_is_said_to_be_so(world: World) -> None:
    add(world, LARGE)
    with world.db.begin() as session:
        session.execute(delete(RecordPiece))
    with pytest.raises(UnprovenModels):
        in_force(world)


def test_desks_have_models_of_their_own(db: Database) -> None:
    one, other = make_world(db, "een"), make_world(db, "twee")
    add(one, b"one")
    assert in_force(one) == b"one"
    assert in_force(other) is None


def due(world: World, form: int = 0) -> bool:
    """By the list, which takes a key ring; the trail says the same to who has none."""
    with world.db.read() as session:
        told = models.training_due(session, world.ring, INDEX, form)
        if form == 0:
            assert models.outlived_on_trail(session, world.ring.desk) == told
        return told


def teach(world: World, *case_ids: str) -> int:
    """As a training does: each case says on its trail that it was learned from."""
    with world.db.begin() as session:
        for case_id in case_ids:
            audit.write(session, world.ring.desk, Action.TAUGHT, NOW, member_id=world.ring.member_id, case_id=case_id)
    return add(world, b"model", *case_ids)


def end(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == case_id).values(status=Status.DESTROYED))


def test_a_training_is_due_from_the_moment_that_a_case_of_the_newest_model_is_gone(world: World) -> None:
    case_id = world.open_case().case_id
    assert not due(world)
    teach(world, case_id)
    assert not due(world)
    end(world, case_id)
    assert due(world)
    with world.db.begin() as session:
        assert models.withdraw_outlived(session, world.ring, INDEX, NOW) == (1,)
    assert due(world)
    add(world, b"anew")
    assert not due(world)


def test_an_older_model_that_is_gone_asks_for_nothing(world: World) -> None:
    case_id = world.open_case().case_id
    teach(world, case_id)
    teach(world)
    end(world, case_id)
    assert not due(world)


def test_a_member_who_chooses_another_model_is_reminded_no_more(world: World) -> None:
    case_id = world.open_case().case_id
    teach(world)
    teach(world, case_id)
    end(world, case_id)
    use(world, 1)
    assert not due(world)
    teach(world, "0" * 32)
    assert due(world)


def test_a_model_of_a_form_that_this_version_does_not_know_is_to_be_trained_anew(world: World) -> None:
    add(world, b"model")
    assert due(world, form=5)


def test_the_newest_older_model_that_saw_no_case_that_is_gone_takes_over(world: World) -> None:
    first, second = world.open_case().case_id, world.open_case(reference="CCCCC-DDDDD").case_id
    add(world, b"sound", first)
    add(world, b"older", second)
    add(world, b"newest", second)
    end(world, second)
    assert in_force(world) == b"sound"
    with world.db.begin() as session:
        assert models.withdraw_outlived(session, world.ring, INDEX, NOW) == (2, 3)
    assert in_force(world) == b"sound"
    assert kept(world).current == 1
