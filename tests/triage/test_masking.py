"""Names, titles and what tells a sex, taken out of what the models of words look at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.masking import MARK, PLACE, Masking

MASKING = Masking()
NOBODY = MASKING.without()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Jan de Vries nam geld aan.", ["Jan de Vries"]),
        ("De Vries nam geld aan.", ["Jan de Vries"]),
        ("Jan nam geld aan.", ["Jan de Vries"]),
        ("JAN DE VRIES nam geld aan.", ["Jan de Vries"]),
        ("Dhr. De Vries nam geld aan.", ["De Vries"]),
        ("De heer J. de Vries nam geld aan.", ["J. de Vries"]),
        ("Mevrouw Fatima Yıldırım nam geld aan.", ["Fatima Yıldırım"]),
        ("jansen nam geld aan.", ["jansen"]),
        ("Jan\n de  Vries nam geld aan.", ["Jan de Vries"]),
    ],
)
def test_one_person_is_one_mark_however_they_are_called(text: str, names: list[str]) -> None:
    assert MASKING.without(names).of(text) == f"{MARK} nam geld aan."


def test_whose_thing_it_is_stands_with_the_name() -> None:
    assert MASKING.without(["Jan Jansen"]).of("Jansens map, Jan's map") == f"{MARK} map, {MARK} map"


def test_a_word_that_only_begins_like_a_name_stays() -> None:
    assert MASKING.without(["Mark"]).of("Mark nam de markt over.") == f"{MARK} nam de markt over."


def test_he_and_she_are_one_word() -> None:
    assert NOBODY.of("Zij sloeg hem.") == NOBODY.of("Hij sloeg haar.")
    assert NOBODY.of("She hit him with his own bag.") == NOBODY.of("He hit her with her own bag.")
    assert NOBODY.of("Ella me amenazó.") == NOBODY.of("Él me amenazó.")


def test_countries_and_cities_abroad_are_one_word() -> None:
    assert NOBODY.of("Bij de post in Ghana.") == f"bij de post in {PLACE}." == NOBODY.of("Bij de post in Ankara.")
    assert NOBODY.of("In Nederland.") == "in nederland."


def test_what_is_told_stays() -> None:
    told = "op 3 mei werd er 500 euro gevraagd voor een visum"
    assert MASKING.without(["Piet"]).of(told) == "op 0 mei werd er 000 euro gevraagd voor een visum"


@given(st.text(), st.lists(st.text(max_size=20), max_size=4))
def test_any_names_may_be_taken_out_of_any_text(text: str, names: list[str]) -> None:
    assert isinstance(MASKING.without(names).of(text), str)


@given(
    st.sampled_from(["Jan Smit", "Fatima Yıldırım", "Nguyễn Văn An", "Иван Петров"]),
    st.sampled_from(["Piet Kok", "Aïcha El Idrissi", "José Pérez", "Олена Коваль"]),
    st.sampled_from(["{} nam geld aan van {}.", "Volgens {} (collega) dreigde {}!", "{}, {}"]),
)
def test_other_names_make_the_same_words(one: str, other: str, told: str) -> None:
    assert MASKING.without([one, other]).of(told.format(one, other)) == MASKING.without([one, other]).of(
        told.format(other, one)
    )
