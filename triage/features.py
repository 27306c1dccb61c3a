"""Texts as sparse rows of numbers: hashed word and character n-grams.

Only the hash of an n-gram is ever kept, so that no model file holds a word of the mails that it was trained on.
"""

import re
import unicodedata
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

WORD_BITS = 18
CHAR_BITS = 18
"""With 16 bits a bucket held ten n-grams of the corpus, and unseen writers were understood less well."""
_LETTERS = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SPACE = re.compile(r"\s+")
_DIGIT = re.compile(r"\d")
_PRIME = np.uint64(1099511628211)
_MIX = np.uint64(0x9E3779B97F4A7C15)

Array = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bag:
    """The hashed n-grams of one text with their weights, one block: 1 + log of how often each stands there."""

    indices: Indices
    weights: Array


def folded(text: str) -> str:
    """One spelling for what means the same: composed, lower case, figures as 0, single spaces."""
    text = unicodedata.normalize("NFC", text).lower()
    return _SPACE.sub(" ", _DIGIT.sub("0", text)).strip()


def word_bag(text: str, subject: str = "") -> Bag:
    """Words and pairs of neighbours; those of the subject once more under their own names."""
    hashes = [_word_hash(w) for w in _LETTERS.findall(text)]
    ones = np.array(hashes, dtype=np.uint64)
    pairs = ones[:-1] * _PRIME + ones[1:] + np.uint64(1)
    apart = np.array([_word_hash("subject " + w) for w in _LETTERS.findall(subject)], dtype=np.uint64)
    return _bag(np.concatenate([ones, pairs, apart]), WORD_BITS)


def char_bag(text: str) -> Bag:
    """Runs of 2 to 5 characters within words, their ends marked by a space."""
    codes = np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    space = np.concatenate([[0], np.cumsum(codes == 32)])
    parts, rolling = [], codes.copy()
    for n in range(2, 6):
        if len(codes) < n:
            break
        rolling = rolling[: len(codes) - n + 1] * _PRIME + codes[n - 1 :]
        inner = space[n - 1 : len(codes)] - space[1 : len(codes) - n + 2]
        parts.append(rolling[inner == 0] + np.uint64(n))
    return _bag(np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64), CHAR_BITS)


def _word_hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def _bag(hashes: NDArray[np.uint64], bits: int) -> Bag:
    mixed = (hashes * _MIX) >> np.uint64(64 - bits)
    indices, counts = np.unique(mixed.astype(np.int64), return_counts=True)
    return Bag(indices, (1 + np.log(counts)).astype(np.float32))


def matrix(bags: list[Bag], bits: int) -> csr_matrix:
    """Bags as the rows of one matrix."""
    starts = np.cumsum([0, *(len(b.indices) for b in bags)])
    indices = np.concatenate([b.indices for b in bags]) if bags else np.zeros(0, dtype=np.int64)
    weights = np.concatenate([b.weights for b in bags]) if bags else np.zeros(0, dtype=np.float32)
    return csr_matrix((weights, indices, starts), shape=(len(bags), 1 << bits), dtype=np.float32)


def idf(counts: csr_matrix) -> Array:
    """How telling each column is: rarer columns weigh more."""
    present = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + present)) + 1, dtype=np.float32)


def weighed(counts: csr_matrix, weights: Array) -> csr_matrix:
    """Rows times column weights, each row scaled to length 1."""
    rows = counts @ diags(weights)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return csr_matrix(diags(1 / np.maximum(lengths, 1e-9)) @ rows, dtype=np.float32)
