import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.authentication import Authentication, Check, Verdict, authenticate

SENDER = "Someone@Reporter.Example"
PASS = (
    "mx.ministry.example; spf=pass smtp.mailfrom=reporter.example; dmarc=pass (p=REJECT) header.from=reporter.example"
)


def passed(*values: str, authserv_id: str = "mx.ministry.example", sender: str | None = SENDER) -> bool:
    found = told(*values, authserv_id=authserv_id, sender=sender)
    return found is not None and found.verdict is Verdict.PASS


def told(*values: str, authserv_id: str = "mx.ministry.example", sender: str | None = SENDER) -> Authentication | None:
    return authenticate([("Authentication-Results", value) for value in values], authserv_id, sender)


def denial(*results: str) -> str:
    found = told("mx.ministry.example; " + "; ".join(results))
    assert found is not None
    assert (found.verdict is Verdict.FAIL) == bool(found.denial)
    return found.denial


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


SMUGGLED = "; dmarc=pass header.from=reporter.example; x"
DENIED = "dmarc=fail header.from=reporter.example"


@pytest.mark.parametrize(
    "results",
    [
        f'spf=pass smtp.mailfrom="x{SMUGGLED}"@attacker.example',
        f'spf=pass smtp.mailfrom="x\\"{SMUGGLED}"@attacker.example',
        f'spf=pass smtp.mailfrom="x{SMUGGLED}',
        f"spf=pass (a (b) {SMUGGLED}) smtp.mailfrom=x@attacker.example",
        f"spf=pass (a \\) {SMUGGLED}) smtp.mailfrom=x@attacker.example",
        f'spf=pass (") smtp.mailfrom="x{SMUGGLED}"@attacker.example',
        f"spf=pass ) smtp.mailfrom=attacker.example{SMUGGLED}",
        f"spf=pass \\( smtp.mailfrom=attacker.example{SMUGGLED}",
        'dmarc=pass header.from="x@reporter.example y"',
        "dmarc=pass header.x=header.from=reporter.example",
        'dmarc=pass header.x="y header.from=reporter.example"',
        '"dmarc"=pass header.from=reporter.example',
    ],
)
def test_what_a_sender_puts_into_quotes_or_comments_is_no_result(results: str) -> None:
    """RFC 5322 §3.2: the local part of an address may hold anything in quotes."""
    assert not passed(f"mx.ministry.example; {results}")


@pytest.mark.parametrize(
    "results",
    [
        f'spf=pass smtp.mailfrom="a("@attacker.example; {DENIED}; dkim=pass header.i="a)"@attacker.example',
        f"spf=pass smtp.mailfrom=a(b@attacker.example; {DENIED}; dkim=pass header.i=a)@attacker.example",
        f'spf=pass smtp.mailfrom="a@attacker.example; {DENIED}',
        f'spf=pass smtp.mailfrom=a"b@attacker.example; {DENIED}; dkim=pass header.i=a"b@attacker.example',
        f"spf=pass smtp.mailfrom=a\\@attacker.example; {DENIED}",
        "; ".join([*["dkim=pass header.d=attacker.example"] * 60, DENIED]),
        f"spf=pass ({'x' * 20_000}); {DENIED}",
    ],
)
def test_no_sender_hides_a_denial(results: str) -> None:
    assert denial(results) == "dmarc_fail"


def test_a_quoted_local_part_is_a_part_of_its_address() -> None:
    found = told(r'mx.ministry.example; spf=pass (ok \) "fine") smtp.mailfrom="a; \"b(c"@Reporter.example; dmarc=pass'
        ' (p=(none)) header.from="reporter.example"')  # fmt: skip
    assert found == Authentication(
        (Check("spf", "pass", "reporter.example", True), Check("dmarc", "pass", "reporter.example", True)),
        Verdict.PASS,
    )


@pytest.mark.parametrize("checked", ["xn--bcher-kva.example", "bücher.example", "BÜCHER.example"])
@pytest.mark.parametrize("sender", ["jan@bücher.example", "jan@XN--bcher-kva.example", '"jan @"@bücher.example'])
def test_a_domain_is_the_same_in_its_own_letters_and_in_those_of_the_dns(sender: str, checked: str) -> None:
    assert passed(f"mx.ministry.example; dmarc=pass header.from={checked}", sender=sender)
    assert not passed(f"mx.ministry.example; dmarc=pass header.from={checked}", sender="jan@bucher.example")


