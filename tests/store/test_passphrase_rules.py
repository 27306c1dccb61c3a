"""Passphrases offered and refused."""

import pytest

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
