"""What follows from a letter to a reporter."""

import pytest

from cases.letters import LEADS_TO, Purpose, follows, fulfils, leads_to
from cases.lifecycle import TRANSITIONS, Status
from cases.terms import DueKind


def test_every_letter_is_a_personal_message_and_what_tells_of_the_action_is_feedback() -> None:
    assert all(DueKind.FIRST_MESSAGE in fulfils(purpose) for purpose in Purpose)
    told = {purpose for purpose in Purpose if DueKind.FEEDBACK in fulfils(purpose)}
    assert told == {Purpose.FEEDBACK, Purpose.REFERRAL, Purpose.CLOSING}


@pytest.mark.parametrize("current", Status)
@pytest.mark.parametrize("purpose", Purpose)
def test_a_letter_takes_a_case_only_where_a_person_may_take_it(purpose: Purpose, current: Status) -> None:
    after = leads_to(purpose, current)
    assert after is None or after in TRANSITIONS[current]
    assert after in (None, LEADS_TO.get(purpose))


def test_who_is_asked_something_is_waited_for() -> None:
    assert leads_to(Purpose.ASK, Status.RECEIVED) is Status.AWAITING_REPORTER
    assert leads_to(Purpose.ASK, Status.AWAITING_REPORTER) is None
    assert leads_to(Purpose.CLOSING, Status.INVESTIGATING) is None


def test_a_letter_follows_its_text_while_it_says_most_of_it() -> None:
    begun = "Good day,\n\nWe can see to it better when we also know:\n- your address [take out?]\n\nYou need not tell."
    assert follows(begun.replace(" [take out?]", "") + "\nAda", begun)
    assert follows(begun.replace("You need not tell.", ""), begun)
    assert not follows("Good day, thank you for your message.", begun)