def test_one_that_denies_outweighs_one_that_was_smuggled_in() -> None:
    assert not passed("mx.ministry.example; dmarc=none header.from=reporter.example", PASS)


def test_without_a_named_server_or_a_sender_nothing_is_believed() -> None:
    assert not passed(PASS, authserv_id="")
    assert not passed(PASS, sender=None)
    assert not passed(PASS, sender="nobody")


def test_each_result_of_our_own_server_is_kept_with_its_domain() -> None:
    found = told(
        "mx.ministry.example; spf=softfail smtp.mailfrom=bounce@list.example; dkim=pass header.d=mail.reporter.example"
        ' header.i=@mail.reporter.example; dkim=fail header.i="@list.example"; arc=pass (i=1); auth=pass smtp.auth=x;'
        " dmarc=pass header.from=reporter.example"
    )
    assert found == Authentication(
        (
            Check("spf", "softfail", "list.example", False),
            Check("dkim", "pass", "mail.reporter.example", True),
            Check("dkim", "fail", "list.example", False),
            Check("arc", "pass", "", False),
            Check("dmarc", "pass", "reporter.example", True),
        ),
        Verdict.PASS,
    )


def test_where_our_server_says_nothing_there_is_nothing_to_tell() -> None:
    assert told() is None
    assert told("mx.attacker.example; dmarc=fail header.from=reporter.example") is None
    assert told("mx.ministry.example; none") is None


@pytest.mark.parametrize(
    "also", ["dmarc=pass header.from=reporter.example", "arc=pass", "dkim=pass header.d=x.example"]
)
def test_a_mail_whose_from_fails_dmarc_is_disowned_whatever_else_passes(also: str) -> None:
    assert denial("dmarc=fail (p=none) header.from=reporter.example", also) == "dmarc_fail"


SPF_FAIL = "spf=fail smtp.mailfrom=someone@reporter.example"


@pytest.mark.parametrize("rest", [(), ("dkim=none",), ("dkim=fail header.d=reporter.example", "dmarc=none")])
def test_without_a_result_of_dmarc_a_domain_that_its_own_spf_record_denies_disowns_the_mail(
    rest: tuple[str, ...],
) -> None:
    assert denial(SPF_FAIL, *rest) == "spf_fail"


@pytest.mark.parametrize(
    "results",
    [
        (SPF_FAIL, "dkim=pass header.d=reporter.example"),
        (SPF_FAIL, "dmarc=pass header.from=reporter.example"),
        ("spf=fail smtp.mailfrom=x@forwarder.example",),
        ("spf=softfail smtp.mailfrom=reporter.example", "dkim=none"),
        ("spf=fail smtp.mailfrom=notreporter.example",),
        ("dmarc=temperror header.from=reporter.example", "spf=pass smtp.mailfrom=reporter.example"),
        ("dmarc=none header.from=reporter.example",),
    ],
)
def test_what_denies_nothing_for_sure_is_no_denial(results: tuple[str, ...]) -> None:
    assert denial(*results) == ""


@given(st.text(max_size=200))
def test_no_field_breaks_the_reading(value: str) -> None:
    assert told("mx.attacker.example;" + value) is None
    told("mx.ministry.example;" + value)


def quoted(content: str) -> str:
    return '"' + "".join("\\" + each if each in '"\\' else each for each in content) + '"'


PIECES = st.lists(
    st.sampled_from([*' ;="()\\@.', "dmarc=pass", "header.from=reporter.example", "x", "dmarc=fail", "\n\t"])
).map("".join)


@given(PIECES)
def test_nothing_in_the_quotes_of_another_address_passes_or_undoes_a_denial(content: str) -> None:
    theirs = f"spf=pass smtp.mailfrom={quoted(content)}@attacker.example"
    assert not passed(f"mx.ministry.example; {theirs}")
    for results in (f"{theirs}; {DENIED}", f"{DENIED}; {theirs}", f"{theirs}; {DENIED}; {theirs}"):
        assert denial(results) == "dmarc_fail"


@given(PIECES, PIECES)
def test_no_sender_whose_address_stands_there_as_it_is_undoes_a_denial(before: str, after: str) -> None:
    assert denial(f"spf=pass smtp.mailfrom={before}; {DENIED}; dkim=pass header.i={after}") == "dmarc_fail"
