"""Words in use, and proper names that are not: told apart without a list of names, and without keeping a word."""

import numpy as np
import pytest

from triage.masking import MARK, PLACE, Masking
from triage.vocabulary import FEWEST_WRITERS, Usage, Vocabulary

MASKING = Masking()
COMMON = "De man van de post nam geld aan bij het loket van BZ in Mombasa en mombasa. Op is op. In het IN."
GERMAN = "Ich gab dem Beamten Geld. Das Amt sah es."
WRITERS = [f"w{number}" for number in range(FEWEST_WRITERS)]
USAGE = Usage(
    [
        *((writer, COMMON, False) for writer in WRITERS),
        *((writer, GERMAN, True) for writer in WRITERS),
        ("w0", "Kisumu is ver.", False),
        ("w0", "Kisumu en kisumu.", False),
    ]
)
KNOWN = USAGE.of(WRITERS)


def masked(text: str, *names: str) -> str:
    return MASKING.without(names, KNOWN).of(text)


@pytest.mark.parametrize("town", ["Kisumu", "Gaziantep", "Żory", "Кропивницкий", "KISUMU", "Port-Kisumu"])
def test_a_capitalised_word_that_few_use_is_a_proper_name(town: str) -> None:
    assert masked(f"De man nam geld aan in {town}.") == f"de man nam geld aan in {PLACE}."


def test_all_such_names_are_one_word_as_places_on_a_list_are() -> None:
    assert masked("In Kisumu.") == masked("In Ankara.") == masked("In Kisumu Noord.") == f"in {PLACE}."


@pytest.mark.parametrize(
    "text", ["DE MAN NAM GELD AAN!", "Loket, Man, Geld", "Het Geld.", "Das Amt gab dem Beamten Geld.", "Bij BZ"]
)
def test_a_word_in_use_stays_with_any_capitals(text: str) -> None:
    assert masked(text) == text.lower()


def test_a_word_without_capitals_stays_however_rare() -> None:
    assert masked("de zwendelaar nam geld aan in kisumu") == "de zwendelaar nam geld aan in kisumu"
    assert masked("رجل") == "رجل"


def test_who_is_named_stays_another_mark_than_where_it_was() -> None:
    assert masked("Piet nam geld aan in Kisumu.", "Piet") == f"{MARK} nam geld aan in {PLACE}."


def test_a_writer_counts_once_however_often_they_write_a_word() -> None:
    assert KNOWN.is_unknown_name("Kisumu")
    assert not Usage((writer, "kisumu", False) for writer in WRITERS).of(WRITERS).is_unknown_name("Kisumu")


def test_what_everybody_writes_with_a_capital_is_a_name_but_in_a_language_that_gives_it_to_all_nouns() -> None:
    usage = Usage((writer, "Kumasi", False) for writer in WRITERS)
    assert usage.of(WRITERS).is_unknown_name("Kumasi")
    assert not Usage((writer, "Amt", True) for writer in WRITERS).of(WRITERS).is_unknown_name("Amt")


def test_a_letter_by_itself_is_no_name() -> None:
    assert masked("I saw U.").startswith("i saw")
    assert masked("I'm, I'd, I've.") == "i'm, i'd, i've."
    assert masked("Kisumu's, Kisumu-Noord") == f"{PLACE}, {PLACE}"


def test_the_words_of_a_writer_do_not_count_for_who_has_not_seen_them() -> None:
    assert not KNOWN.is_unknown_name("Mombasa")
    assert USAGE.unseen_by("w1").is_unknown_name("Mombasa")
    assert USAGE.of(WRITERS[1:]).is_unknown_name("Mombasa")
    assert not USAGE.unseen_by("somebody else").is_unknown_name("Mombasa")


def test_nothing_but_hashes_is_kept() -> None:
    assert KNOWN.hashes.dtype == np.uint32
    assert np.all(np.diff(KNOWN.hashes.astype(np.int64)) > 0)


def test_where_nothing_is_known_every_capital_is_a_name() -> None:
    assert Vocabulary(np.zeros(0, dtype=np.uint32)).is_unknown_name("Man")
    assert not Vocabulary(np.zeros(0, dtype=np.uint32)).is_unknown_name("man")


@pytest.mark.parametrize("title", ["Mrs", "MRS", "Mrs.", "Señora", "sen\u0303ora"])
def test_a_title_goes_with_the_name_though_it_is_always_written_with_a_capital(title: str) -> None:
    assert masked(f"{title} Jansen nam geld aan.", "Jansen") == f"{MARK} nam geld aan."
