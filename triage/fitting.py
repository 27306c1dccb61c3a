"""The learning itself: each function fits one kind of linear model. Needs scikit-learn; prediction does not."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve
from scipy.linalg.lapack import spotri
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.preprocessing import StandardScaler

from triage.linear import Floats, Linear
from triage.tagging import BITS as TAG_BITS
from triage.tagging import Tag
from triage.tokens import Token

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]

RIDGE = 0.7
_ONES = 0.1
"""What a column of ones adds to each inner product: it stands for the bias, and is next to free of the penalty."""
_BLOCK = 1000
VECTOR_WEIGHT = 0.7
"""Length of a pretrained vector beside two rows of n-grams of length 1 each: half of what one of those adds to an inner
product."""
PART_WEIGHT = 0.5
"""A passage that a reader marked, or a single sentence, counts half as much as a whole mail."""
_TAG_WEIGHTS = {0: 1.0, 1: 4.0, 2: 4.0, 3: 12.0, 4: 12.0, 5: 1.2, 6: 1.2}
"""Names and functions missed weigh more than false ones: the judge of persons rejects those."""


class Ridge:
    """Ridge regression on one matrix of inner products, which every output reuses."""

    def __init__(self, rows: csr_matrix, dense: NDArray[np.float32] | None = None) -> None:
        """`dense` holds further columns, few and filled."""
        self.rows = rows
        self.dense = np.zeros((rows.shape[0], 0), dtype=np.float32) if dense is None else dense
        self.products = np.empty((rows.shape[0], rows.shape[0]), dtype=np.float32)
        columns = rows.T.tocsc()
        for start in range(0, rows.shape[0], _BLOCK):
            block = slice(start, start + _BLOCK)
            self.products[block] = (rows[block] @ columns).toarray() + _ONES
            if self.dense.shape[1]:
                self.products[block] += self.dense[block] @ self.dense.T

    def primal(self, dual: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """From one weight a row and output to weights of columns, the dense ones last, and a bias."""
        weights = [part.T @ dual for part in (self.rows, self.dense)]
        return np.concatenate(weights, dtype=np.float32), np.asarray(_ONES * dual.sum(axis=0), dtype=np.float32)

    def fit(self, use: Rows, targets: Floats, importance: Floats) -> "Solved":
        """The regression on some of the rows."""
        system = self.products[np.ix_(use, use)].T  # symmetric, and so in the order in which LAPACK needs no copy
        system[np.diag_indices_from(system)] += (RIDGE / importance).astype(np.float32)
        factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        dual = cho_solve(factor, targets.astype(np.float32))
        half, _ = spotri(factor[0], lower=1, overwrite_c=1)
        return Solved(self, use, dual, _mirrored(half).T)


def _mirrored(half: NDArray[np.float32]) -> NDArray[np.float32]:
    """A symmetric matrix of which only the lower half is known, made whole in its own memory."""
    for start in range(0, len(half), _BLOCK):
        block = slice(start, start + _BLOCK)
        half[block, start + _BLOCK :] = half[start + _BLOCK :, block].T
        lower = np.tril(half[block, block], -1)
        half[block, block] = np.tril(half[block, block]) + lower.T
    return half


@dataclass(frozen=True, slots=True)
class Solved:
    """A regression on the rows `use`, with the inverse of its system: what it would be without some of those rows
    follows from that, without another fit."""

    ridge: Ridge
    use: Rows
    dual: NDArray[np.float32]
    inverse: NDArray[np.float32]

    def dual_without(self, left_out: Mask) -> NDArray[np.float32]:
        """The dual weights, had the regression not seen those of its own rows that `left_out` marks: those are 0.

        With the inverse parted into blocks, the weights of the rest change by inverse[:, B] inverse[B, B]^-1 dual[B]
        (Rasmussen and Williams, Gaussian Processes for Machine Learning, A.3).
        """
        block = np.flatnonzero(left_out)
        if not len(block):
            return self.dual
        dual = np.asarray(self.dual - self.inverse[block].T @ self._share(block), dtype=np.float32)
        dual[block] = 0
        return dual

    def _share(self, block: Rows) -> NDArray[np.float32]:
        """inverse[B, B]^-1 dual[B]"""
        return np.asarray(solve(self.inverse[np.ix_(block, block)], self.dual[block], assume_a="pos"))


class Unseen:
    """What a regression says of rows when it has not seen them, nor some others: from small blocks of its inverse."""

    def __init__(self, solved: Solved, targets: Floats, asked: Rows) -> None:
        """`targets` are those of the rows that `solved` uses; `asked` all rows that are ever asked for."""
        self._solved, self._targets = solved, targets
        size = len(solved.ridge.products)
        self._inside = np.full(size, -1)
        self._inside[solved.use] = np.arange(len(solved.use))
        others = asked[self._inside[asked] < 0]
        self._outside = np.full(size, -1)
        self._outside[others] = np.arange(len(others))
        products = solved.ridge.products[np.ix_(others, solved.use)]
        self._said, self._change = products @ solved.dual, products @ solved.inverse

    def scores(self, left_out: Mask, asked: Rows) -> Floats:
        """Of the rows `asked`, had the regression not seen those of its own that `left_out` marks; of its own only
        such may be asked for.

        The residual of rows left out together is inverse[B, B]^-1 dual[B] (the same, 5.4.2, for one row).
        """
        block = np.flatnonzero(left_out)
        share = self._solved._share(block) if len(block) else np.zeros((0, self._solved.dual.shape[1]))
        place = np.full(len(self._solved.use), -1)
        place[block] = np.arange(len(block))
        inside, outside = self._inside[asked], self._outside[asked]
        own = inside >= 0
        scores = np.zeros((len(asked), share.shape[1]))
        scores[own] = self._targets[inside[own]] - share[place[inside[own]]]
        scores[~own] = self._said[outside[~own]] - self._change[np.ix_(outside[~own], block)] @ share
        return scores


def fit_tagger(rows: Sequence[Rows], tags: Sequence[Sequence[int]], seed: int) -> tuple[Linear, Floats]:
    """The tagger and the log-probabilities of one tag after another."""
    stacked = np.concatenate([r for r in rows if len(r)])
    gold = np.concatenate([np.array(t, dtype=np.int64) for t in tags if len(t)])
    count, columns = stacked.shape
    ones = np.ones(count * columns, dtype=np.float32)
    matrix = csr_matrix(
        (ones, stacked.reshape(-1), np.arange(0, count * columns + 1, columns)), shape=(count, 1 << TAG_BITS)
    )
    model = SGDClassifier(
        loss="log_loss", alpha=1e-5, average=True, max_iter=4, tol=None, random_state=seed, class_weight=_TAG_WEIGHTS
    ).fit(matrix, gold)
    weights = np.zeros((1 << TAG_BITS, len(Tag)), dtype=np.float32)
    bias = np.full(len(Tag), -20.0, dtype=np.float32)
    weights[:, model.classes_] = model.coef_.T
    bias[model.classes_] = model.intercept_
    return Linear(weights, bias), _moves(tags)


def _moves(tags: Sequence[Sequence[int]]) -> Floats:
    counts = np.full((len(Tag), len(Tag)), 0.3)
    for sequence in tags:
        for before, after in pairwise(sequence):
            counts[before, after] += 1
    share = counts.sum(axis=0) / counts.sum()
    moves = np.log(counts / counts.sum(axis=1, keepdims=True)) - 0.5 * np.log(share)
    for goes_on in (Tag.NAME_GOES_ON, Tag.FUNCTION_GOES_ON, Tag.ADDRESS_GOES_ON):
        for before in Tag:
            if before not in (goes_on, goes_on - 1):
                moves[before, goes_on] = -1e3
    return np.asarray(moves, dtype=np.float64)


def gold_tags(tokens: Sequence[Token], text: str, gold: Mapping[str, Any]) -> list[int]:
    """The tags that the labels of a mail ask for."""
    tags = [int(Tag.OUT)] * len(tokens)
    if gold["address"]:
        for start, end in list(_places(text, gold["address"]))[:1]:
            _mark(tags, tokens, start, end, Tag.ADDRESS)
    for key, field, tag in (("people", "name", Tag.NAME), ("functions", "text", Tag.FUNCTION)):
        for entry in sorted(gold[key], key=lambda e: -len(e[field])):
            for start, end in _places(text, entry[field]):
                _mark(tags, tokens, start, end, tag)
    return tags


def _places(text: str, part: str) -> Iterator[tuple[int, int]]:
    return ((m.start(), m.end()) for m in re.finditer(rf"(?<!\w){re.escape(part)}(?!\w)", text))


def _mark(tags: list[int], tokens: Sequence[Token], start: int, end: int, tag: Tag) -> None:
    inside = [i for i, t in enumerate(tokens) if t.start < end and t.end > start]
    if all(tags[i] == Tag.OUT for i in inside):
        for n, i in enumerate(inside):
            tags[i] = int(tag) + (n > 0)


def fit_judge(rows: Sequence[Rows], gold: Sequence[bool], bits: int) -> Linear:
    """Which candidates are the person concerned."""
    if len(set(gold)) < 2:  # a corpus so small that no mail names anybody concerned, or all do
        bias = 12.0 if any(gold) else -12.0
        return Linear(np.zeros((1 << bits, 1), dtype=np.float32), np.array([bias], dtype=np.float32))
    starts = np.cumsum([0, *(len(r) for r in rows)])
    indices = np.concatenate(rows)
    matrix = csr_matrix((np.ones(len(indices)), indices, starts), shape=(len(rows), 1 << bits))
    model = LogisticRegression(C=0.1, solver="liblinear", random_state=0).fit(matrix, np.array(gold))
    return Linear(model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32))


def fit_head(
    rows: Floats, gold: Sequence[Any], labels: Sequence[Any], columns: slice = slice(None), strength: float = 0.1
) -> Linear:
    """A calibrated logistic regression on some of the signals; labels never seen get next to no probability."""
    whole, rows = rows.shape[1], rows[:, columns]
    scaler = StandardScaler().fit(rows)
    target = np.array([labels.index(g) for g in gold])
    seen = sorted(set(target.tolist()))
    weights = np.zeros((whole, len(labels)))
    bias = np.full(len(labels), -12.0)
    if len(seen) == 1:
        bias[seen] = 12.0
        return Linear(weights.astype(np.float32), bias.astype(np.float32))
    model = LogisticRegression(C=strength, max_iter=500).fit(scaler.transform(rows), target)
    coefficients, intercept = (
        model.coef_ / scaler.scale_,
        model.intercept_ - (model.coef_ / scaler.scale_) @ scaler.mean_,
    )
    if len(seen) == 2:
        coefficients, intercept = np.vstack([0 * coefficients, coefficients]), np.array([0.0, intercept[0]])
    weights[np.ix_(np.arange(whole)[columns], seen)], bias[seen] = coefficients.T, intercept
    return Linear(weights.astype(np.float32), bias.astype(np.float32))


def stacked(first: csr_matrix, second: csr_matrix) -> csr_matrix:
    return csr_matrix(vstack([first, second]))


def best_threshold(measure: Callable[[float], float], low: float, high: float, steps: int = 25) -> float:
    """The threshold with the highest measure; the middle one of equals."""
    tried = np.linspace(low, high, steps)
    values = np.array([measure(float(t)) for t in tried])
    equals = np.flatnonzero(values >= values.max() - 1e-9)
    return float(tried[equals[len(equals) // 2]])
