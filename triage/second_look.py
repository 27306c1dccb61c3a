"""A second look at every candidate: its first score beside those of its rivals, and in the mail as a whole.

The first judge sees where a candidate stands and between which words. Whether somebody else is likelier, and whether
the mail tells of misconduct at all, it hardly sees.
"""

from collections.abc import Sequence

import numpy as np

from config.taxonomy import Category, Kind
from triage.linear import Floats, Linear, softmax
from triage.people import Candidate, Reading, words_of

_PRIMARY = len(Kind)
_HOLDS = _PRIMARY + len(Category)
COLUMNS = 16 + len(Kind)


def looked_at_again(
    head: Linear, reading: Reading, found: Sequence[Candidate], firsts: Sequence[float], text_scores: Floats
) -> list[float]:
    """How likely each candidate of one kind is the person concerned, or their function, all things considered."""
    if not found:
        return []
    return [float(share) for share in softmax(head.dense(standing(reading, found, firsts, text_scores)))[:, 1]]


def standing(reading: Reading, found: Sequence[Candidate], firsts: Sequence[float], text_scores: Floats) -> Floats:
    """One row of `COLUMNS` numbers for each candidate of one kind; `text_scores` as `signals.TEXT_OUTPUTS` has them."""
    rows = [[*_rank(i, firsts), *_places(reading, c), *_mail(reading, text_scores)] for i, c in enumerate(found)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), COLUMNS)


def _rank(number: int, firsts: Sequence[float]) -> list[float]:
    first, others = firsts[number], [score for i, score in enumerate(firsts) if i != number]
    best = max(others, default=0.0)
    odds, rival = _log_odds(first), _log_odds(best)
    return [odds, rival, odds - rival, float(first >= best), np.log1p(len(firsts))]


def _log_odds(share: float) -> float:
    return float(np.log((share + 0.005) / (1.005 - share)))


def _places(reading: Reading, candidate: Candidate) -> list[float]:
    mentions, layout = candidate.mentions, reading.layout
    body = [m for m in mentions if reading.own_start <= m.start < reading.own_end]
    told = [m for m in body if layout.greeting_end <= m.start < layout.signature_start]
    quoted = any(m.start >= reading.own_end for m in mentions)
    length = max(reading.own_end - reading.own_start, 1)
    return [
        np.log1p(len(told)),
        float(quoted),
        float(quoted and not body),
        np.log1p(len(mentions)),
        len(words_of(candidate.text)),
        max(m.score for m in mentions),
        (mentions[0].start - reading.own_start) / length,
    ]


def _mail(reading: Reading, text_scores: Floats) -> list[float]:
    primary, holds = text_scores[_PRIMARY:_HOLDS], text_scores[_HOLDS : _HOLDS + len(Category)]
    told = [float(primary.max()), float(primary.sum()), float(holds.max()), float(np.log1p(len(reading.tokens)))]
    return [*text_scores[:_PRIMARY], *told]
