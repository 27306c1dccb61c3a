"""Shares of the recovery seed: what gives it back, what does not, and what a person is told."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic.wordlist import WORDLIST

from cases.sharing import BadScheme, Scheme
from store.keypairs import SEED_SIZE
from store.shares import WORDS, BadShare, CannotJoin, join, read_share, split, still_needed

SEED = bytes(range(SEED_SIZE))
ONE, TWO, THREE = split(SEED, Scheme(2, 3))


@given(st.binary(min_size=SEED_SIZE, max_size=SEED_SIZE), st.integers(2, 5), st.integers(0, 3), st.randoms())
@settings(max_examples=15, deadline=None)
def test_any_so_many_shares_give_the_seed_back_and_one_fewer_do_not(seed, needed, more, random):  # type: ignore[no-untyped-def]
    shares = list(split(seed, Scheme(needed, needed + more)))
    random.shuffle(shares)
    assert join(shares[:needed]) == seed
    assert join(shares) == seed
    with pytest.raises(CannotJoin, match=f"{needed} different shares are needed, and these are {needed - 1}"):
        join(shares[: needed - 1])


def test_any_two_of_three_give_the_seed_back() -> None:
    assert {join(pair) for pair in combinations((ONE, TWO, THREE), 2)} == {SEED}


def test_the_same_share_twice_is_one_share() -> None:
    with pytest.raises(CannotJoin, match="2 different shares are needed, and these are 1"):
        join([ONE, ONE])
    assert still_needed([ONE, ONE]) == 1
    assert still_needed([ONE, TWO]) == 0


def test_shares_of_two_keys_are_not_mixed() -> None:
    other = split(bytes(SEED_SIZE), Scheme(2, 3))
    with pytest.raises(CannotJoin, match="not made together"):
        join([ONE, other[1]])


def test_a_share_made_up_for_the_same_key_is_found_out() -> None:
    """As somebody would who knows the first words of a true one, and how checksums are made."""
    from shamir_mnemonic.share import Share as Slip39Share

    true = Slip39Share.from_mnemonic(" ".join(TWO.words))
    forged = Slip39Share(**{**true.__dict__, "value": bytes(SEED_SIZE)}).mnemonic()
    with pytest.raises(CannotJoin, match="do not fit together"):
        join([ONE, read_share(forged)])


@pytest.mark.parametrize("wrong", [[1], [3, 33]])
def test_words_that_are_not_on_the_list_are_named_by_their_place_alone(wrong: list[int]) -> None:
    words = ["zwanenzang" if place in wrong else word for place, word in enumerate(ONE.words, start=1)]
    with pytest.raises(BadShare) as refused:
        read_share(" ".join(words))
    said = str(refused.value)
    assert ", ".join(str(place) for place in wrong) in said
    assert not {"zwanenzang", *ONE.words} & set(said.replace(",", " ").replace(".", " ").split()) - {"is", "on"}


@given(st.integers(0, WORDS - 1), st.sampled_from(WORDLIST))
@settings(max_examples=200, deadline=None)
def test_a_word_that_is_another_one_of_the_list_is_found_by_the_checksum(place: int, word: str) -> None:
    words = list(ONE.words)
    words[place] = word
    if tuple(words) == ONE.words:
        return
    with pytest.raises(BadShare, match="checksum is wrong"):
        read_share(" ".join(words))


def test_two_words_in_the_wrong_order_are_found_by_the_checksum() -> None:
    words = list(ONE.words)
    words[7], words[8] = words[8], words[7]
    with pytest.raises(BadShare, match="wrong order"):
        read_share(" ".join(words))


@pytest.mark.parametrize("count", [0, 1, 32])
def test_a_share_that_is_not_whole_is_counted(count: int) -> None:
    with pytest.raises(BadShare, match=f"33 words; these are {count}"):
        read_share(" ".join(ONE.words[:count]))


@pytest.mark.parametrize(
    "typed",
    [
        " ".join(ONE.words).upper(),
        "\n".join(f"{place}. {word}" for place, word in enumerate(ONE.words, start=1)),
        ",".join(word[:4] for word in ONE.words),
    ],
)
def test_a_share_is_read_however_it_is_typed(typed: str) -> None:
    assert read_share(typed) == ONE


@given(st.text(max_size=400))
@settings(max_examples=200)
def test_whatever_is_typed_is_a_share_or_refused_with_words_that_help(typed: str) -> None:
    with pytest.raises(BadShare):
        read_share(typed)


@pytest.mark.parametrize("numbers", [(1, 1), (1, 3), (4, 3), (0, 0), (2, 17)])
def test_a_single_page_is_not_to_open_everything(numbers: tuple[int, int]) -> None:
    with pytest.raises(BadScheme):
        Scheme(*numbers)


def test_words_do_not_show_when_a_share_is_printed() -> None:
    assert not set(ONE.words) & set(repr(ONE).replace("=", " ").split())
