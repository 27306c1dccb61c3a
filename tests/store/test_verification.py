"""Whoever writes to the database, but has not the trail key, changes nothing of the trail unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from store.checkpoints import Checkpoint
from store.database import Database, open_database
from store.schema import new_id
from store.signing import SigningKey
from store.verification import Fault, Wrong
from tests.store import trail
from tests.store.trail import (
    AUDIT,
    CHECKPOINTS,
    DESK,
    KEY,
    chains,
    checkpoint,
    forge_checkpoint,
    hashed_anew,
    make_desk,
    remove_checkpoints,
    replace,
    rows,
    trail_of_three_chains,
    verify,
    write,
)
from tests.store.world import NOW, folder_in_memory

ROWS = 12
OTHER = SigningKey(b"o" * 32)
COLUMNS = sorted({column.name for column in AUDIT.columns} - {"id"})
OF_A_CHAIN = {"chain_id", "number"}


@dataclass(frozen=True)
class Kept:
    """A trail in a file, and the copy of its checkpoints that is kept outside."""

    file: Path
    outside: list[bytes]


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    with folder_in_memory() as folder:
        outside = trail_of_three_chains(Path(folder))
        yield Kept(Path(folder) / "trail.db", outside)


class Attacked:
    """A copy of the trail, to be spoilt."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._folder = folder_in_memory()

    def __enter__(self) -> Database:
        folder = self._folder.__enter__()
        shutil.copy(self._kept.file, folder)
        self.db = open_database(f"sqlite:///{folder}/trail.db")
        return self.db

    def __exit__(self, *_: object) -> None:
        self.db.close()
        self._folder.cleanup()


positions = st.integers(min_value=0, max_value=ROWS - 1)


def other(value: Any, column: str) -> Any:
    """Another value of the same kind."""
    match value:
        case None if column in ("sha256", "detail", "detail_sha256", "previous", "hash"):
            return b"x" * 32
        case None if column == "record_version":
            return 7
        case None:
            return "x" * 16
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
        case str():
            return "look" if column == "action" else value[::-1] + "x"
        case int():
            return value + 1
        case _:
            return value + timedelta(seconds=1)


def first(db: Database, outside: list[bytes]) -> Fault:
    found = verify(db, outside)
    assert not found.is_sound
    return found.faults[0]


def test_a_trail_that_nobody_touched_is_sound_and_wholly_covered(kept: Kept) -> None:
    with Attacked(kept) as db:
        found = verify(db, kept.outside)
        assert found.is_sound
        assert (found.rows, found.chains, found.checkpoints) == (ROWS, 3, 3)
        assert (found.uncovered, found.unhashed, found.gone) == (None, None, 0)


def test_the_rows_since_the_last_checkpoint_are_named_as_covered_by_none(kept: Kept) -> None:
    with Attacked(kept) as db:
        write(db, 3, NOW + timedelta(hours=1))
        found = verify(db, kept.outside)
        assert found.is_sound
        assert found.uncovered is not None
        assert (found.uncovered.rows, found.uncovered.first_id, found.uncovered.last_id) == (3, ROWS + 1, ROWS + 3)


@settings(max_examples=150, deadline=None)
@given(positions, st.sampled_from([name for name in COLUMNS if name not in {*OF_A_CHAIN, "desk"}]))
def test_a_row_of_which_one_column_was_changed_is_named(kept: Kept, position: int, column: str) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        row = found[position]
        row[column] = other(row[column], column)
        replace(db, found)
        fault = first(db, kept.outside)
        assert (fault.wrong, fault.row_id, fault.chain_id) == (Wrong.CHANGED, row["id"], row["chain_id"])
        assert fault.up_to == row["id"]


@settings(max_examples=100, deadline=None)
@given(positions, st.sampled_from(["action", "at", "member_id", "case_id", "detail_sha256"]), st.booleans())
def test_who_computes_hashes_anew_is_found_by_the_next_checkpoint(
    kept: Kept, position: int, column: str, whole_chain: bool
) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        row = found[position]
        row[column] = other(row[column], column)
        if column == "detail_sha256":
            row["detail"] = None
        chain = chains(found)[row["chain_id"]]
        start = chain.index(row)
        if whole_chain:
            hashed_anew(chain, start)
        else:
            row["hash"] = trail.row_hash(row)
        replace(db, found)
        fault = first(db, kept.outside)
        assert fault.wrong is Wrong.CHANGED
        assert fault.row_id in span_of(kept, chain, row)
        assert fault.up_to is not None
        assert fault.up_to >= row["id"]
        if not whole_chain:
            assert fault.up_to == row["id"] or start + 1 == len(chain)


