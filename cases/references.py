"""References: what a reporter quotes and a coordinator reads out. Random, not counted, and apart from the case's id."""

import re
from collections.abc import Callable

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and capitals without those that are mistaken for one another (0 O, 1 I L, U V)."""

LENGTH = 10
_PATTERN = re.compile(
    rf"(?<![0-9A-Za-z])([{ALPHABET}]{{5}})[-\u2010-\u2015 ]?([{ALPHABET}]{{5}})(?![0-9A-Za-z])", re.ASCII
)


def new_reference(randbelow: Callable[[int], int]) -> str:
    """A reference such as ``7K3FM-9Q2XD``: ten symbols of `ALPHABET`, 49 bits. `randbelow` is `secrets.randbelow`."""
    symbols = "".join(ALPHABET[randbelow(len(ALPHABET))] for _ in range(LENGTH))
    return f"{symbols[:5]}-{symbols[5:]}"


def references_in(text: str) -> tuple[str, ...]:
    """What in `text` has the shape of a reference, in order, once each. Not all that has the shape is one."""
    found = (f"{first}-{second}" for first, second in _PATTERN.findall(text.upper()))
    return tuple(dict.fromkeys(found))
