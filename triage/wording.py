"""The text model in training: which words and runs of characters tell of what.

One system of inner products serves every output, every group of writers left out, and every writer left out within the
rest: all follow exactly from one inverse (`Solved.without`), so that a model without some writers costs seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from config.taxonomy import SUBS, Category, Kind, Severity
from triage import features
from triage.fitting import PART_WEIGHT, VECTOR_WEIGHT, Mask, Ridge, Rows, Unseen
from triage.labelled import Labelled, Sentence
from triage.linear import Compact, Floats
from triage.masking import Bags, Masking
from triage.model import BuiltOn
from triage.pretrained import Pretrained
from triage.reading import Prepared
from triage.signals import TEXT_OUTPUTS
from triage.vocabulary import Usage

ALL_SUBS = tuple(s for subs in SUBS.values() for s in subs)


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled mail, prepared once for any number of trainings."""

    labelled: Labelled
    prepared: Prepared
    bags: Bags
    evidence: Bags | None
    """Those of the passages that were marked in it."""

    def knows(self, target: str) -> bool:
        """Did somebody say this of the mail?"""
        return target in self.labelled.known


@dataclass(frozen=True, slots=True)
class Wording:
    """What was learned from all mails but some."""

    learning: "Learning"
    dual: NDArray[np.float32]
    """One weight for each row of the system, and output."""
    scores: Floats
    """Of each mail learned from, in their order: what the model says that has not seen its writer either."""

    @property
    def idf(self) -> tuple[features.Array, features.Array]:
        """How telling each word and each run of characters is. Counted over all mails, those left out too: it takes no
        label but where names stand."""
        return self.learning.word_idf, self.learning.char_idf

    def weights(self) -> tuple[Compact, BuiltOn | None]:
        """The weights of n-grams, and those of what a pretrained pipeline says."""
        weights, bias = self.learning.ridge.primal(self.dual)
        hashed = self.learning.ridge.rows.shape[1]
        pretrained = self.learning.pretrained
        built_on = pretrained.built_on(weights[hashed:] * np.float32(VECTOR_WEIGHT)) if pretrained else None
        return Compact.of(weights[:hashed], bias), built_on