def span_of(kept: Kept, chain: list[dict[str, Any]], row: dict[str, Any]) -> list[int]:
    """The ids between the checkpoint before a row and the row: the first bad one cannot be told more exactly."""
    read = [Checkpoint.read(line, KEY.public) for line in kept.outside]
    heads = [head for each in read for head in each.heads if head.chain_id == row["chain_id"]]
    vouched = max((head.row_id for head in heads if head.row_id < row["id"]), default=0)
    return [each["id"] for each in chain if vouched < each["id"] <= row["id"]]


@settings(max_examples=60, deadline=None)
@given(st.sets(positions, min_size=1, max_size=4))
def test_rows_that_were_removed_are_missed_where_they_stood(kept: Kept, gone: set[int]) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        replace(db, [row for position, row in enumerate(found) if position not in gone])
        fault = first(db, kept.outside)
        assert fault.wrong is Wrong.REMOVED
        assert (fault.chain_id, fault.number) in {(found[each]["chain_id"], found[each]["number"]) for each in gone}


@settings(max_examples=60, deadline=None)
@given(positions)
def test_a_removal_is_found_behind_numbers_and_hashes_computed_anew(kept: Kept, position: int) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        row = found.pop(position)
        chain = chains(found).get(row["chain_id"], [])
        hashed_anew(chain, row["number"] - 1)
        replace(db, found)
        fault = first(db, kept.outside)
        assert fault.row_id is None or fault.row_id <= row["id"] + 1 or fault.number <= row["number"]


@settings(max_examples=60, deadline=None)
@given(positions, st.booleans(), st.booleans())
def test_a_row_that_was_put_in_is_named(kept: Kept, position: int, renumbered: bool, with_an_old_id: bool) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        model = found[position]
        new = {**model, "action": "look", "subject_id": new_id(), "detail": None, "detail_sha256": None}
        for row in found[position + 1 :]:
            row["id"] += 1 if with_an_old_id else 0
        new["id"] = model["id"] + 1 if with_an_old_id else ROWS + 1
        found.append(new)
        new["hash"] = trail.row_hash(new)
        if renumbered:
            chain = sorted(chains(found)[model["chain_id"]], key=lambda row: (row["number"], row["id"]))
            hashed_anew(chain, chain.index(new))
        replace(db, found)
        verdict = verify(db, kept.outside)
        faults = verdict.faults
        at_the_end = renumbered and new is chains(found)[new["chain_id"]][-1] and new["id"] > ROWS
        assert faults or (at_the_end and verdict.uncovered)  # a new row at the end is one that any writer may write
        if not renumbered:
            assert (Wrong.INSERTED, new["id"]) in {(fault.wrong, fault.row_id) for fault in faults}


@settings(max_examples=40, deadline=None)
@given(positions)
def test_a_chain_that_was_put_into_the_past_is_named(kept: Kept, position: int) -> None:
    """All its hashes are right, and it follows a row that is there."""
    with Attacked(kept) as db:
        found = rows(db)
        follows = found[position]
        for row in found[position + 1 :]:
            row["id"] += 1
        new = {**follows, "id": follows["id"] + 1, "chain_id": new_id(), "number": 1, "previous": follows["hash"]}
        new["hash"] = trail.row_hash(new)
        replace(db, [*found, new])
        named = {(fault.wrong, fault.row_id) for fault in verify(db, kept.outside).faults}
        assert (Wrong.INSERTED, new["id"]) in named or position == ROWS - 1


@settings(max_examples=60, deadline=None)
@given(positions, positions, st.sampled_from(["ids", "numbers", "all but the place"]))
def test_rows_that_changed_places_are_named(kept: Kept, one: int, two: int, what: str) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        a, b = found[one], found[two]
        if a["chain_id"] != b["chain_id"] or one == two:
            return
        names = {"ids": ["id"], "numbers": ["number"]}.get(what)
        for name in names or set(COLUMNS) - {"number", "chain_id", "previous"}:
            a[name], b[name] = b[name], a[name]
        replace(db, found)
        fault = first(db, kept.outside)
        assert fault.wrong in ((Wrong.REORDERED,) if what == "ids" else (Wrong.CHANGED, Wrong.REORDERED))
        named = {row["id"] for row in chains(found)[a["chain_id"]] if fault.row_id is not None}
        assert fault.row_id in named
        assert fault.row_id <= max(a["id"], b["id"])


