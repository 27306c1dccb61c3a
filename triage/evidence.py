"""The sentences of a mail that weigh most for a category."""

import re
from collections.abc import Iterable

from config.taxonomy import Category
from triage.masking import Mask
from triage.model import Model
from triage.reading import Prepared
from triage.report import Contact, Evidence
from triage.scoring import added_by
from triage.signals import TEXT_OUTPUTS
from triage.text import Span, sentences

_MOST = 3
_SENTENCES = 200
_WORTH = 0.4
"""A further sentence is shown when it weighs at least this share of the heaviest."""
_CONTACT, _CONTACT_OF_TWO = 0.4, 0.2
"""A sentence with more than this share of contact details is about those; two kinds of them need less."""
_SIGN = re.compile(r"\w")


def passages(
    model: Model, prepared: Prepared, category: Category, contact: Contact, mask: Mask
) -> tuple[Evidence, ...]:
    """Up to three sentences, in the order of the mail; quoted ones only where the reporter's own words hold none.

    `mask` takes the people of this mail out of a sentence. One that tells how to reach the reporter tells nothing about
    anybody's conduct.
    """
    layout = prepared.layout
    body = prepared.own[: layout.signature_start] if layout.signature_start > layout.greeting_end else prepared.own
    own = [s for s in sentences(body) if s.start >= layout.greeting_end or s.end > layout.greeting_end + 20]
    own = [s for s in own if not tells_contact(s.of(prepared.own), contact)]
    column = TEXT_OUTPUTS.index(f"primary {category}")
    return _heaviest(model, prepared.own, own, column, category, mask) or _heaviest(
        model, prepared.quoted, sentences(prepared.quoted), column, category, mask
    )


def tells_contact(sentence: str, contact: Contact) -> bool:
    """Is this mostly the reporter's name, address, number or e-mail, less of it where two of these stand?"""
    ways = [part for part in (contact.address, contact.phone, contact.email) if part]
    there = [way for way in ways if _parts(way, sentence)]
    told = sum(len(_SIGN.findall(part)) for way in there for part in _parts(way, sentence))
    if there and contact.name and contact.name in sentence:
        told += len(_SIGN.findall(contact.name))
    return told > (_CONTACT_OF_TWO if len(there) > 1 else _CONTACT) * len(_SIGN.findall(sentence))


def _parts(way: str, sentence: str) -> Iterable[str]:
    """What of it stands here: all, or lines of an address that the sentence was cut at."""
    return [way] if way in sentence else [line for line in way.split("\n") if line and line in sentence]


def _heaviest(
    model: Model, text: str, spans: list[Span], column: int, category: Category, mask: Mask
) -> tuple[Evidence, ...]:
    weighed = []
    for span in spans[:_SENTENCES]:
        weight = added_by(model, mask.bags(span.of(text)[:2000]), column)
        if weight > 0:
            weighed.append((weight, span))
    best = sorted(weighed, key=lambda pair: (-pair[0], pair[1].start))[:_MOST]
    shown = [span for weight, span in best if weight >= _WORTH * best[0][0]]
    return tuple(Evidence(span.of(text), category) for span in sorted(shown, key=lambda s: s.start))
