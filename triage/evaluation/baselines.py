"""What two plain ways reach on the same mails: keyword rules, and word n-grams with logistic regression.

They answer in the keys of the contract, as far as they have an answer at all.
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from config.taxonomy import Category, Kind, Severity
from triage.evaluation.counts import Said
from triage.labelled import REQUIRED, Labelled

DATA = Path(__file__).parent / "data"
KEYWORDS, NGRAMS = "keyword rules", "word n-grams"
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PHONE = re.compile(r"(?<!\w)(?:\+|00)?\d[\d ()./-]{7,}\d")
_ADDRESS = re.compile(r"[^\W\d_]{3,}\.? \d{1,4} ?[a-z]?,?\s+\d{4} ?[A-Z]{2} [A-Z][^\W\d_]+")
_TITLE = r"(?:heer|dhr\.?|mevrouw|mevr\.?|mw\.?|Mr\.?|Mrs\.?|Ms\.?|Mme|Monsieur|Madame|Herrn?|Frau|señora?|Sra?\.?)"
_NAMED = re.compile(rf"\b{_TITLE} ((?:[A-Z]\.? ?)?(?:(?:van|de|der|den) )*[A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)?)")
_SHORT_STEM = 4


class Keywords:
    """Stems for kinds, categories and danger; patterns for a Dutch address, a long number and a name behind a title."""

    def __init__(self) -> None:
        tables = tomllib.loads((DATA / "keywords.toml").read_text(encoding="utf-8"))
        self._kinds, self._categories = tables["kinds"], tables["categories"]
        self._acute = tables["severity"]["acuut"]

    def answer(self, labelled: Labelled) -> Said:
        """The kind of most hits, a report where there are none; every category that is hit, most hits first."""
        text = f"{labelled.gold['subject']}\n{labelled.gold['body']}"
        words = [w.lower() for w in _WORD.findall(text)]
        hits = {c: _hits(words, stems) for c, stems in self._categories.items()}
        kinds = {k: _hits(words, stems) for k, stems in self._kinds.items()}
        kind = max(kinds, key=lambda k: kinds[k]) if any(kinds.values()) else Kind.MELDING.value
        if sum(hits.values()) > kinds.get(kind, 0):
            kind = Kind.MELDING.value
        categories = sorted((c for c in hits if hits[c]), key=lambda c: -hits[c])
        contact = {"phone": _first(_PHONE, text), "address": _first(_ADDRESS, text)}
        name = _NAMED.search(text)
        return {
            "kind": kind,
            "categories": [{"slug": c} for c in categories],
            "primary": categories[0] if categories else None,
            "severity": self._severity(words, categories),
            "concerned": [{"name": name.group(1), "function": None}] if name else [],
            "contact": contact,
            "missing": [*([] if name else ["concerned_name"]), *(way for way in contact if not contact[way])],
        }

    def _severity(self, words: Sequence[str], categories: Sequence[str]) -> str:
        if _hits(words, self._acute):
            return Severity.ACUUT
        serious = {Category.STRAFBAAR_FEIT, Category.OVERSCHRIJDEND_GEDRAG} & set(categories)
        return Severity.HOOG if serious else Severity.MIDDEN


def _hits(words: Sequence[str], stems: Sequence[str]) -> int:
    short, long = {s for s in stems if len(s) < _SHORT_STEM}, tuple(s for s in stems if len(s) >= _SHORT_STEM)
    return sum(word in short or word.startswith(long) for word in words)


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found.group() if found else None


class Ngrams:
    """Single words and pairs, weighed by tf-idf, one logistic regression a label. Knows whole mails only: no names,
    functions, numbers or addresses, and no language."""

    def __init__(self, mails: Sequence[Labelled], seed: int = 0) -> None:
        self._vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)
        self._rows, self._seed = self._vectors.fit_transform([_text(m) for m in mails]), seed
        gold = [m.gold for m in mails]
        labelled = np.array([bool(g["categories"]) for g in gold])
        graded = np.array([g["severity"] is not None for g in gold])
        reports = np.array([m.is_report for m in mails])
        every = np.ones(len(gold), dtype=bool)
        self._kind = self._fit([g["kind"] for g in gold], every)
        self._primary = self._fit([g["primary"] for g in gold], labelled)
        self._severity = self._fit([g["severity"] for g in gold], graded)
        self._anonymous = self._fit([bool(g["anonymous"]) for g in gold], reports)
        self._categories = {c: self._fit([c in g["categories"] for g in gold], labelled) for c in Category}
        self._missing = {f: self._fit([f in g["missing"] for g in gold], reports) for f in REQUIRED}

    def _fit(self, labels: Sequence[Any], use: Any) -> Any:
        """A model, or the only label that occurs."""
        chosen = [label for label, used in zip(labels, use, strict=True) if used]
        if len(set(chosen)) < 2:
            return chosen[0] if chosen else None
        one = LogisticRegression(C=10.0, solver="liblinear", dual=True, random_state=self._seed)
        several = len(set(chosen)) > 2
        return (OneVsRestClassifier(one) if several else one).fit(self._rows[use], chosen)

    def answers(self, mails: Sequence[Labelled]) -> list[Said]:
        if not mails:
            return []
        rows = self._vectors.transform([_text(m) for m in mails])

        def said(model: Any) -> list[Any]:
            return list(model.predict(rows)) if isinstance(model, ClassifierMixin) else [model] * len(mails)

        kinds, primaries, severities = said(self._kind), said(self._primary), said(self._severity)
        anonymous = said(self._anonymous)
        categories = {c: said(model) for c, model in self._categories.items()}
        missing = {f: said(model) for f, model in self._missing.items()}
        return [
            {
                "kind": kinds[i],
                "primary": primaries[i],
                "categories": [{"slug": c.value} for c in Category if categories[c][i] or c == primaries[i]],
                "severity": severities[i],
                "missing": [f for f in REQUIRED if missing[f][i]],
                "anonymous": bool(anonymous[i]),
            }
            for i in range(len(mails))
        ]


def _text(labelled: Labelled) -> str:
    return f"{labelled.gold['subject']}\n{labelled.gold['body']}"
