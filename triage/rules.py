"""The baseline: kind, categories, persons and severity by hand-written words alone, for when no model is at hand."""

import re

from triage.lexicon import CATEGORY_STEMS, DANGER_STEMS, KIND_STEMS, Stems, words
from triage.tokens import phrases_of

_NAME_WORD = r"(?:[^\W\d_a-zß-ÿа-яіїєґ][\w'’.-]*)"
_PARTICLE = "(?:" + "|".join(sorted(map(re.escape, phrases_of("particle")), key=len, reverse=True)) + ")"
_TITLE = "(?:" + "|".join(sorted(map(re.escape, phrases_of("title")), key=len, reverse=True)) + ")"
TITLED_NAME = re.compile(
    rf"(?i:\b{_TITLE})\s+((?:{_PARTICLE}\s+)*{_NAME_WORD}(?:\s+(?:{_PARTICLE}\s+)*{_NAME_WORD}){{0,3}})"
)
FULL_NAME = re.compile(rf"(?<![\w.] )\b({_NAME_WORD}(?:\s+{_PARTICLE}){{0,3}}\s+{_NAME_WORD}(?:\s+{_NAME_WORD})?)")
FUNCTION = re.compile(
    r"\b(?i:"
    + "|".join(sorted(map(re.escape, phrases_of("function")), key=len, reverse=True))
    + r")\b(?:\s(?:van|of|voor|de|the|for)\b(?:\s\w+){1,2})?"
)


class Rules:
    """Kind, category scores and severity by counting stems."""

    def __init__(self) -> None:
        self.categories = Stems(CATEGORY_STEMS)
        self.kinds = Stems(KIND_STEMS)
        self.danger = Stems({"danger": " ".join(DANGER_STEMS)})

    def category_scores(self, text: str) -> list[float]:
        counts = self.categories.counts(words(text))
        total = sum(counts) + 2
        return [count / total for count in counts]

    def kind_scores(self, text: str) -> list[float]:
        """In the order melding, advies, klacht, aanvulling, overig."""
        found = words(text)
        advies, klacht, aanvulling, overig = self.kinds.counts(found)
        melding = 3 + max(self.categories.counts(found))
        total = melding + advies + klacht + aanvulling + overig
        return [n / total for n in (melding, advies, klacht, aanvulling, overig)]
