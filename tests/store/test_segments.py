"""The sealed segments: who opens them, what a disk shows of them, and how a case gets out of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from store import changes, folding, rekeying, rotation, rows, segments
from store.keypairs import KeyKind, generate
from store.keyring import KeyRing, add_pair, pair, seal_seed
from store.records import RecordKind
from store.rekeying import Recipients
from store.schema import CaseFile, KeyPair, SealedSeed, Segment, SegmentCase, SegmentPiece
from store.search import Query, SearchIndex
from store.segment_index import Document, SegmentIndex
from store.segments import Audience, Withdrawn
from tests.store.search_world import about, another_member, find, grant, keep_from_the_desk, note, ready
from tests.store.world import INDEX, NOW, World, damage

RARE = "xylofoonkwestie"


def opened(world: World, ring: KeyRing) -> list[bytes]:
    """All segments that these keys open, by any of them."""
    found = []
    with world.db.read() as session:
        for row in session.scalars(select(Segment)).all():
            stored = segments.Stored(row.id, row.key_pair_id, row.cases, row.dead)
            for private in ring.privates.values():
                audience = Audience(row.key_pair_id, private, frozenset(), frozenset(), is_desk=True)
                image = segments.opened(session, world.ring.desk, audience, stored)
                found += [image] if image else []
    return found


def count(world: World) -> int:
    with world.db.read() as session:
        return session.scalars(select(func.count()).select_from(Segment)).one()


def open_cases(world: World, texts: list[str]) -> list[str]:
    return [
        world.open_case(about(text), reference=f"{number + 22222}-AAAAA").case_id for number, text in enumerate(texts)
    ]


def test_nothing_that_is_searched_is_readable_on_disk(world: World, tmp_path: Path) -> None:
    (case_id,) = open_cases(world, [f"een {RARE}"])
    index = ready(world)
    note(world, case_id, RARE)
    index.refresh(world.db, world.ring, now=NOW)
    assert find(world, index, RARE).case_ids
    if world.db.dialect == "sqlite":
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert any(path.name == "meldpost.db" for path in files)
        assert not [path for path in files if RARE.encode() in path.read_bytes() or b"xylofoon" in path.read_bytes()]


def test_the_index_is_in_no_file_of_the_process(world: World) -> None:
    """Not in one without a name, either: a mapping or a descriptor would show."""
    open_cases(world, [f"een {RARE} {number}" for number in range(40)])

    def mapped() -> set[str]:
        lines = Path("/proc/self/maps").read_text().splitlines()
        return {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}

    def held() -> set[str]:
        return {str(link.resolve()) for link in Path("/proc/self/fd").iterdir()}

    maps, descriptors = mapped(), held()
    index = ready(world)
    assert find(world, index, RARE).case_ids
    new = {name for name in (mapped() - maps) | (held() - descriptors) if not name.endswith((".so", ".db", ".pyc"))}
    assert not [name for name in new if "deleted" in name or ("tmp" in name.lower() and "meldpost.db" not in name)]


def test_who_holds_no_key_of_the_desk_opens_no_segment_of_it(world: World) -> None:
    open_cases(world, ["fraude"])
    ready(world)
    outsider = another_member(world, holds_the_desk_key=False)
    assert len(opened(world, world.ring)) == 1
    assert opened(world, outsider) == []
    stranger = replace(outsider, privates={"x": generate()})
    assert opened(world, stranger) == []


def test_a_case_kept_from_the_desk_stands_in_no_segment_that_its_key_opens(world: World) -> None:
    kept, _ = open_cases(world, [RARE, "gewoon"])
    keep_from_the_desk(world, kept, world.ring)
    ready(world)
    desk_only = world.ring.only([world.keys.to_desk.id])
    own_only = world.ring.only([world.ring.own])
    assert [RARE.encode() in image for image in opened(world, desk_only)] == [False]
    assert [RARE.encode() in image for image in opened(world, own_only)] == [True]


def test_a_forged_newer_key_of_a_kept_case_brings_nothing_of_it_into_the_desks_segments(world: World) -> None:
    """A database writer makes a pair, and seals its private half to the desk: what the true keys opened stays out."""
    (kept,) = open_cases(world, [RARE])
    keep_from_the_desk(world, kept, world.ring)
    private = generate()
    with world.db.begin() as session:
        forged = add_pair(session, world.ring.desk, KeyKind.CASE, "forged", private.public, NOW)
        rows.write(session)
        session.execute(update(KeyPair).where(KeyPair.id == forged.id).values(owner=kept, generation=2))
        seal_seed(session, private, replace(forged, owner=kept, generation=2), world.keys.to_desk)
    with world.db.read() as session:
        (desk, _) = segments.audiences(session, world.ring)
        assert [each.case_id for each in segments.waiting(session, world.ring.desk, desk, 9)] == [kept]
    ready(world)
    assert opened(world, world.ring.only([world.keys.to_desk.id])) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]),
        lambda frame: frame[:-1],
        lambda frame: b"",
    ],
    ids=["a bit", "cut off", "emptied"],
)
def test_a_changed_segment_is_left_alone_and_hurts_nothing(world: World, change: Callable[[bytes], bytes]) -> None:
    open_cases(world, ["fraude"])
    ready(world)
    with world.db.begin() as session:
        piece = session.scalars(select(SegmentPiece)).one()
        piece.frame = change(piece.frame)
    assert find(world, ready(world), "fraude").case_ids == ()


@pytest.mark.parametrize("with_its_key", [False, True], ids=["without its key", "with its key"])
def test_a_segment_moved_to_another_place_opens_nowhere(world: World, with_its_key: bool) -> None:
    first, second = open_cases(world, ["fraude", "inkoop"])
    with world.db.read() as session:
        (audience, _) = segments.audiences(session, world.ring)
    for case_id in (first, second):
        folding.fold(world.db, world.ring, SearchIndex()._stemmer, audience, [case_id], NOW)
    with world.db.begin() as session:
        pieces = session.scalars(select(SegmentPiece)).all()
        pieces[0].frame, pieces[1].frame = pieces[1].frame, pieces[0].frame
        if with_its_key:
            one, other = (session.get_one(Segment, piece.segment_id) for piece in pieces)
            one.wrapped_key, other.wrapped_key = other.wrapped_key, one.wrapped_key
    assert opened(world, world.ring) == []


def test_forgetting_a_case_takes_every_segment_that_ever_knew_it(world: World) -> None:
    changed, other = open_cases(world, [RARE, "gewoon"])
    index = ready(world)
    note(world, changed, "later")
    index.refresh(world.db, world.ring, now=NOW, most=16)
    assert count(world) == 2
    with world.db.begin() as session:
        segments.forget_case(session, changed)
    assert count(world) == 0
    assert find(world, index, "gewoon").case_ids == ()
    index.refresh(world.db, world.ring, now=NOW)
    assert find(world, index, "gewoon").case_ids == (other,)


def test_a_destroyed_case_is_gone_from_the_index_in_memory_with_the_next_question(world: World) -> None:
    gone, _ = open_cases(world, [RARE, "gewoon"])
    index = ready(world)
    with world.db.begin() as session:
        segments.forget_case(session, gone)
        session.execute(update(CaseFile).where(CaseFile.id == gone).values(desk="integriteit", folded=CaseFile.changes))
    assert find(world, index, RARE).case_ids == ()
    assert index._loaded == {}


def test_what_was_read_before_a_withdrawal_is_not_stored_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, other = open_cases(world, [RARE, "gewoon"])
    build = SegmentIndex.build
    withdrawn: list[bool] = []

    def meanwhile(documents: list[Document]) -> SegmentIndex:
        if not withdrawn:
            withdrawn.append(True)
            keep_from_the_desk(world, kept, world.ring)
        return build(documents)

    monkeypatch.setattr(SegmentIndex, "build", meanwhile)
    index = ready(world)
    assert withdrawn
    assert set(find(world, index, "gewoon").case_ids) == {other}
    assert not any(RARE.encode() in image for image in opened(world, world.ring.only([world.keys.to_desk.id])))


def test_storing_checks_who_a_case_is_for_once_more(world: World) -> None:
    (kept,) = open_cases(world, [RARE])
    with world.db.read() as session:
        (desk, _) = segments.audiences(session, world.ring)
        read = segments.waiting(session, world.ring.desk, desk, 9)
    keep_from_the_desk(world, kept)
    with pytest.raises(Withdrawn), world.db.begin() as session:
        segments.store(session, world.ring.desk, desk, b"image", read, NOW)
    assert count(world) == 0


def test_small_segments_become_one_and_old_words_go_with_the_last_that_knew_them(world: World) -> None:
    case_ids = open_cases(world, [f"nummer {number}" for number in range(9)])
    index = ready(world)
    for step, case_id in enumerate(case_ids):
        note(world, case_id, f"aantekening {step}")
        index.refresh(world.db, world.ring, now=NOW + timedelta(minutes=step))
    assert count(world) <= 4
    with world.db.read() as session:
        live = session.scalars(select(SegmentCase.case_id).where(SegmentCase.live)).all()
        assert sorted(live) == sorted(case_ids)
        for row in session.scalars(select(Segment)):
            dead = select(func.count()).where(SegmentCase.segment_id == row.id, ~SegmentCase.live)
            assert row.dead == session.scalars(dead).one() < row.cases
    for step, case_id in enumerate(case_ids):
        assert find(world, index, f"aantekening {step}").case_ids[0] == case_id


def test_a_member_with_a_key_of_their_own_is_told_of_a_grant_and_of_changes_to_it(world: World) -> None:
    (granted,) = open_cases(world, ["fraude"])
    investigator = another_member(world, holds_the_desk_key=False)
    index = ready(world, investigator)
    assert find(world, index, "fraude", investigator).case_ids == ()
    grant(world, granted, investigator)
    index.refresh(world.db, investigator, now=NOW)
    note(world, granted, "kwitantie")
    index.refresh(world.db, investigator, now=NOW)
    assert find(world, index, "kwitantie", investigator).case_ids == (granted,)


def test_a_case_that_both_keys_of_a_member_open_is_read_once(world: World) -> None:
    (granted,) = open_cases(world, ["fraude"])
    grant(world, granted, world.ring)
    assert find(world, ready(world), "fraude").case_ids == (granted,)
    assert count(world) == 1


def test_a_case_that_cannot_be_opened_is_tried_once_and_holds_nothing_up(world: World) -> None:
    damaged, fine = open_cases(world, ["stuk", "heel"])
    damage(world.db, damaged, RecordKind.CARD)
    index = ready(world)
    assert index.waiting(world.db, world.ring) == 0
    assert find(world, index, "heel").case_ids == (fine,)


def test_an_index_that_was_wiped_holds_and_takes_nothing_more(world: World) -> None:
    open_cases(world, ["fraude"])
    index = ready(world)
    assert index.ready
    index.wipe()
    gc.collect()
    assert (index._loaded, index.size, index.ready) == ({}, 0, False)
    index.refresh(world.db, world.ring, now=NOW)
    assert find(world, index, "fraude").case_ids == ()


def test_two_desks_that_read_the_same_cases_at_once_lose_none(world: World) -> None:
    case_ids = open_cases(world, ["een fraude", "twee fraude"])
    with world.db.read() as session:
        (desk, _) = segments.audiences(session, world.ring)
    for _ in range(2):
        folding.fold(world.db, world.ring, SearchIndex()._stemmer, desk, case_ids, NOW)
    assert count(world) == 1
    assert set(find(world, ready(world), "fraude").case_ids) == set(case_ids)


def test_cases_are_found_by_what_was_read_before_the_desk_had_a_new_key_until_they_are_read_again(world: World) -> None:
    gone, *others = open_cases(world, ["fraude een", "fraude twee", "fraude drie"])
    index = ready(world)
    for _ in rotation.rotate(world.db, world.ring, world.pins, NOW):
        continue
    with world.db.read() as session:
        ring = world.ring.with_newer_keys(session)
    assert set(find(world, index, "fraude", ring).case_ids) == {gone, *others}
    assert index.refresh(world.db, ring, now=NOW, most=2) == 3, "three wait, and too many for who asks"
    assert set(find(world, index, "fraude", ring).case_ids) == {gone, *others}
    with world.db.begin() as session:  # as where a case is destroyed
        segments.forget_case(session, gone)
        of_it = select(KeyPair.id).where(KeyPair.owner == gone)
        session.execute(delete(SealedSeed).where(SealedSeed.key_pair_id.in_(of_it)))
    assert set(find(world, index, "fraude", ring).case_ids) == set(others)
    assert index.refresh(world.db, ring, now=NOW) == 0
    assert set(find(world, index, "fraude", ring).case_ids) == set(others)
    assert index._before == []


def grave(world: World, index: SearchIndex, ring: KeyRing | None = None) -> set[str]:
    with world.db.read() as session:
        return set(index.chosen(session, ring or world.ring, Query(severities=frozenset(["acuut"]))))


def test_what_is_chosen_is_looked_for_once_until_a_case_was_read_in_or_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    really = SegmentIndex.matches

    def matches(index: SegmentIndex, expression: str) -> Iterator[tuple[int, str]]:
        asked.append(expression)
        return really(index, expression)

    monkeypatch.setattr(SegmentIndex, "matches", matches)
    first, second = (
        world.open_case(about("a", severity="acuut"), reference=f"{number}-AAAAA").case_id for number in (22222, 33333)
    )
    index = ready(world)
    assert grave(world, index) == grave(world, index) == {first, second}
    assert len(asked) == 1
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, second, {"severity": "laag"}, version=1, now=NOW)
    index.refresh(world.db, world.ring, now=NOW, most=16)
    assert grave(world, index) == {first}
    third = world.open_case(about("b", severity="acuut"), reference="44444-AAAAA").case_id
    index.refresh(world.db, world.ring, now=NOW, most=16)
    assert grave(world, index) == {first, third}
    with world.db.begin() as session:  # as where a case is destroyed
        segments.forget_case(session, first)
        session.execute(update(CaseFile).where(CaseFile.id == first).values(folded=CaseFile.changes))
    assert first not in grave(world, index)
    index.wipe()
    assert index._chosen == {}


def test_what_is_chosen_by_what_was_read_before_a_new_key_is_without_what_was_destroyed_since(world: World) -> None:
    gone, other = (
        world.open_case(about("a", severity="acuut"), reference=f"{number}-AAAAA").case_id for number in (22222, 33333)
    )
    index = ready(world)
    for _ in rotation.rotate(world.db, world.ring, world.pins, NOW):
        continue
    with world.db.read() as session:
        ring = world.ring.with_newer_keys(session)
    assert grave(world, index, ring) == {gone, other}
    with world.db.begin() as session:
        segments.forget_case(session, gone)
        of_it = select(KeyPair.id).where(KeyPair.owner == gone)
        session.execute(delete(SealedSeed).where(SealedSeed.key_pair_id.in_(of_it)))
    assert grave(world, index, ring) == {other}


def test_keys_made_anew_take_the_case_out_of_what_the_old_keys_opened(world: World) -> None:
    kept, other = open_cases(world, [RARE, "gewoon"])
    index = ready(world)
    with world.db.read() as session:
        own = pair(session, world.ring.own)
    to = Recipients((own,), (own,))
    for _ in rekeying.rekey(world.db, world.ring, INDEX, world.keys, kept, to):
        shut_out = another_member(world, holds_the_desk_key=True)
        assert opened(world, shut_out) == [], "from the moment on at which they are begun"
        assert find(world, ready(world, shut_out), RARE, shut_out).case_ids == ()
        with world.db.begin() as session:
            segments.forget_all(session, world.ring.desk)
    index.refresh(world.db, world.ring, now=NOW)
    assert find(world, index, RARE).case_ids == (kept,)
    assert [RARE.encode() in image for image in opened(world, shut_out)] == [False]
    assert find(world, ready(world, shut_out), "gewoon", shut_out).case_ids == (other,)
