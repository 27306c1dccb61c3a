"""What the last models look at: one row of some seventy numbers a mail, from all the parts before them."""

import math
import re
from collections.abc import Sequence

import numpy as np

from config.taxonomy import SUBS, Category, Kind, Severity
from triage.contact import Found
from triage.lexicon import Hints, words
from triage.linear import Floats
from triage.reading import Prepared

TEXT_OUTPUTS = (
    *(f"kind {k}" for k in Kind),
    *(f"primary {c}" for c in Category),
    *(f"category {c}" for c in Category),
    *(f"sub {s}" for subs in SUBS.values() for s in subs),
    *(f"severity {s}" for s in Severity),
    "severity",
    "unclear",
    "anonymous",
)
"""The columns of the text model."""

_ANONYMOUS = re.compile(
    r"anoniem|anonym|anónim|anônim|anonim|annonym|анонім|مجهول|匿名|"
    r"geen naam|naam (?:wil|geef|noem|zeg|hou)|zonder (?:mijn )?naam|"
    r"not (?:give|giving|say|sign|leave) my name|no name|rather not say who|sans nom|"
    r"mon nom|meinen namen|mi nombre|meu nome|"
    r"wie ik ben|who i am|qui je suis|wer ich bin|quién soy",
    re.IGNORECASE,
)
_REPLY = re.compile(r"^\s*(?:re|aw|antw|sv|rv|res|fw|fwd|tr|wg|i)\s*:", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"(?:\d[\s()./-]{0,3}){7,}")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


class Signals:
    """Counts and flags beside the scores of the models; knows the hand-written hints."""

    def __init__(self) -> None:
        self._hints = Hints()

    def row(
        self,
        prepared: Prepared,
        text_scores: Floats,
        names: Sequence[float],
        functions: Sequence[float],
        found: Found,
        from_name: str,
    ) -> Floats:
        said = words(prepared.content)
        flags = self._flags(prepared, found, from_name)
        numbers = [
            *_top(names),
            *_top(functions),
            *(math.log1p(c) for c in self._hints.counts(said)),
            math.log1p(len(said)) / 3,
            min(found.phone_score, 8) / 4,
            found.address_score,
        ]
        return np.array([*text_scores * 2, *numbers, *(float(f) for f in flags)], dtype=np.float64)

    def _flags(self, prepared: Prepared, found: Found, from_name: str) -> list[bool]:
        own, contact = prepared.own, found.contact
        words_own = len(_LETTERS.findall(own))
        return [
            contact.phone is not None,
            bool(_LONG_NUMBER.search(own)),
            contact.address is not None,
            found.address_by_rule,
            found.signed_name is not None,
            len(_LETTERS.findall(from_name)) >= 2,
            bool(_ANONYMOUS.search(f"{from_name} {prepared.content}")),
            bool(prepared.quoted.strip()),
            is_a_reply(prepared),
            words_own < 25,
            words_own < 60,
            own.count("?") > 0,
            own.rstrip()[:4000].count("http") > 0,
            prepared.language in ("nl", "en"),
        ]


def is_a_reply(prepared: Prepared) -> bool:
    """Says the subject that it answers, or passes on, another mail?"""
    return bool(_REPLY.match(prepared.subject))


def _top(scores: Sequence[float]) -> list[float]:
    """The best two as probabilities and the best as odds, and how many there are."""
    best, second = [*sorted(scores, reverse=True), 0.0, 0.0][:2]
    odds = math.log((best + 0.01) / (1.01 - best))
    return [best, second, odds / 3, math.log1p(len(scores)), float(not scores)]
