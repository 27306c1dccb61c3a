"""Small pretrained pipelines, made for the tests."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from triage.labelled import Labelled, read

NEW_WORD = "Zwendelpotje"
"""No mail of the corpus has it; its vector is that of `KNOWN_WORD`."""
KNOWN_WORD = "factuur"


def few_mails() -> list[Labelled]:
    """Mails of three writers: enough to train something on."""
    return [m for m in read() if m.writer in ("t1", "t2", "t22")][::6]


def word_vectors(folder: Path, *, width: int = 16, seed: int = 0, version: str = "1.0.0") -> Path:
    """A pipeline with vectors of the commonest words of those mails, drawn by lot, and a part for nothing."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.vocab.reset_vectors(width=width)
    numbers = np.random.default_rng(seed)
    words = Counter(word for m in few_mails() for word in re.findall(r"[a-z]{4,}", str(m.gold["body"])))
    for word in [KNOWN_WORD, *(w for w, _ in words.most_common(400))]:
        nlp.vocab.set_vector(word, numbers.normal(size=width).astype(np.float32))
    nlp.vocab.set_vector(NEW_WORD, nlp.vocab[KNOWN_WORD].vector)
    nlp.meta["version"] = version
    nlp.to_disk(folder)
    return folder


def layer(folder: Path) -> Path:
    """A pipeline without vectors of words, with a tok2vec that nobody has trained, and a part behind it."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", config={"model": {"width": 32, "embed_size": 200}})
    nlp.add_pipe("senter")
    nlp.initialize()
    nlp.to_disk(folder)
    return folder


@Language.component("meldpost_test_lengths")
def lengths(doc: Doc) -> Doc:
    """Something else that fills the tensor."""
    doc.tensor = np.array([[len(t), t.i % 3, 1.0] for t in doc], dtype=np.float32).reshape(len(doc), 3)
    return doc


def component(folder: Path) -> Path:
    """A pipeline whose one part is not spaCy's."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("meldpost_test_lengths")
    nlp.to_disk(folder)
    return folder


class _Found:
    """What spacy-transformers leaves of a text: layers of spans, pieces and numbers, padded."""

    def __init__(self, layers: list[Any], mask: Any) -> None:
        self.tensors, self.wordpieces = layers, type("Pieces", (), {"attention_mask": mask})


class _CuratedFound:
    """What spacy-curated-transformers leaves of a text."""

    def __init__(self, rows: Any) -> None:
        self.last_hidden_layer_state = type("Ragged", (), {"dataXd": rows})


def _rows(doc: Doc) -> Any:
    return np.array([[len(t), 1.0] for t in doc], dtype=np.float32).reshape(-1, 2)


@Language.component("transformer")
def transformer(doc: Doc) -> Doc:
    """Stands where spacy-transformers would, with padding that must not count."""
    rows = _rows(doc)
    padded = np.concatenate([rows, np.full((2, 2), 1000, dtype=np.float32)])
    mask = np.array([[1] * len(rows) + [0, 0]])
    return _with(doc, _Found([padded[None], padded.mean(axis=0)[None]], mask))


@Language.component("curated_transformer")
def curated_transformer(doc: Doc) -> Doc:
    """Stands where spacy-curated-transformers would."""
    return _with(doc, _CuratedFound(_rows(doc)))


def _with(doc: Doc, found: object) -> Doc:
    if not Doc.has_extension("trf_data"):
        Doc.set_extension("trf_data", default=None)
    doc._.trf_data = found
    return doc


def of_transformers(folder: Path, name: str) -> Path:
    """A pipeline with word vectors and a transformer, which goes first."""
    nlp = spacy.load(word_vectors(folder / "vectors"))
    nlp.add_pipe(name)
    nlp.to_disk(folder / name)
    return folder / name
