"""The sentences of a mail that weigh most for a category."""

from config.taxonomy import Category
from triage.features import char_bag, folded, word_bag
from triage.model import Model
from triage.reading import Prepared
from triage.report import Evidence
from triage.scoring import added_by
from triage.signals import TEXT_OUTPUTS
from triage.text import Span, sentences

_MOST = 3
_SENTENCES = 200
_WORTH = 0.4
"""A further sentence is shown when it weighs at least this share of the heaviest."""


def passages(model: Model, prepared: Prepared, category: Category) -> tuple[Evidence, ...]:
    """Up to three sentences, in the order of the mail; quoted ones only where the reporter's own words hold none."""
    layout = prepared.layout
    body = prepared.own[: layout.signature_start] if layout.signature_start > layout.greeting_end else prepared.own
    own = [s for s in sentences(body) if s.start >= layout.greeting_end or s.end > layout.greeting_end + 20]
    column = TEXT_OUTPUTS.index(f"primary {category}")
    return _heaviest(model, prepared.own, own, column, category) or _heaviest(
        model, prepared.quoted, sentences(prepared.quoted), column, category
    )


def _heaviest(model: Model, text: str, spans: list[Span], column: int, category: Category) -> tuple[Evidence, ...]:
    weighed = []
    for span in spans[:_SENTENCES]:
        sentence = folded(span.of(text)[:2000])
        weight = added_by(model, word_bag(sentence), char_bag(sentence), column)
        if weight > 0:
            weighed.append((weight, span))
    best = sorted(weighed, key=lambda pair: (-pair[0], pair[1].start))[:_MOST]
    shown = [span for weight, span in best if weight >= _WORTH * best[0][0]]
    return tuple(Evidence(span.of(text), category) for span in sorted(shown, key=lambda s: s.start))
