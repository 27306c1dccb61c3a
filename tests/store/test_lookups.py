"""Digests tell equal from unequal to who has the key, and nothing to anybody else; tokens cannot be made up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from store import lookups
from store.lookups import IndexKey, TokenKey
from store.outbox import new_outbox_id
from store.schema import CaseFile
from tests.store.world import INDEX, NOW, World

OTHER = IndexKey(b"o" * 32)
TOKENS = TokenKey(1, b"t" * 32)
MAIL_SAFE = set("abcdefghijklmnopqrstuvwxyz234567")
outbox_ids = st.binary(min_size=9, max_size=9).map(bytes.hex)


def test_addresses_that_differ_behind_a_plus_sign_have_their_mails_counted_together() -> None:
    one, other = (INDEX.caps(address, NOW)[0] for address in ("jan+a@b.example", "Jan+b+c@b.example"))
    assert one == other == INDEX.caps("jan@b.example", NOW)[0]
    assert INDEX.caps("+@b.example", NOW) != INDEX.caps("jan@b.example", NOW)
    assert INDEX.caps("jan@c.example", NOW)[0] != one


def test_two_desks_cannot_be_compared() -> None:
    assert INDEX.message_id("<a@b>") != OTHER.message_id("<a@b>")
    assert INDEX.raw([b"x"]) != OTHER.raw([b"x"])


def test_a_digest_of_one_kind_is_none_of_another() -> None:
    assert len({INDEX.raw([b"x"]), INDEX.stable([b"x"]), INDEX.message_id("x"), INDEX.login("x")}) == 4


def test_the_same_reporter_in_two_cases_cannot_be_seen() -> None:
    assert INDEX.address("case-1", "a@x.example") != INDEX.address("case-2", "a@x.example")
    assert INDEX.address("case-1", " A@X.example") == INDEX.address("case-1", "a@x.example")


def test_a_mail_is_digested_alike_however_it_is_cut() -> None:
    assert INDEX.raw([b"ab", b"", b"c"]) == INDEX.raw([b"abc"])


def test_the_digest_for_caps_changes_every_day_and_spans_two() -> None:
    today, yesterday = INDEX.caps("a@x.example", NOW)
    tomorrow, then = INDEX.caps("A@x.example", NOW + timedelta(days=1))
    assert then == today
    assert len({today, yesterday, tomorrow}) == 3


def test_a_reference_is_found_however_it_is_written() -> None:
    assert INDEX.reference("abcde-fghjk") == INDEX.reference("ABCDE FGHJK") == INDEX.reference("ABCDEFGHJK")


@given(outbox_ids)
def test_a_token_names_its_mail_and_survives_mail_systems(outbox_id: str) -> None:
    token = TOKENS.sign(outbox_id)
    assert set(token) <= MAIL_SAFE
    assert len("integriteitsmeldpunt+" + token) <= 64
    assert TOKENS.verify(token) == TOKENS.verify(token.upper()) == outbox_id


@given(outbox_ids, st.integers(0, 39), st.sampled_from(sorted(MAIL_SAFE)))
def test_a_token_with_any_letter_changed_names_nothing(outbox_id: str, at: int, letter: str) -> None:
    """mail-cases 95"""
    token = TOKENS.sign(outbox_id)
    changed = token[:at] + letter + token[at + 1 :]
    assert changed == token or TOKENS.verify(changed) is None


@given(st.text(max_size=60))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    """mail-cases 95"""
    assert TOKENS.verify(text) is None


def test_a_token_of_another_key_or_number_names_nothing() -> None:
    """mail-cases 94, 95"""
    token = TOKENS.sign(new_outbox_id())
    assert TokenKey(1, b"u" * 32).verify(token) is None
    assert TokenKey(2, b"t" * 32).verify(token) is None
    assert len({each.check() for each in (TOKENS, TokenKey(1, b"u" * 32), TokenKey(2, b"t" * 32))}) == 3


@pytest.mark.parametrize("make", [lambda: IndexKey(b"short"), lambda: TokenKey(1, b"short")])
def test_a_short_secret_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        make()  # type: ignore[operator]


def test_keys_do_not_show_when_printed() -> None:
    assert "iii" not in repr(INDEX)
    assert "ttt" not in repr(TOKENS)


def test_a_case_is_found_by_its_reference(world: World) -> None:
    taken = world.open_case(reference="ABCDE-FGHJK")
    desk = world.ring.desk
    with world.db.read() as session:
        assert lookups.case_by_reference(session, desk, INDEX.reference("abcdefghjk")) == taken.case_id
        assert lookups.case_by_reference(session, "another", INDEX.reference("abcdefghjk")) is None
        assert lookups.case_status(session, taken.case_id) == "received"
        assert lookups.first_received_at(session, taken.case_id) == NOW


def test_a_reply_to_a_merged_case_goes_to_the_survivor(world: World) -> None:
    """mail-cases 97"""
    one, two, three = (world.open_case(reference=f"{letter * 5}-AAAAA").case_id for letter in "ABC")
    with world.db.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == one).values(merged_into_id=two))
        session.execute(update(CaseFile).where(CaseFile.id == two).values(merged_into_id=three))
    with world.db.read() as session:
        assert {lookups.surviving_case(session, each) for each in (one, two, three)} == {three}