def test_rows_that_changed_places_where_no_checkpoint_has_either_are_named(kept: Kept) -> None:
    with Attacked(kept) as db:
        write(db, 3, NOW + timedelta(hours=1))
        found = rows(db)
        found[-1]["id"], found[-2]["id"] = found[-2]["id"], found[-1]["id"]
        replace(db, found)
        assert first(db, kept.outside).wrong is Wrong.REORDERED


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=0, max_value=ROWS - 1))
def test_a_tail_that_was_cut_off_is_missed(kept: Kept, left: int) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        replace(db, found[:left])
        faults = verify(db).faults
        assert faults
        assert faults[0].wrong is Wrong.REMOVED
        assert sum(fault.rows for fault in faults if fault.chain_id) >= ROWS - left


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=0, max_value=ROWS - 1), st.integers(min_value=1, max_value=3), st.booleans())
def test_a_tail_cut_off_with_the_checkpoints_that_saw_it_is_missed_by_the_copy_outside(
    kept: Kept, left: int, from_checkpoint: int, goes_on: bool
) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        replace(db, found[:left])
        remove_checkpoints(db, from_checkpoint, 4)
        if goes_on and left:
            write(db, 2, NOW + timedelta(hours=1))
            checkpoint(db, NOW + timedelta(hours=1))
        faults = verify(db, kept.outside).faults
        assert faults[0].wrong in (Wrong.REMOVED, Wrong.CHANGED)
        assert {fault.wrong for fault in faults} & {Wrong.CHECKPOINT_REMOVED, Wrong.CHECKPOINT_DIFFERS}


def test_a_row_given_to_another_desk_is_missed_at_its_own_and_named_at_the_other(kept: Kept) -> None:
    from store.members import create_desk
    from store.verification import verify as verify_desk

    with Attacked(kept) as db:
        with db.begin() as session:
            create_desk(session, "steunpunt", NOW)
            session.execute(update(AUDIT).where(AUDIT.c.id == 5).values(desk="steunpunt"))
        assert first(db, kept.outside).wrong is Wrong.REMOVED
        with db.read() as session:
            assert not verify_desk(session, "steunpunt", KEY.public).is_sound


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_checkpoint_that_was_changed_or_signed_with_another_key_is_named(kept: Kept, number: int) -> None:
    line = kept.outside[number - 1]
    read = Checkpoint.read(line, KEY.public)
    for forged in (line.replace(b'"rows":', b'"rows":1'), read.signed(OTHER), b"{}", b"\xff", line + b" "):
        with Attacked(kept) as db:
            forge_checkpoint(db, number, line=forged)
            faults = verify(db).faults
            assert Fault(Wrong.CHECKPOINT_FORGED, number) in faults


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_checkpoint_that_was_removed_is_named(kept: Kept, number: int) -> None:
    with Attacked(kept) as db:
        remove_checkpoints(db, number, number + 1)
        assert Fault(Wrong.CHECKPOINT_REMOVED, number) in verify(db, kept.outside).faults
        assert (Fault(Wrong.CHECKPOINT_REMOVED, number) in verify(db).faults) is (number < 3)


def test_checkpoints_that_changed_places_are_named(kept: Kept) -> None:
    with Attacked(kept) as db:
        forge_checkpoint(db, 1, line=kept.outside[1])
        forge_checkpoint(db, 2, line=kept.outside[0])
        assert {fault.number for fault in verify(db).faults if fault.wrong is Wrong.CHECKPOINT_FORGED} == {1, 2}


@pytest.mark.parametrize("where", ["in the copy outside", "in the database"])
def test_two_genuine_checkpoints_of_one_number_tell_of_a_trail_that_was_set_back(tmp_path: Path, where: str) -> None:
    """Somebody puts the database of before back and goes on differently; the signer signs both."""
    lines = []
    for name in ("first", "second"):
        db = open_database(f"sqlite:///{tmp_path}/{name}.db")
        make_desk(db)
        for at in (NOW, NOW + timedelta(minutes=1)):
            write(db, 3, at)
            lines.append(checkpoint(db, at) or b"")
    outside = lines[:2] if where == "in the copy outside" else None
    if outside is None:
        with db.begin() as session:
            of_before = update(CHECKPOINTS).where(CHECKPOINTS.c.number == 1).values(line=lines[0])
            session.execute(of_before)
    faults = {(fault.wrong, fault.number) for fault in verify(db, outside).faults}
    assert (Wrong.CHECKPOINT_DIFFERS, 1) in faults


def test_a_copy_of_which_a_line_was_changed_or_taken_out_says_so(kept: Kept) -> None:
    with Attacked(kept) as db:
        one, two, three = kept.outside
        assert Fault(Wrong.CHECKPOINT_FORGED, 0) in verify(db, [one, two.replace(b"1", b"2"), three]).faults
        assert Fault(Wrong.CHECKPOINT_REMOVED, 2) in verify(db, [one, three]).faults
        assert verify(db, [two, three]).is_sound  # a copy may begin later
        assert verify(db, [one, two]).is_sound  # or be older