class Learning:
    """Mails, the passages marked in them, and single sentences, as the rows of one system.

    A mail teaches everything that is known of it; its passages teach categories; so do sentences, and severity too.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        usage: Usage,
        sentences: Sequence[Sentence] = (),
        pretrained: Pretrained | None = None,
    ) -> None:
        self.pretrained, self.usage = pretrained, usage
        self._examples, self._sentences = examples, sentences
        self._marked = [i for i, e in enumerate(examples) if e.evidence]
        count = len(examples)
        masking, passages = Masking(), [e.evidence for e in examples if e.evidence]
        told = [masking.without(vocabulary=usage.unseen_by(s.writer)).bags(s.text) for s in sentences]
        bags = [*(e.bags for e in examples), *passages, *told]
        words = features.matrix([b.words for b in bags], features.WORD_BITS)
        chars = features.matrix([b.chars for b in bags], features.CHAR_BITS)
        self.word_idf, self.char_idf = features.idf(words[:count]), features.idf(chars[:count])
        rows = hstack([features.weighed(words, self.word_idf), features.weighed(chars, self.char_idf)])
        self.ridge = Ridge(csr_matrix(rows), self._vectors())

    def _vectors(self) -> features.Array | None:
        """What a pretrained pipeline says of each mail, then of its passages, then of each sentence."""
        if self.pretrained is None:
            return None
        passages = [" ".join(self._examples[i].labelled.gold["evidence"]) for i in self._marked]
        parts = [self.pretrained.vector(text) for text in (*passages, *(s.text for s in self._sentences))]
        vectors = np.stack([*(e.prepared.vector for e in self._examples), *parts])
        return np.asarray(vectors * VECTOR_WEIGHT, dtype=np.float32)

    def of_all(self) -> Wording:
        """Learned from everything."""
        return self.without([np.zeros(len(self._examples), dtype=bool)])[0]

    def without(self, left_out: Sequence[Mask]) -> list[Wording]:
        """For each mask of mails what is learned from all others."""
        count, mails = len(self._examples), np.arange(len(self._examples))
        sentences = np.arange(len(self._sentences)) + count
        labels: Rows = np.concatenate([mails, self._marked, sentences]).astype(np.int64)
        of_mail = labels < count
        is_passage = of_mail & (np.arange(len(labels)) >= count)
        importance = np.where(np.arange(len(labels)) < count, 1.0, PART_WEIGHT)
        writer_of_mail = np.array([e.labelled.writer for e in self._examples])
        writers = np.where(of_mail, writer_of_mail[np.where(of_mail, labels, 0)], "")
        gone = [of_mail & mask[np.where(of_mail, labels, 0)] for mask in left_out]
        duals = [np.zeros((len(labels), len(TEXT_OUTPUTS)), dtype=np.float32) for _ in left_out]
        scores = [np.zeros((count, len(TEXT_OUTPUTS))) for _ in left_out]
        for columns, targets, mask, with_passages in self._targets():
            use = np.flatnonzero(mask[labels] & (with_passages | ~is_passage))
            solved = self.ridge.fit(use, targets[labels[use]], importance[use])
            unseen = Unseen(solved, targets[labels[use]], mails)
            for number, mails_gone in enumerate(left_out):
                duals[number][use, columns] = solved.dual_without(gone[number][use])
                for writer in sorted(set(writer_of_mail[~mails_gone].tolist())):
                    here = np.flatnonzero((writer_of_mail == writer) & ~mails_gone)
                    scores[number][here, columns] = unseen.scores(gone[number][use] | (writers[use] == writer), here)
            del solved, unseen  # as large as the matrix of products, and another follows
        return [
            Wording(self, dual, said[~mails_gone])
            for dual, said, mails_gone in zip(duals, scores, left_out, strict=True)
        ]

    def _targets(self) -> list[tuple[slice, Floats, Mask, bool]]:
        """Columns of TEXT_OUTPUTS, what they should say, for which mails and then sentences, and whether the passages
        of those mails teach them too."""
        examples = self._examples
        gold = [*(e.labelled.gold for e in examples), *(s.gold for s in self._sentences)]
        at = {name: i for i, name in enumerate(TEXT_OUTPUTS)}
        none = [False] * len(self._sentences)
        mail = np.arange(len(gold)) < len(examples)
        labelled = np.array([bool(g["categories"]) for g in gold]) | ~mail
        graded = np.array([g["severity"] is not None for g in gold])
        judged = np.array([e.labelled.tells_what_it_lacks for e in examples] + none)
        of_a_kind = np.array([*(e.knows("kind") for e in examples), *none])
        signed_or_not = np.array([*(e.knows("anonymous") for e in examples), *none])
        kinds = np.array([[float(g.get("kind") == k) for k in Kind] for g in gold])
        topics = np.array(
            [
                [float(g["primary"] == c) for c in Category]
                + [float(c in g["categories"]) for c in Category]
                + [float(s in g["sub"]) for s in ALL_SUBS]
                for g in gold
            ]
        )
        order = list(Severity)
        grades = np.array(
            [[float(g["severity"] == s) for s in order] + [order.index(g["severity"] or order[1]) / 3.0] for g in gold]
        )
        unclear = np.array([[float(not g.get("description_clear"))] for g in gold])
        anonymous = np.array([[float(bool(g.get("anonymous")))] for g in gold])
        first_topic, first_grade = at[f"primary {next(iter(Category))}"], at[f"severity {order[0]}"]
        return [
            (slice(0, first_topic), kinds, of_a_kind, False),
            (slice(first_topic, first_grade), topics, labelled, True),
            (slice(first_grade, at["unclear"]), grades, graded, False),
            (slice(at["unclear"], at["anonymous"]), unclear, judged, False),
            (slice(at["anonymous"], len(TEXT_OUTPUTS)), anonymous, signed_or_not, False),
        ]
