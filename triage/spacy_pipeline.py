"""The understanding as a spaCy pipeline: `spacy.load` of a model's folder gives it, in any program.

    nlp = spacy.load("triage/model")
    doc = nlp("Geachte heer, onze consul ...")         or nlp(as_doc(nlp, mail)) for a mail with its parts
    doc._.report      the report, as `Triage.understand` gives it
    doc.cats          scores of kinds and categories
    doc.ents          persons concerned ("PERSON_CONCERNED") and their functions ("FUNCTION_CONCERNED")
    doc.spans         "evidence": the passages that weighed most, labelled with their category

The daemon does not go this way: it reads the same model without spaCy's documents, which is faster. No text stands in
what is written: spaCy's vocabulary is left out, and a component holds numbers alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from triage.model import Model
from triage.pipeline import Triage
from triage.report import MailText, Report

FACTORY = "meldpost_report"
EVIDENCE = "evidence"
_NAME, _FUNCTION = "PERSON_CONCERNED", "FUNCTION_CONCERNED"


@Language.factory(FACTORY, assigns=["doc._.report", "doc.cats", "doc.ents", "doc.spans"])
def _component(nlp: Language, name: str) -> ReportComponent:
    """What spaCy calls for a pipeline that names this part."""
    _register()
    return ReportComponent()


class ReportComponent:
    """One step of a pipeline, which understands a whole mail."""

    def __init__(self) -> None:
        self._triage: Triage | None = None
        self._model: Model | None = None

    def use(self, model: Model) -> None:
        """The model to understand with. Raises BadModel."""
        self._model, self._triage = model, Triage(model)

    def __call__(self, doc: Doc) -> Doc:
        if self._triage is None:
            raise ValueError("This pipeline has no model: load one that meldpost train wrote.")
        report = self._triage.understand(doc._.mail or MailText("", "", "", doc.text, ""))
        doc._.report = report
        doc.cats = dict(_scores(report))
        doc.set_ents(filter_spans(_persons(doc, report)))
        doc.spans[EVIDENCE] = [
            span for each in report.evidence for span in _places(doc, each.text, each.category.value)[:1]
        ]
        return doc

    def to_disk(self, path: Path | str, exclude: Iterable[str] = ()) -> None:
        """The model's files stand in the folder of the pipeline itself, where `Model.load` looks for them."""
        if self._model is not None:
            self._model.save(Path(path).parent)

    def from_disk(self, path: Path | str, exclude: Iterable[str] = ()) -> ReportComponent:
        self.use(Model.load(Path(path).parent))
        return self


def write(model: Model, folder: Path) -> None:
    """Write a model as a pipeline that `spacy.load` and `Model.load` read."""
    nlp = spacy.blank("xx")
    component: Any = nlp.add_pipe(FACTORY)
    component.use(model)
    nlp.meta |= {"name": "meldpost", "description": "Reports of misconduct, understood.", "license": "EUPL-1.2"}
    folder.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(folder, exclude=["vocab"])


def as_doc(nlp: Language, mail: MailText) -> Doc:
    """A mail as a document for `nlp`: subject, own and quoted text, one below the other."""
    _register()
    doc = nlp.make_doc("\n".join(part for part in (mail.subject, mail.own_text, mail.quoted_text) if part))
    doc._.mail = mail
    return doc


def _register() -> None:
    for name in ("mail", "report"):
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=None)


def _scores(report: Report) -> Iterator[tuple[str, float]]:
    yield from ((kind.value, score) for kind, score in report.kind_scores.items())
    yield from ((category.slug.value, category.score) for category in report.categories)


def _persons(doc: Doc, report: Report) -> Iterator[Span]:
    for concerned in report.concerned:
        for text, label in ((concerned.name, _NAME), (concerned.function, _FUNCTION)):
            if text:
                yield from _places(doc, text, label)


def _places(doc: Doc, text: str, label: str) -> list[Span]:
    """Where a text stands in a document; words that it cuts are taken whole."""
    found, start = [], doc.text.find(text)
    while text and start >= 0:
        span = doc.char_span(start, start + len(text), label=label, alignment_mode="expand")
        found.extend([span] if span is not None else [])
        start = doc.text.find(text, start + len(text))
    return found
