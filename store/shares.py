"""The recovery seed as shares on paper (SLIP-39): any m of n people give it back, fewer learn nothing of it.

A share is 33 words of a list of 1024, of which no two begin with the same four letters; the last three are a checksum.
Words are the secret: no error here repeats one, only its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share as Slip39Share
from shamir_mnemonic.wordlist import WORDLIST

from cases.sharing import Scheme
from store.keypairs import SEED_SIZE

WORDS = 33
_LETTERS = 4
_TOLD = 5
"""Words that are named where more are strange: those that have to be looked at first."""
_WORD = re.compile(r"[a-z]+")


class BadShare(ValueError):
    """These words are no share; says which to look at, never what they are."""


class CannotJoin(ValueError):
    """These shares give no seed together; says what is wrong with them."""


@dataclass(frozen=True)
class Share:
    """One share. Its words never show when it is printed."""

    words: tuple[str, ...] = field(repr=False)
    number: int
    needed: int
    batch: int
    """The same for all shares that were split together."""


def split(seed: bytes, scheme: Scheme) -> tuple[Share, ...]:
    """The shares of a seed, numbered from 1."""
    (mnemonics,) = generate_mnemonics(1, [(scheme.needed, scheme.of)], seed)
    return tuple(read_share(each) for each in mnemonics)


def read_share(text: str) -> Share:
    """One share as a person typed or pasted it: upper or lower case, with or without the words' numbers. The first
    four letters of a word are enough. Raises BadShare."""
    words = _WORD.findall(text.lower())
    known = [_whole(word) for word in words]
    strange = [str(place) for place, word in enumerate(known, start=1) if word is None]
    if strange:
        which = f"Word {strange[0]} is" if len(strange) == 1 else f"The words {', '.join(strange[:_TOLD])} are"
        more = f", nor are {len(strange) - _TOLD} more" if len(strange) > _TOLD else ""
        raise BadShare(f"{which} not on the list of words{more}. Compare with the page, letter by letter.")
    if len(words) != WORDS:
        raise BadShare(f"A share has {WORDS} words; these are {len(words)}. Is one missing, or one there twice?")
    whole = tuple(word for word in known if word is not None)
    try:
        share = Slip39Share.from_mnemonic(" ".join(whole))
    except MnemonicError:
        raise BadShare(
            "All words are on the list, but their checksum is wrong: one of them is another word than on the page, or "
            "two stand in the wrong order. Compare them with the page one by one."
        ) from None
    if share.group_count != 1:
        raise BadShare("These words are a share of some other program: its groups are not used here.")
    return Share(whole, share.index + 1, share.member_threshold, share.identifier)


def join(shares: Sequence[Share]) -> bytes:
    """The seed that these shares were split from. Raises CannotJoin."""
    by_number = {share.number: share for share in shares}
    if not by_number:
        raise CannotJoin("No shares were given.")
    if len({(share.batch, share.needed) for share in by_number.values()}) > 1:
        raise CannotJoin(
            "These shares were not made together: shares of one recovery key begin with the same two words. Pages of "
            "another desk, or from before the recovery key was renewed, do not go with these."
        )
    needed = next(iter(by_number.values())).needed
    if len(by_number) < needed:
        raise CannotJoin(f"{needed} different shares are needed, and these are {len(by_number)}.")
    chosen = [by_number[number] for number in sorted(by_number)][:needed]
    try:
        seed: bytes = combine_mnemonics(" ".join(share.words) for share in chosen)
    except MnemonicError:
        raise CannotJoin(
            "These shares do not fit together, although each is in order by itself: one of them was made up or belongs "
            "to another key. Try another one in its place."
        ) from None
    if len(seed) != SEED_SIZE:
        raise CannotJoin("These shares are of some other secret than a recovery key.")
    return seed


def still_needed(shares: Iterable[Share]) -> int:
    """How many more shares are to be asked for; 1 where none is there yet."""
    numbers, needed = set(), 1
    for share in shares:
        numbers.add(share.number)
        needed = share.needed
    return max(0, needed - len(numbers))


def _whole(word: str) -> str | None:
    whole = _beginnings().get(word[:_LETTERS])
    return whole if word in (whole, word[:_LETTERS]) and len(word) >= _LETTERS else None


@cache
def _beginnings() -> dict[str, str]:
    return {word[:_LETTERS]: word for word in WORDLIST}
