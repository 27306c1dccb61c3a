"""Cards that were opened once are found again, and give nothing that opening them now would not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from store import changes, records
from store.intake import TakenIn
from store.keypairs import KeyKind
from store.keyring import KeyRing
from store.queue import queue_page
from store.records import RecordKind
from store.remembered import Remembered
from store.schema import KeyPair, Record, SealedSeed
from tests.store.office import Office
from tests.store.search_world import another_member, grant
from tests.store.test_grants import grant as grant_to
from tests.store.test_grants import shut_out, withdraw
from tests.store.world import INDEX, NOW, World, damage, mail


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which records were opened with their keys."""
    seen: list[str] = []
    really = records._open_with

    def note(session: Any, to: Any, row: Record) -> Any:
        seen.append(row.kind)
        return really(session, to, row)

    monkeypatch.setattr(records, "_open_with", note)
    return seen


def remembering(ring: KeyRing) -> KeyRing:
    return replace(ring, remembered=Remembered())


def card(db: Any, ring: KeyRing, case_id: str) -> Any:
    with db.read() as session:
        return records.opened_of_subjects(session, ring, [case_id], RecordKind.CARD).get(case_id)


def shown(office: Office, ring: KeyRing) -> dict[str, bool]:
    with office.db.read() as session:
        return {row.case_id: not row.damaged for row in queue_page(session, ring).rows}


def test_a_card_is_opened_once(world: World, opened: list[str]) -> None:
    case_id, ring = world.open_case().case_id, remembering(world.ring)
    first = card(world.db, ring, case_id)
    assert (first["reference"], opened) == ("AAAAA-BBBBB", ["card"])
    assert card(world.db, ring, case_id) == first
    assert opened == ["card"]
    assert card(world.db, world.ring, case_id) == first
    assert opened == ["card", "card"]


def test_what_was_decided_since_is_there_at_once(world: World) -> None:
    case_id, ring = world.open_case().case_id, remembering(world.ring)
    assert card(world.db, ring, case_id)["severity"] == "midden"
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, case_id, {"severity": "acuut"}, version=1, now=NOW)
    assert card(world.db, ring, case_id)["severity"] == "acuut"
    with world.db.read() as session:
        assert [row.severity for row in queue_page(session, ring).rows] == ["acuut"]


def test_what_is_given_can_be_changed_by_who_got_it(world: World) -> None:
    case_id, ring = world.open_case().case_id, remembering(world.ring)
    card(world.db, ring, case_id)["reference"] = "changed"
    card(world.db, ring, case_id)["reference"] = "changed"
    assert card(world.db, ring, case_id)["reference"] == "AAAAA-BBBBB"


@pytest.mark.parametrize("changed", ["damaged", "another's bytes", "none of the trail"])
def test_what_somebody_changed_in_the_database_is_not_found_again(world: World, changed: str) -> None:
    case_id, ring = world.open_case().case_id, remembering(world.ring)
    other = world.open_case(mail(message_ids=["<2@x>"]), reference="CCCCC-DDDDD").case_id
    assert card(world.db, ring, case_id)
    of_kind = select(Record).where(Record.kind == RecordKind.CARD)
    if changed == "damaged":
        damage(world.db, case_id, RecordKind.CARD)
    else:
        with world.db.begin() as session:
            theirs = session.scalars(of_kind.where(Record.case_id == other)).one()
            row = session.scalars(of_kind.where(Record.case_id == case_id)).one()
            row.sha256 = theirs.sha256
            if changed == "another's bytes":
                row.frame = theirs.frame
    assert card(world.db, ring, case_id) is None


def test_a_key_that_is_sealed_to_the_member_no_longer_opens_nothing_any_more(world: World) -> None:
    case_id = world.open_case().case_id
    member = remembering(another_member(world, holds_the_desk_key=False))
    assert card(world.db, member, case_id) is None
    grant(world, case_id, member)
    assert card(world.db, member, case_id)
    assert card(world.db, member, case_id)
    with world.db.begin() as session:
        session.execute(delete(SealedSeed).where(SealedSeed.recipient_key_pair_id == member.own))
    assert card(world.db, member, case_id) is None


def test_a_seed_in_the_place_of_the_true_one_opens_nothing(world: World) -> None:
    case_id, ring = world.open_case().case_id, remembering(world.ring)
    assert card(world.db, ring, case_id)
    with world.db.begin() as session:
        pair_id = select(KeyPair.id).where(KeyPair.owner == case_id, KeyPair.kind == KeyKind.CASE).scalar_subquery()
        session.execute(update(SealedSeed).where(SealedSeed.key_pair_id == pair_id).values(frame=b"nothing"))
    assert card(world.db, world.ring, case_id) is None
    assert card(world.db, ring, case_id) is None


def test_who_is_kept_out_or_whose_access_ends_reads_no_card_that_they_had_read(office: Office) -> None:
    taken: TakenIn = office.world.open_case(mail(attachments=[]))
    grant_to(office, "ada", taken.case_id, "ivo")
    rings = {name: remembering(office.ring(name)) for name in ("ada", "ben", "ivo")}
    for ring in rings.values():
        assert shown(office, ring) == {taken.case_id: True}
    withdraw(office, "ada", taken.case_id, "ivo")
    shut_out(office, "ada", taken.case_id, "ben")
    assert shown(office, rings["ada"]) == {taken.case_id: True}
    for name in ("ben", "ivo"):
        assert shown(office, rings[name]) == {}
        assert card(office.db, rings[name], taken.case_id) is None


def test_only_cards_and_names_of_members_are_kept(world: World) -> None:
    case_id, ring = world.open_case().case_id, remembering(world.ring)
    with world.db.read() as session:
        assert records.opened_of_case(session, ring, case_id, RecordKind.MASKED)
        assert records.opened_of_case(session, ring, case_id, RecordKind.CONTACT)
    assert ring.remembered is not None
    assert len(ring.remembered) == 0


def test_what_reads_with_fewer_keys_remembers_nothing(world: World) -> None:
    assert remembering(world.ring).only(list(world.ring.privates)).remembered is None


def test_what_was_not_asked_for_longest_goes_first() -> None:
    kept = Remembered(most=30)
    for name in (b"1", b"2", b"3"):
        kept.keep(name, name * 10)
    assert kept.find(b"1") == b"1" * 10
    kept.keep(b"4", b"4" * 10)
    assert [kept.find(name) is not None for name in (b"1", b"2", b"3", b"4")] == [True, False, True, True]
    kept.keep(b"large", bytes(31))
    assert len(kept) == 0


def test_what_was_wiped_holds_nothing_and_takes_nothing_more() -> None:
    kept = Remembered()
    kept.keep(b"1", b"content")
    kept.wipe()
    kept.keep(b"2", b"content")
    assert (len(kept), kept.find(b"1"), kept.find(b"2")) == (0, None, None)
