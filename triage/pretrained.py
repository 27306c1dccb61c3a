"""A pretrained spaCy pipeline, or vectors, beside the hashed n-grams: one vector of a fixed length for a text.

    pretrained = Pretrained.open("nl_core_news_lg")
    pretrained.vector("Mijn chef neemt geld aan.")

Of a pipeline only what gives vectors is kept: the transformer where it has one, else its table of word vectors, else
its tok2vec or whatever else fills `doc.tensor`. A pipeline is code and data of others that are loaded as they stand:
name only one that you would install.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from triage.features import Array
from triage.model import BadModel, BuiltOn
from triage.tokens import without_endless_words

LONGEST = 8_000
"""Characters that are looked at: a transformer takes about 25 ms a sentence."""
PROBE = (
    "Melding: op 12 maart vroeg het hoofd van de afdeling een collega om geld. "
    "Report: on 12 March the head of the department asked a colleague for money."
)
"""Whether a pipeline is the same as when a model was trained on it shows in its vector of this text."""
_TRANSFORMERS = frozenset({"transformer", "curated_transformer"})
_TOK2VEC = "tok2vec"
_SAME = 0.01
"""How far a number of the probe's vector, of length 1, may move from one machine to another."""


class BadPipeline(ValueError):
    """There is no pipeline that gives vectors by that name; the message says what to do."""


class Pretrained:
    """A loaded pipeline. Keeps nothing of a text: what spaCy's vocabulary learns from one is dropped after it."""

    def __init__(self, name: str, nlp: Language) -> None:
        self.name = name
        self.version = str(nlp.meta.get("version", ""))
        self._nlp = nlp
        self._rows = _way(nlp)
        found = self._of(PROBE)
        if found is None:
            raise BadPipeline(f"the spaCy pipeline {name} gives no vectors: name one that does, or none.")
        self.probe = found

    @classmethod
    def open(cls, name: str) -> Pretrained:
        """The pipeline of an installed package, or in a folder; raises BadPipeline."""
        place = _place(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of another version of spaCy: the probe tells whether that matters
                return cls(place, spacy.load(place))
        except BadPipeline:
            raise
        except OSError:
            raise BadPipeline(f"there is no spaCy pipeline {name}: install that package, or name its folder.") from None
        except Exception as error:  # noqa: BLE001 - whatever code of others raises; no mail was near
            reason = f"{type(error).__name__}: {error}"[:300]
            raise BadPipeline(f"the spaCy pipeline {name} does not load; install what it needs ({reason}).") from None

    @property
    def length(self) -> int:
        return len(self.probe)

    def vector(self, text: str) -> Array:
        """The mean of the vectors of its words, scaled to length 1; zeros where it has none."""
        found = self._of(text) if text.strip() else None
        return np.zeros(self.length, dtype=np.float32) if found is None else found

    def built_on(self, columns: Array) -> BuiltOn:
        """This pipeline, as a model remembers it."""
        return BuiltOn(self.name, self.version, self.probe, columns)

    def _of(self, text: str) -> Array | None:
        with self._nlp.memory_zone():
            rows = np.array(self._rows(without_endless_words(text[:LONGEST])), dtype=np.float64)
        if rows.ndim != 2 or not rows.size:
            return None
        mean = np.nan_to_num(rows.mean(axis=0))
        return np.asarray(mean / max(float(np.sqrt(mean @ mean)), 1e-9), dtype=np.float32)


def as_trained(built_on: BuiltOn) -> Pretrained:
    """The pipeline that a model was trained on; raises BadModel where it is not there, or is not the same."""
    trained = f"The model was trained on the spaCy pipeline {built_on.name} {built_on.version}"
    train = "or train a model anew with meldpost train"
    try:
        found = Pretrained.open(built_on.name)
    except BadPipeline as error:
        raise BadModel(f"{trained}, and {str(error).rstrip('.')}; {train}.") from None
    if (found.version, found.length) != (built_on.version, built_on.length):
        raise BadModel(
            f"{trained} with vectors of {built_on.length} numbers, and there is {found.version} with vectors of "
            f"{found.length}: install that version, {train}."
        )
    if not np.allclose(found.probe, built_on.probe, rtol=0, atol=_SAME):
        raise BadModel(
            f"{trained}, and what is there by that name and version gives other vectors: put back the one that it was "
            f"trained on, {train}."
        )
    return found


def _place(name: str) -> str:
    """A package's name, or the whole path of a folder: a worker runs elsewhere."""
    path = Path(name).expanduser()
    return str(path.resolve()) if path.is_dir() and not spacy.util.is_package(name) else name


def _way(nlp: Language) -> Callable[[str], NDArray[Any]]:
    """How this pipeline gives the vectors of a text, row by row; what it does not need for that is taken out of it."""
    factories = {part: nlp.get_pipe_meta(part).factory for part in nlp.component_names}
    if _TRANSFORMERS & set(factories.values()):
        _keep(nlp, [part for part, factory in factories.items() if factory in _TRANSFORMERS])
        return lambda text: _states(nlp(text))
    if nlp.vocab.vectors_length:
        _keep(nlp, [])
        return lambda text: _on_cpu(nlp.make_doc(text).vector).reshape(1, -1)
    if _TOK2VEC in factories.values():
        _keep(nlp, [part for part, factory in factories.items() if factory == _TOK2VEC])
    return lambda text: _on_cpu(nlp(text).tensor)


def _keep(nlp: Language, parts: list[str]) -> None:
    for part in nlp.component_names:
        if part not in parts:
            nlp.remove_pipe(part)


def _states(doc: Doc) -> NDArray[Any]:
    """The last layer of a transformer, a row for each piece of a word, as spacy-curated-transformers or
    spacy-transformers leaves it."""
    found = doc._.trf_data
    if hasattr(found, "last_hidden_layer_state"):
        return _on_cpu(found.last_hidden_layer_state.dataXd)
    layers = [layer for layer in map(_on_cpu, found.tensors) if layer.ndim == 3]
    if not layers:
        return np.zeros((0, 0))
    real = _on_cpu(found.wordpieces.attention_mask).reshape(layers[-1].shape[:2]).astype(bool)
    return np.asarray(layers[-1][real])


def _on_cpu(found: Any) -> NDArray[Any]:
    return np.asarray(found.get() if hasattr(found, "get") else found)
