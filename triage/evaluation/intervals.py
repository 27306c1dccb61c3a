"""How far a figure could be off: the bootstrap by writers and mails.

Mails of one writer resemble each other, so whole writers are drawn first, with replacement, and then as many mails of
each as that writer has. An interval holds the middle 95 % of the figures so drawn.
"""

from collections.abc import Sequence

import numpy as np

from triage.linear import Floats

DRAWS = 1000
FEWEST = 50
"""Mails below which nothing is said: the interval would be wider than what it is to tell."""


def resamplings(writers: Sequence[str], draws: int = DRAWS, seed: int = 0) -> Floats:
    """How often each mail is drawn: one row a draw."""
    names, of = np.unique(np.array(writers), return_inverse=True)
    mails = [np.flatnonzero(of == i) for i in range(len(names))]
    random, weights = np.random.default_rng(seed), np.zeros((draws, len(of)))
    for row in weights:
        for writer in random.integers(len(names), size=len(names)):
            np.add.at(row, random.choice(mails[writer], size=len(mails[writer])), 1)
    return weights


def interval(drawn: Floats) -> tuple[float, float]:
    """The bounds between which the middle 95 % lie."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
