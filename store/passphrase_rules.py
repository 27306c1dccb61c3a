"""What a good passphrase is: offering one of seven words, and refusing a weak one with a reason that helps.

The words come from `words.txt` (its head names source and licence). Strength is estimated by zxcvbn, told what an
attacker would know about the person, and by what the passphrase is worth as words of a language (`word_strength`), of
which zxcvbn knows English alone. 70 bits of guesses are enough before Argon2id makes each dear.
"""

import math
import secrets
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

from zxcvbn import zxcvbn

from store.passphrase import normalised
from store.word_strength import bits_as_words

WORDS_OFFERED = 7
ENOUGH_BITS = 70.0
_ESTIMATED_CHARACTERS = 72  # zxcvbn takes no more; a longer passphrase is at least as strong as its beginning
_COUNTED_CHARACTERS = 256


class WeakPassphrase(Exception):
    """Too easy to guess. The message says what to do and never repeats the passphrase."""


@cache
def words() -> tuple[str, ...]:
    """Give the word list."""
    text = resources.files("store").joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def offer(choose: Callable[[Sequence[str]], str] = secrets.choice) -> str:
    """Make up a passphrase of seven words (about 78 bits)."""
    return " ".join(choose(words()) for _ in range(WORDS_OFFERED))


def estimated_bits(passphrase: str, known: Sequence[str] = ()) -> float:
    """Estimate how many guesses it takes, as a power of two. `known` is what an attacker knows: name, address, desk."""
    beginning = normalised(passphrase)[:_ESTIMATED_CHARACTERS]
    if not beginning:
        return 0.0
    # zxcvbn knows no Dutch: its words would count as random letters. Words drawn from our list are worth their number.
    whole = normalised(passphrase)[:_COUNTED_CHARACTERS]
    parts = whole.split()
    ours = frozenset(words())
    drawn = all(part in ours for part in parts)
    of_words = len(parts) * math.log2(len(ours)) if drawn else bits_as_words(whole, ours, known)
    return min(of_words, math.log2(float(zxcvbn(beginning, user_inputs=list(known))["guesses"])))


def refuse_weak(passphrase: str, known: Sequence[str] = ()) -> None:
    """Raise WeakPassphrase unless it takes at least 2**70 guesses."""
    bits = estimated_bits(passphrase, known)
    if bits < ENOUGH_BITS:
        raise WeakPassphrase(
            f"this passphrase is too easy to guess (about {bits:.0f} of the {ENOUGH_BITS:.0f} bits needed); "
            f"take {WORDS_OFFERED} words that have nothing to do with each other, such as the ones offered"
        )
