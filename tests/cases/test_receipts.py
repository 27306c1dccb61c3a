"""Which receipt goes out by itself, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.receipts import Caps, ReceiptFacts, ReceiptKind, decide_receipt
from config.taxonomy import ABOUT_THE_REPORTER, Automatic, Kind, MissingField

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
REPORT = ReceiptFacts(
    now=NOW,
    arrived_at=NOW - timedelta(minutes=1),
    has_sender=True,
    own_mail=False,
    automatic=None,
    understood=True,
    anonymous=False,
    kind_scores={Kind.MELDING: 0.9, Kind.AANVULLING: 0.05},
    missing_scores={MissingField.ADDRESS: 0.99, MissingField.PHONE: 0.9, MissingField.CONCERNED_FUNCTION: 0.96},
    sender_is_new_to_case=False,
    first_connection=False,
    imported=False,
    denial="",
    caps=Caps(),
    max_age=timedelta(days=3),
    ask_threshold=0.95,
    kind_threshold=0.8,
)


def test_a_fresh_report_gets_the_full_receipt_at_once() -> None:
    decision = decide_receipt(REPORT)
    assert (decision.kind, decision.held) == (ReceiptKind.FULL, False)


def test_only_fields_that_are_almost_surely_missing_are_asked_for() -> None:
    assert decide_receipt(REPORT).ask == (MissingField.CONCERNED_FUNCTION, MissingField.ADDRESS)


def test_an_anonymous_reporter_is_asked_nothing_about_themselves() -> None:
    assert decide_receipt(replace(REPORT, anonymous=True)).ask == (MissingField.CONCERNED_FUNCTION,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"automatic": Automatic.AUTO_REPLY}, "automatic"),
        ({"automatic": Automatic.BOUNCE}, "automatic"),
        ({"automatic": Automatic.LIST}, "automatic"),
        ({"own_mail": True}, "own_mail"),
        ({"has_sender": False}, "no_sender"),
    ],
)
def test_who_may_not_be_answered_gets_no_receipt(change: dict[str, object], reason: str) -> None:
    """mail-cases 73"""
    decision = decide_receipt(replace(REPORT, **change))  # type: ignore[arg-type]
    assert (decision.kind, decision.reason) == (ReceiptKind.NONE, reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"arrived_at": NOW - timedelta(days=3, seconds=1)}, "too_old"),
        ({"arrived_at": None}, "too_old"),
        ({"imported": True}, "imported"),
        ({"first_connection": True}, "first_connection"),
        ({"caps": Caps(to_address=10)}, "cap_address"),
        ({"caps": Caps(in_case=5)}, "cap_case"),
        ({"caps": Caps(in_all=1000)}, "cap_total"),
        ({"caps": Caps(to_domain=500)}, "cap_domain"),
        ({"denial": "dmarc_fail"}, "dmarc_fail"),
        ({"denial": "spf_fail", "imported": True}, "spf_fail"),
    ],
)
def test_mail_that_is_not_fresh_that_its_domain_disowns_or_that_is_above_a_cap_waits_for_the_coordinators_word(
    change: dict[str, object], reason: str
) -> None:
    """mail-cases 73, 74: a receipt above a cap is held, never left out: strangers may have spent the cap."""
    decision = decide_receipt(replace(REPORT, **change))  # type: ignore[arg-type]
    assert decision.kind is ReceiptKind.FULL
    assert (decision.held, decision.reason) == (True, reason)


@pytest.mark.parametrize("change", [{"automatic": Automatic.AUTO_REPLY}, {"own_mail": True}])
def test_a_robot_above_a_cap_gets_no_receipt_that_waits_either(change: dict[str, object]) -> None:
    decision = decide_receipt(replace(REPORT, caps=Caps(to_address=10, in_case=5), **change))  # type: ignore[arg-type]
    assert (decision.kind, decision.held) == (ReceiptKind.NONE, False)


@pytest.mark.parametrize(
    "change",
    [
        {"understood": False},
        {"sender_is_new_to_case": True},
        {"kind_scores": {Kind.OVERIG: 1.0}},
        {"kind_scores": {Kind.MELDING: 0.5, Kind.ADVIES: 0.5}},
    ],
)
def test_what_is_not_surely_a_report_gets_the_neutral_receipt_that_asks_nothing(change: dict[str, object]) -> None:
    decision = decide_receipt(replace(REPORT, **change))  # type: ignore[arg-type]
    assert (decision.kind, decision.ask) == (ReceiptKind.NEUTRAL, ())


@given(
    automatic=st.sampled_from([None, *Automatic]),
    anonymous=st.booleans(),
    scores=st.dictionaries(st.sampled_from(list(MissingField)), st.floats(0, 1)),
    kinds=st.dictionaries(st.sampled_from(list(Kind)), st.floats(0, 1)),
    flags=st.tuples(*[st.booleans()] * 4),
)
def test_no_mix_of_facts_answers_a_robot_or_asks_too_much(
    automatic: Automatic | None,
    anonymous: bool,
    scores: dict[MissingField, float],
    kinds: dict[Kind, float],
    flags: tuple[bool, ...],
) -> None:
    own, new, first, imported = flags
    decision = decide_receipt(
        replace(
            REPORT,
            automatic=automatic,
            anonymous=anonymous,
            missing_scores=scores,
            kind_scores=kinds,
            own_mail=own,
            sender_is_new_to_case=new,
            first_connection=first,
            imported=imported,
        )
    )
    if automatic is not None or own:
        assert decision.kind is ReceiptKind.NONE
    assert all(scores[field] >= REPORT.ask_threshold for field in decision.ask)
    assert not (anonymous and ABOUT_THE_REPORTER & set(decision.ask))
    assert decision.held or decision.kind is ReceiptKind.NONE or not (first or imported)


def test_nothing_is_asked_for_by_name_that_may_stand_in_a_file_which_nobody_read() -> None:
    decision = decide_receipt(replace(REPORT, unread_files=True))
    assert (decision.kind, decision.held, decision.ask) == (ReceiptKind.FULL, False, ())


def test_an_encrypted_mail_gets_the_neutral_receipt_whatever_is_in_it() -> None:
    """Who sends somebody else's ciphertext to the desk learns nothing of what is in it."""
    decision = decide_receipt(replace(REPORT, encrypted=True))
    assert (decision.kind, decision.held, decision.ask, decision.reason) == (
        ReceiptKind.NEUTRAL,
        False,
        (),
        "encrypted",
    )
