import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.authentication import dmarc_passed

SENDER = "Someone@Reporter.Example"
PASS = (
    "mx.ministry.example; spf=pass smtp.mailfrom=reporter.example; dmarc=pass (p=REJECT) header.from=reporter.example"
)


def passed(*values: str, authserv_id: str = "mx.ministry.example", sender: str | None = SENDER) -> bool:
    return dmarc_passed([("Authentication-Results", value) for value in values], authserv_id, sender)


def test_a_pass_of_our_own_server_counts() -> None:
    assert passed(PASS)
    assert passed('"mx.ministry.example" 1; dmarc = pass header.from="reporter.example"')
    assert passed("mx.ministry.example; spf=fail smtp.mailfrom=x.example", PASS)


@pytest.mark.parametrize(
    "value",
    [
        PASS.replace("mx.ministry", "mx.attacker"),
        PASS.replace("dmarc=pass", "dmarc=fail"),
        PASS.replace("header.from=reporter", "header.from=attacker"),
        PASS.replace(" header.from=reporter.example", ""),
        "mx.ministry.example; spf=pass; dkim=pass header.d=reporter.example",
        "mx.ministry.example; spf=pass (dmarc=pass header.from=reporter.example)",
        "mx.ministry.example (; dmarc=pass header.from=reporter.example)",
        "attacker (mx.ministry.example); dmarc=pass header.from=reporter.example",
        "mx.ministry.example; x-dmarc=pass header.from=reporter.example",
        "mx.ministry.example; none",
        "",
    ],
)
def test_nothing_else_counts(value: str) -> None:
    assert not passed(value)


def test_one_that_denies_outweighs_one_that_was_smuggled_in() -> None:
    assert not passed("mx.ministry.example; dmarc=none header.from=reporter.example", PASS)


def test_without_a_named_server_or_a_sender_nothing_is_believed() -> None:
    assert not passed(PASS, authserv_id="")
    assert not passed(PASS, sender=None)
    assert not passed(PASS, sender="nobody")


@given(st.text(max_size=200))
def test_no_field_breaks_the_reading(value: str) -> None:
    assert not passed("mx.attacker.example;" + value)
    passed("mx.ministry.example;" + value)
