"""Which words are in use: those that several writers use. A capitalised word that is not is taken for a proper name.

No list holds all towns, firms and surnames, but what hardly anybody ever writes without a capital is nearly always one
of those. Words are kept as hashes alone, so that no model file holds any, and counted in the corpus, never in the cases
of a desk.
"""

import re
import unicodedata
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FEWEST_WRITERS = 3
"""Who write a word small before it counts as one."""
_SHORTEST = 2
"""A letter by itself is no name: "I", "U", "É", an initial."""
WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_JOINT = re.compile(r"[-’']")

Hashes = NDArray[np.uint32]


def _hash(word: str) -> int:
    return zlib.crc32(unicodedata.normalize("NFC", word).lower().encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Vocabulary:
    """The words in use, as hashes in ascending order."""

    hashes: Hashes

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self.hashes.tolist())

    def is_unknown_name(self, word: str) -> bool:
        """Is this a proper name that is not in use, or joined to one: capitalised, and not known?"""
        return self._is_unknown(word) and any(map(self._is_unknown, _JOINT.split(word)))

    def _is_unknown(self, word: str) -> bool:
        return len(word) >= _SHORTEST and word != word.lower() and _hash(word) not in self._known


class Usage:
    """Who uses which words, in all mails of a corpus."""

    def __init__(self, texts: Iterable[tuple[str, str, bool]]) -> None:
        """Of texts, each with its writer, and whether its language gives capitals to all nouns, as German does.

        There every word counts; elsewhere one that is written small, or in capitals alone, as abbreviations are.
        """
        used: dict[str, set[int]] = {}
        for writer, text, capitals in texts:
            words = {part for word in WORD.findall(text) for part in (word, *_JOINT.split(word))}
            words = {word for word in words if capitals or word == word.lower() or word == word.upper()}
            used.setdefault(writer, set()).update(map(_hash, words))
        self._of = {writer: np.array(sorted(hashes), dtype=np.uint32) for writer, hashes in used.items()}
        self._everything = self.of(self._of)
        self._unseen_by: dict[str, Vocabulary] = {}

    def of(self, writers: Collection[str]) -> Vocabulary:
        """The words that enough of these writers use."""
        return self._counted([hashes for writer, hashes in self._of.items() if writer in writers])

    def unseen_by(self, writer: str) -> Vocabulary:
        """The words that enough of the others use: what a model knows that has seen nothing of this writer."""
        if writer not in self._of:
            return self._everything
        if writer not in self._unseen_by:
            self._unseen_by[writer] = self.of([other for other in self._of if other != writer])
        return self._unseen_by[writer]

    @staticmethod
    def _counted(all_hashes: list[Hashes]) -> Vocabulary:
        if not all_hashes:
            return Vocabulary(np.zeros(0, dtype=np.uint32))
        hashes, counts = np.unique(np.concatenate(all_hashes), return_counts=True)
        return Vocabulary(hashes[counts >= FEWEST_WRITERS])
