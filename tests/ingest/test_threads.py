import os

import pytest

from config.settings import DeskSettings
from ingest.automatic import bare
from ingest.parse import parse_bytes
from ingest.threads import Clues, clues, id_tokens, own_addresses, plus_tokens
from notify.addressing import address
from store.lookups import TokenKey
from store.outbox import new_outbox_id
from tests.ingest.office import mail

DESK = DeskSettings.model_validate(
    {
        "name": "n",
        "organisation": "o",
        "address": "Integriteit@Ministry.example",
        "bounce_address": "bounces@mail.ministry.example",
        "own_addresses": ["old@ministry.example"],
        "public_key": "",
        "recovery_key": "",
        "mailer_key": "",
        "trusted_authserv_id": "mx.ministry.example",
        "texts": {"about_coordinator": "a", "support_point": "b", "complaints": "c"},
    }
)
TOKEN = TokenKey(1, os.urandom(32)).sign(new_outbox_id())


def read(*fields: str, subject: str = "s", to: str = "integriteit@ministry.example") -> Clues:
    raw = mail(fields=fields, subject=subject).replace(b"To: integriteit@ministry.example", f"To: {to}".encode())
    return clues(parse_bytes(raw), DESK)


def test_every_place_in_which_our_mails_carry_their_token_is_looked_at() -> None:
    """mail-cases 96"""
    from datetime import UTC, datetime

    ours = address(DESK, TOKEN, "appie@home.example", date=datetime.now(UTC))
    assert read(to=ours.reply_to or "").tokens == (TOKEN,)
    assert read(to=ours.envelope_sender).tokens == (TOKEN,)
    assert read(f"Delivered-To: {ours.envelope_sender}").tokens == (TOKEN,)
    assert read(f"In-Reply-To: {ours.message_id}").tokens == (TOKEN,)
    assert read(f"References: <a@b.example> {ours.message_id}\r\n <c@d.example>").tokens == (TOKEN,)
    assert read(f"X-Original-To: {ours.reply_to}".upper()).tokens == (TOKEN,)


@pytest.mark.parametrize(
    "message_id",
    [f"<{TOKEN}@other.example>", f"<{TOKEN}x y@ministry.example>", "<@ministry.example>", "<>"],
    ids=["of another domain", "no token", "no word", "nothing"],  # a token differs from run to run
)
def test_ids_of_other_domains_or_shapes_are_no_tokens(message_id: str) -> None:
    """mail-cases 94"""
    assert id_tokens([message_id], DESK) == []


def test_a_domain_is_the_desks_own_in_its_own_letters_too() -> None:
    desk = DESK.model_copy(update={"address": "integriteit@büro.example"})
    for domain in ("büro.example", "BÜRO.example", "xn--bro-hoa.example"):
        assert plus_tokens([f"integriteit+{TOKEN}@{domain}"], desk) == [TOKEN]
        assert bare(f"Integriteit+x@{domain}") in own_addresses(desk)


@pytest.mark.parametrize(
    "other", ["someone+{}@ministry.example", "integriteit+{}@elsewhere.example", "integriteit@ministry.example"]
)
def test_plus_addresses_of_others_are_no_tokens(other: str) -> None:
    """mail-cases 94"""
    assert plus_tokens([other.format(TOKEN)], DESK) == []


def test_the_newest_of_several_answered_mails_counts_first() -> None:
    other = TokenKey(1, os.urandom(32)).sign(new_outbox_id())
    found = read(f"In-Reply-To: <{TOKEN}@ministry.example>", f"References: <{other}@ministry.example>")
    assert found.tokens == (TOKEN, other)


def test_the_token_is_found_behind_any_number_of_older_ids_and_beside_other_answered_mails() -> None:
    ours = f"<{TOKEN}@ministry.example>"
    many = "".join(f"<{number}.{'x' * 30}@a.example>\r\n " for number in range(3000))
    assert read(f"References: {many}{ours}").tokens == (TOKEN,)
    assert read(f"In-Reply-To: <1@a.example> {ours}").tokens == (TOKEN,)
    assert read("In-Reply-To: <1@a.example>", f"In-Reply-To: {ours}").tokens == (TOKEN,)


def test_references_are_found_in_the_subject_only() -> None:
    assert read(subject="Re: zaak 7K3FM-9Q2XD").references == ("7K3FM-9Q2XD",)
    assert read("X-Case: 7K3FM-9Q2XD").references == ()


def test_a_mail_of_many_thousand_ids_is_looked_at_in_part() -> None:
    many = "References: " + " ".join(f"<{number}@x.example>" for number in range(3000))
    assert len(read(many).message_ids) <= 200


def test_the_desks_own_addresses_are_compared_bare() -> None:
    assert own_addresses(DESK) == {
        "integriteit@ministry.example",
        "bounces@mail.ministry.example",
        "old@ministry.example",
    }
