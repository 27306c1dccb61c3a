"""Passphrases offered and refused."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.passphrase_rules import ENOUGH_BITS, WeakPassphrase, estimated_bits, offer, refuse_weak, words


def test_every_passphrase_that_is_offered_is_accepted() -> None:
    for _ in range(100):
        passphrase = offer()
        assert len(passphrase.split()) == 7
        refuse_weak(passphrase)


def test_the_word_list_is_long_clean_and_without_doubles() -> None:
    listed = words()
    assert len(listed) >= 2048
    assert len(set(listed)) == len(listed)
    assert all(word.isascii() and word.isalpha() and word.islower() and 4 <= len(word) <= 7 for word in listed)


def test_words_are_chosen_from_the_list_by_the_given_source() -> None:
    assert offer(lambda listed: listed[0]) == " ".join([words()[0]] * 7)


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "welkom123",
        "Wachtwoord2026!",
        "correct horse battery staple",
        "a" * 200,
        "abcdefghijklmnopqrstuvwxyz",
        "stoel tafel lamp deur raam",
        "stoel stoel stoel stoel stoel stoel stoel",
        "Wilhelmus van Nassouwe ben ik van Duitsen bloed",
        "wilhelmusvannassouwebenikvanduitsenbloed",
        "welkom bij het ministerie van binnenlandse zaken",
        "welkombijhetministerievanbinnenlandsezaken",
        "ditismijnwachtwoordvoorhetwerk",
        "Dit-Is-Mijn-Wachtwoord-Voor-Het-Werk!",
        "altijd is kortjakje ziek",
        "Altijd is Kortjakje ziek, midden in de week maar 's zondags niet",
        "Amsterdam Rotterdam Utrecht Eindhoven",
        "AmsterdamRotterdamUtrechtEindhoven",
        "Hellendoorn Ommen Hardenberg Coevorden",
    ],
)
def test_a_weak_passphrase_is_refused_with_advice_and_not_repeated(weak: str) -> None:
    with pytest.raises(WeakPassphrase, match="take 7 words") as caught:
        refuse_weak(weak)
    assert not weak or weak not in str(caught.value)


def test_what_is_known_of_a_person_adds_no_strength() -> None:
    passphrase = "Bartholomeus van Wassenaar-Obdam te Hoogvliet"
    assert estimated_bits(passphrase, ["bartholomeus", "wassenaar", "obdam", "hoogvliet"]) < estimated_bits(passphrase)


def test_a_passphrase_of_ones_own_may_do() -> None:
    refuse_weak("Xq7#vP2m-Kz9!wR4t-Lb6$")
    assert estimated_bits("Xq7#vP2m-Kz9!wR4t-Lb6$") > ENOUGH_BITS


@given(st.integers(0, 2**64), st.sampled_from([string.ascii_lowercase, string.ascii_letters + string.digits]))
def test_random_characters_of_enough_length_are_accepted(seed: int, alphabet: str) -> None:
    chance = random.Random(seed)
    refuse_weak("".join(chance.choice(alphabet) for _ in range(28)))


@given(st.integers(0, 2**64))
def test_words_that_are_offered_are_accepted_whichever_they_are(seed: int) -> None:
    refuse_weak(" ".join(random.Random(seed).sample(words(), 7)))


@pytest.mark.parametrize("passphrase", ["Xq7#vP2m-Kz9!wR4t-Lb6$", "kzvqwpxg tbhfmrdz qpwlksjv nxcbvzty"])
def test_letters_that_are_no_words_are_not_counted_as_words(passphrase: str) -> None:
    refuse_weak(passphrase)


def test_rare_words_that_have_nothing_to_do_with_each_other_are_accepted() -> None:
    refuse_weak("kwintessens schavotje dromedaris pimpelmees oregano walrustand kaleidoscoop")