def test_a_copy_may_hold_the_lines_of_other_desks_too(kept: Kept) -> None:
    foreign = Checkpoint("steunpunt", 1, NOW, 1, 1, (), bytes(32)).signed(OTHER)
    with Attacked(kept) as db:
        assert verify(db, [foreign, *kept.outside]).is_sound


def test_a_checkpoint_of_another_desk_signed_with_the_same_key_counts_for_nothing(kept: Kept) -> None:
    foreign = Checkpoint("steunpunt", 1, NOW, 1, 1, (), bytes(32)).signed(KEY)
    with Attacked(kept) as db:
        forge_checkpoint(db, 1, line=foreign)
        assert Fault(Wrong.CHECKPOINT_FORGED, 1) in verify(db).faults


def test_without_the_trail_key_no_checkpoint_counts(kept: Kept) -> None:
    with Attacked(kept) as db:
        found = verify(db, kept.outside, key=None)
        assert found.is_sound
        assert found.uncovered is not None
        assert (found.checkpoints, found.uncovered.rows) == (0, ROWS)


def test_who_hides_what_checkpoints_cover_from_the_signer_is_found(kept: Kept) -> None:
    """The table that tells it is not signed: a chain that it hides is covered by no later checkpoint."""
    with Attacked(kept) as db:
        write(db, 2, NOW + timedelta(hours=1))
        chain_id = rows(db)[-1]["chain_id"]
        with db.begin() as session:
            session.connection().exec_driver_sql(
                "INSERT INTO audit_covered (chain_id, desk, number) VALUES (?, ?, 99)", (chain_id, DESK)
            )
        write(db, 1, NOW + timedelta(hours=1))
        assert checkpoint(db, NOW + timedelta(hours=1)) is None
        found = verify(db)
        assert found.uncovered is not None
        assert found.uncovered.rows == 3


def test_a_detail_that_was_taken_away_is_named(kept: Kept) -> None:
    with Attacked(kept) as db:
        found = rows(db)
        taken = found[1]
        with db.begin() as session:
            session.execute(update(AUDIT).where(AUDIT.c.id == taken["id"]).values(detail=None))
        fault = first(db, kept.outside)
        assert (fault.wrong, fault.row_id) == (Wrong.CHANGED, taken["id"])
        assert verify(db).gone == 0


def test_nothing_is_signed_where_nothing_was_written(kept: Kept) -> None:
    with Attacked(kept) as db:
        assert checkpoint(db) is None
        assert checkpoint(db, all_rows=True) is None
        write(db)
        line = checkpoint(db)
        assert line is not None
        read = Checkpoint.read(line, KEY.public)
        assert (read.number, read.rows, len(read.heads)) == (4, ROWS + 1, 1)


def test_a_checkpoint_is_one_line_in_one_form(kept: Kept) -> None:
    for number, line in enumerate(kept.outside, 1):
        assert b"\n" not in line
        read = Checkpoint.read(line, KEY.public)
        assert read.number == number
        assert read.signed(KEY) == line


def test_the_signer_looks_only_at_new_rows(kept: Kept) -> None:
    from store.checkpoints import _NEW

    with Attacked(kept) as db, db.read() as session:
        statement = str(_NEW.compile(session.get_bind()))
        connection = session.connection()
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, (5,)).all()
        assert any("USING INTEGER PRIMARY KEY (rowid>?)" in row[3] for row in plan), plan


@pytest.mark.parametrize("column", sorted({*COLUMNS} - {"desk", "chain_id"}))
@pytest.mark.parametrize("value", ["'garbage'", "3.5", "x'00ff'"], ids=["text", "fraction", "bytes"])
def test_a_value_of_a_type_that_the_column_has_not_is_named_and_stops_nothing(
    kept: Kept, column: str, value: str
) -> None:
    with Attacked(kept) as db:
        row = rows(db)[6]
        with db.begin() as session:
            session.connection().exec_driver_sql(f"UPDATE audit SET {column} = {value} WHERE id = {row['id']}")
        found = verify(db, kept.outside)
        assert (Wrong.CHANGED, row["id"]) in {(each.wrong, each.row_id) for each in found.faults}


@pytest.mark.parametrize("value", ["'garbage'", "3", "x'00ff'"], ids=["text", "number", "bytes"])
def test_a_row_in_a_chain_that_is_none_is_named_and_stops_nothing(kept: Kept, value: str) -> None:
    with Attacked(kept) as db:
        row = rows(db)[6]
        with db.begin() as session:
            session.connection().exec_driver_sql(f"UPDATE audit SET chain_id = {value} WHERE id = {row['id']}")
        assert row["id"] in {each.row_id for each in verify(db, kept.outside).faults}
