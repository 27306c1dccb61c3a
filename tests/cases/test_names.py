"""Whether two names can be one person's, however each was written down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import names


def like(one: str, other: str) -> int:
    how = names.likeness(names.words(one), names.words(other))
    assert how == names.likeness(names.words(other), names.words(one)), "both ways alike"
    return how


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rolf Dijkgraaf", "rolf dijkgraaf"),
        ("Rolf Dijkgraaf", "R. Dijkgraaf"),
        ("Rolf Dijkgraaf", "Dijkgraaf, Rolf"),
        ("Rolf Dijkgraaf", "Dijkgraaf"),
        ("Rolf Dijkgraaf", "Rolf Dijkgraf"),
        ("Rolf Dijkgraaf", "Rolf Dijkgaraf"),
        ("Rolf Dijkgraaf", "Rolff Dijkgraaf"),
        ("Rolf Dijkgraaf", "dhr. drs. R.J. Dijkgraaf"),
        ("Jan-Willem van der Laan", "J.W. Laan"),
        ("Jan van der Laan", "Laan, J. v.d."),
        ("Anaïs Çelik", "Anais Celik"),
        ("Fatima el Amrani", "Amrani, F."),
        ("Karin de Wit-Bakker", "Karin Bakker"),
    ],
)
def test_one_person_is_known_again(one: str, other: str) -> None:
    assert like(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rolf Dijkgraaf", "Karin Dijkgraaf"),
        ("Rolf Dijkgraaf", "K. Dijkgraaf"),
        ("Rolf Dijkgraaf", "Rolf Bakker"),
        ("R. D.", "Rolf Dijkgraaf"),
        ("Jan Bos", "Jan Vos"),
        ("van der", "van der"),
        ("", "Rolf"),
    ],
)
def test_two_persons_stay_two(one: str, other: str) -> None:
    assert not like(one, other)


def test_the_same_spelling_is_more_alike_than_another() -> None:
    assert like("Rolf Dijkgraaf", "Rolf Dijkgraaf") > like("Rolf Dijkgraaf", "Rolf Dijkgraf") > 0
    assert like("Rolf Dijkgraaf", "Rolf Dijkgraaf") > like("Rolf Dijkgraaf", "R. Dijkgraaf") > 0


@given(st.text("abc", min_size=1, max_size=8), st.data())
def test_one_edit_is_a_letter_changed_missing_too_much_or_swapped(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    edits = {
        word[:at] + word[at + 1 :],
        word[:at] + "z" + word[at:],
        word[:at] + "z" + word[at + 1 :],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    } - {word}
    assert all(names.one_edit(word, other) and names.one_edit(other, word) for other in edits)
    assert not names.one_edit(word, word)
    assert not names.one_edit(word, word + "zz")
