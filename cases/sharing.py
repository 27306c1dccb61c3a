"""How many shares a recovery seed is split into, and how many of them give it back."""

from dataclasses import dataclass

MOST = 16
"""SLIP-39 has room for no more shares of one seed."""


class BadScheme(ValueError):
    """Seeds are not split like that."""


@dataclass(frozen=True)
class Scheme:
    """Any `needed` of `of` shares give the seed back. Raises BadScheme."""

    needed: int
    of: int

    def __post_init__(self) -> None:
        if not 2 <= self.needed <= self.of <= MOST:
            raise BadScheme(
                f"There can be 2 to {MOST} recovery pages, and at least 2 of them are needed: one page that opens "
                "everything is what they are there to avoid."
            )


DEFAULT = Scheme(2, 3)
