"""Mails of different writers that are nearly the same: with such a pair a model is judged on what it was taught."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer

from triage.labelled import Labelled

SHINGLE = 8
"""Characters in a run; long enough that common words alone make no pair."""
NEAR = 0.5
"""From this share of runs in common on, two mails are called near-duplicates."""
_BLOCK = 250
_SPACE, _DIGIT = re.compile(r"\s+"), re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two mails of different writers, and the share of runs that they have in common (Jaccard)."""

    first: str
    second: str
    share: float


def shingles(texts: Sequence[str]) -> csr_matrix:
    """Which runs of characters stand in each text, as a row of ones; case, spacing and figures do not count."""
    plain = [_SPACE.sub(" ", _DIGIT.sub("0", unicodedata.normalize("NFKC", t).casefold())).strip() for t in texts]
    hashing = HashingVectorizer(
        analyzer="char",
        ngram_range=(SHINGLE, SHINGLE),
        n_features=1 << 22,
        binary=True,
        norm=None,
        alternate_sign=False,
        lowercase=False,
    )
    return csr_matrix(hashing.transform([t.ljust(SHINGLE) for t in plain]), dtype=np.float32)


def nearest(mails: Sequence[Labelled], most: int = 10) -> list[Pair]:
    """The pairs of different writers that have most in common, nearest first; all near-duplicates, however many."""
    rows = shingles([f"{m.gold['subject']}\n{m.gold['body']}" for m in mails])
    sizes = np.asarray(rows.sum(axis=1)).ravel()
    writers = np.array([m.writer for m in mails])
    columns, found = csr_matrix(rows.T), []
    for start in range(0, len(mails), _BLOCK):
        common = (rows[start : start + _BLOCK] @ columns).toarray()
        here = np.arange(start, start + len(common))
        shares = common / np.maximum(sizes[here][:, None] + sizes[None, :] - common, 1)
        shares[(writers[here][:, None] == writers[None, :]) | (here[:, None] >= np.arange(len(mails))[None, :])] = 0
        border = min(NEAR, float(np.partition(shares, -most, axis=None)[-most]) if shares.size > most else 0.0)
        for i, j in np.argwhere((shares >= border) & (shares > 0)).tolist():
            found.append(Pair(mails[start + i].gold["id"], mails[j].gold["id"], float(shares[i, j])))
    found.sort(key=lambda pair: (-pair.share, pair.first, pair.second))
    return [pair for number, pair in enumerate(found) if number < most or pair.share >= NEAR]
