"""The sentences of a mail that weigh most for each category that is suggested."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from config.taxonomy import Category
from triage.linear import Floats
from triage.masking import Mask
from triage.model import Model
from triage.reading import Prepared
from triage.report import Contact, Evidence
from triage.scoring import added_by
from triage.signals import TEXT_OUTPUTS
from triage.text import Span, sentences, trimmed

_MOST = 3
_SENTENCES = 200
_WORTH = 0.4
"""A further sentence is shown when it weighs at least this share of the heaviest."""
_CLEARLY = 1.5
"""A quoted sentence is shown beside own words when it weighs this many times the heaviest of those: what the reporter
says of a threat often weighs less than the threat."""
_FEWEST = 3
"""Words of a sentence that says something by itself."""
_COUNTED = re.compile(r"[\u3040-\u9fff\uac00-\ud7af]|[^\W\d_\u3040-\u9fff\uac00-\ud7af]+")
"""A word; in scripts without spaces every sign."""
_CONTACT, _CONTACT_OF_TWO = 0.4, 0.2
"""A sentence with more than this share of contact details is about those; two kinds of them need less."""
_SIGN = re.compile(r"\w")
_LABELLED_LINE = re.compile(r"^[^\n:：]{2,70}[:：](?=[ \t]*\S)", re.MULTILINE)


def passages(
    model: Model, prepared: Prepared, categories: Sequence[Category], contact: Contact, mask: Mask
) -> tuple[Evidence, ...]:
    """For each category, of which the first is the primary one, up to three sentences, in the order of the mail, own
    words first; quoted ones only where they weigh clearly more than the reporter's own, or those hold none. A sentence
    of a word or two only where there is no other. One sentence may weigh for several categories.

    `mask` takes the people of this mail out of a sentence. One that tells how to reach the reporter tells nothing about
    anybody's conduct.
    """
    columns = [TEXT_OUTPUTS.index(_output(category, categories[0])) for category in categories]
    own = _weighed(model, prepared.own, _own_sentences(prepared, contact), columns, mask)
    quoted = _weighed(model, prepared.quoted, sentences(prepared.quoted), columns, mask)
    return tuple(
        Evidence(text, category)
        for number, category in enumerate(categories)
        for text in _shown([each.for_one(number) for each in own], [each.for_one(number) for each in quoted])
    )


def _output(category: Category, primary: Category) -> str:
    """What the text model says of the category: that the mail is mostly about it, or that it holds beside others."""
    return f"primary {category}" if category is primary else f"category {category}"


def _own_sentences(prepared: Prepared, contact: Contact) -> list[Span]:
    """What the reporter tells, without greeting and signature, fields of a form and ways to reach them."""
    layout = prepared.layout
    body = prepared.own[: layout.signature_start] if layout.signature_start > layout.greeting_end else prepared.own
    own = [s for s in sentences(body) if s.start >= layout.greeting_end or s.end > layout.greeting_end + 20]
    own = [piece for s in own for piece in _without_fields(prepared, s)]
    return [s for s in own if not tells_contact(s.of(prepared.own), contact)]


def _without_fields(prepared: Prepared, sentence: Span) -> Iterator[Span]:
    """The sentence; of a form, whose lines end in no full stop, the lines that say nothing of who is who."""
    own, moved = prepared.own, prepared.reading.own_start
    starts = [m.start() for m in _LABELLED_LINE.finditer(own, sentence.start, sentence.end)]
    if len(starts) < 2:
        yield sentence
        return
    starts[0] = sentence.start
    for start, end in pairwise([*starts, sentence.end]):
        if not any(start <= field.start - moved < end for field in prepared.fields):
            yield trimmed(own, start, end)


def is_whole(sentence: str) -> bool:
    """Are these words enough to say something?"""
    return len(_COUNTED.findall(sentence)) >= _FEWEST


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


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A sentence, and what it weighs for one category."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence, and what it weighs for each category."""

    text: str
    weights: Floats

    def for_one(self, number: int) -> _Weighed:
        return _Weighed(self.text, float(self.weights[number]))


def _weighed(model: Model, text: str, spans: list[Span], columns: Sequence[int], mask: Mask) -> list[_Sentence]:
    return [
        _Sentence(span.of(text), added_by(model, mask.bags(span.of(text)[:2000]), columns))
        for span in spans[:_SENTENCES]
    ]


def _shown(own: list[_Weighed], quoted: list[_Weighed]) -> list[str]:
    """The texts of the heaviest sentences that speak for a category, in the order in which they are given."""
    border = _CLEARLY * max((each.weight for each in own if each.weight > 0 and is_whole(each.text)), default=0.0)
    found = [each for each in (*own, *(each for each in quoted if each.weight >= border)) if each.weight > 0]
    found = [each for each in found if is_whole(each.text)] or found
    best = sorted(range(len(found)), key=lambda i: (-found[i].weight, i))[:_MOST]
    return [found[i].text for i in sorted(best) if found[i].weight >= _WORTH * found[best[0]].weight]
