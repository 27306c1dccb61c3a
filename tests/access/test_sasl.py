"""The words of a log-in by token, as the standards and the providers' documents give them."""

import pytest

from access.errors import NoBearerMechanism
from access.sasl import Exchange, Mechanism, choose, first_message, status_in


def test_oauthbearer_is_said_as_in_rfc_7628_4_1() -> None:
    said = first_message(Mechanism.OAUTHBEARER, "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
                         "server.example.com", 143)  # fmt: skip
    assert said == (
        "n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer "
        "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"
    )


def test_xoauth2_is_said_as_googles_document_says() -> None:
    said = first_message(Mechanism.XOAUTH2, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
                         "x", 1)  # fmt: skip
    assert said == "user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1"


def test_a_name_with_the_characters_of_the_form_does_not_break_it() -> None:
    assert first_message(Mechanism.OAUTHBEARER, "a=b,c", "t", "h", 1).startswith("n,a=a=3Db=2Cc,\1")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["PLAIN", "XOAUTH2", "OAUTHBEARER"], Mechanism.OAUTHBEARER),
        (["plain", "xoauth2"], Mechanism.XOAUTH2),
    ],
)
def test_the_standard_mechanism_is_taken_where_the_server_has_it(offered: list[str], chosen: Mechanism) -> None:
    assert choose(offered) is chosen


def test_a_server_that_takes_no_tokens_is_told_apart() -> None:
    with pytest.raises(NoBearerMechanism, match="neither OAUTHBEARER nor XOAUTH2"):
        choose(["PLAIN", "LOGIN"])


@pytest.mark.parametrize(
    ("challenge", "status"),
    [
        (b'{"status":"invalid_token","scope":"x"}', "invalid_token"),
        (b'{"status":"400","schemes":"Bearer"}', "400"),
        (b'{"status":"Bearer ya29.secret"}', ""),
        (b'{"status":7}', ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_of_a_servers_error_one_word_is_repeated_at_most(challenge: bytes, status: str) -> None:
    assert status_in(challenge) == status


@pytest.mark.parametrize(("mechanism", "said"), [(Mechanism.OAUTHBEARER, "\1"), (Mechanism.XOAUTH2, "")])
def test_an_error_is_answered_and_its_status_kept(mechanism: Mechanism, said: str) -> None:
    exchange = Exchange(mechanism, "u", "the-token", "h", 1)
    assert "the-token" in exchange(b"")
    assert "the-token" in exchange()
    assert exchange(b'{"status":"invalid_token"}') == said
    assert exchange.status == "invalid_token"
    assert "the-token" not in repr(exchange)
