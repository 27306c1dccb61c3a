"""Keeping small counts to ourselves, so that nobody is recognised by them, nor by what is left of a total. Pure.

A row that counts fewer than the smallest number shown, and more than nothing, is left out. Where its total is known,
others are left out with it, until whoever knows the total, all other rows and these very rules can still think of two
tables at least, which differ in each row that was left out. That this holds is tried for every small table there is
(`tests/cases/test_suppression.py`).
"""

from collections.abc import Sequence

LEAST = 3
"""The lowest number that may be set: below it a row left out could be one single number, and so no secret."""


def shown(count: int, smallest: int) -> int | None:
    """A count that stands alone, and is part of no total that is known; None where it is left out."""
    return None if 0 < count < smallest else count


def protected(counts: Sequence[int], smallest: int) -> tuple[int | None, ...]:
    """The rows of a table whose total is known: each its count, or None where it is left out.

    Rows with as many as another go together, smallest first, for else their order would tell which of them had to. A
    table that counts no more than it has rows is left out whole: no choice of rows would protect it.
    """
    if any(counts) and sum(counts) <= len(counts):
        return (None,) * len(counts)
    hidden = {count for count in counts if 0 < count < smallest}
    for count in sorted({count for count in counts if count >= smallest}):
        if _is_safe(counts, hidden, smallest):
            break
        hidden.add(count)
    if not _is_safe(counts, hidden, smallest):
        return (None,) * len(counts)
    return tuple(None if count in hidden else count for count in counts)


def _is_safe(counts: Sequence[int], hidden: set[int], smallest: int) -> bool:
    """Can the rows left out not be worked out from their sum?"""
    left_out = [count for count in counts if count in hidden]
    if not left_out:
        return True
    if len(left_out) == 1 or sum(left_out) < smallest:
        return False
    all_small = max(left_out) < smallest
    return not all_small or len(left_out) < sum(left_out) < len(left_out) * (smallest - 1)
