"""References are random, readable and found again."""

import secrets

from hypothesis import given
from hypothesis import strategies as st

from cases.references import ALPHABET, new_reference, references_in


def test_a_reference_is_found_in_a_subject_as_it_was_given() -> None:
    reference = new_reference(secrets.randbelow)
    assert references_in(f"Re: Ontvangstbevestiging ({reference})") == (reference,)


def test_a_reference_is_found_in_small_letters_with_another_dash_or_none() -> None:
    assert references_in("betreft 7k3fm\u20139q2xd") == ("7K3FM-9Q2XD",)
    assert references_in("betreft 7k3fm9q2xd") == ("7K3FM-9Q2XD",)


def test_a_longer_word_holds_no_reference() -> None:
    assert references_in("X7K3FM-9Q2XDA") == ()


def test_the_alphabet_has_no_symbols_that_are_mistaken_for_one_another() -> None:
    assert not set(ALPHABET) & set("01OILU")


@given(st.text(max_size=300))
def test_any_text_can_be_searched(text: str) -> None:
    assert all(len(found) == 11 for found in references_in(text))
