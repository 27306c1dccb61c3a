"""Linear models as plain arrays: all that prediction needs of what training found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores = inputs times weights plus bias; one column an output."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def dense(self, inputs: Floats) -> Floats:
        return np.asarray(inputs @ self.weights.astype(np.float64) + self.bias, dtype=np.float64)

    def hashed(self, rows: NDArray[np.int64], columns: int) -> Floats:
        """For inputs given as `columns` indices a row, each counting once."""
        summed = self.weights[rows.reshape(-1, columns)].astype(np.float64).sum(axis=1)
        return np.asarray(summed + self.bias, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Compact:
    """Weights of one byte each, for the hundreds of thousands of hashed n-grams: a weight is its code times the scale
    of its column."""

    codes: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]

    @classmethod
    def of(cls, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> "Compact":
        """The same weights, rounded to 255 steps a column."""
        scale = (np.abs(weights).max(axis=0) / 127 + 1e-12).astype(np.float32)
        return cls(np.rint(weights / scale).astype(np.int8), scale, bias)

    def at(self, rows: NDArray[np.int64], columns: slice | int = slice(None)) -> NDArray[np.float32]:
        """The weights of some inputs."""
        return self.codes[rows, columns] * self.scale[columns]


def sigmoid(scores: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(scores, -40, 40))), dtype=np.float64)


def softmax(scores: Floats) -> Floats:
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=-1, keepdims=True), dtype=np.float64)
