"""How to reach the reporter: name, e-mail, telephone and postal address, as the mail gives them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triage.addresses import address_spans, begin_of_street, bounded, claimed
from triage.forms import Field, Part, Role
from triage.phones import Phone, phones
from triage.reading import Prepared
from triage.report import Contact
from triage.tagging import Tagged

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_DUTCH_CODE = re.compile(r"\b[1-9]\d{3}\s?[A-Z]{2}\b")
_BELOW = re.compile(r"[ ,]*\n[ ]*(?:[A-Z]{1,2}-)?\d{4,6}(?:\s?[A-Z]{2})?[ ]+[^\W\d_][^\n:@]{1,40}(?=\n|$)")
_ENOUGH = 2.0
_JUNK = " \n\t,.;:|-–()[]"

Place = tuple[int, int]
"""Where something begins and ends in the reporter's own words."""


@dataclass(frozen=True, slots=True)
class Found:
    """The reporter's contact details and how sure they are."""

    contact: Contact
    phone_score: float
    address_score: float
    address_by_rule: bool
    signed_name: str | None


def find(prepared: Prepared, from_name: str, from_email: str, tagged: Sequence[Tagged]) -> Found:
    """Looks at the reporter's own words only: what is quoted is somebody else's."""
    own, signature = prepared.own, prepared.layout.signature_start
    place, score, by_rule = _address(prepared, tagged)
    address = own[slice(*place)] if place else None
    phone = _best_phone(prepared, place)
    signed = _signed_name(prepared, tagged)
    email = (
        _labelled_email(prepared)
        or from_email.strip()
        or next((m.group() for m in EMAIL.finditer(own, signature)), None)
    )
    contact = Contact(
        name=_labelled_name(prepared, tagged) or (from_name.strip() if _is_name(from_name) else signed),
        email=email or next((m.group() for m in EMAIL.finditer(own)), None),
        phone=phone.text if phone and phone.score >= _ENOUGH else None,
        address=address,
    )
    return Found(contact, phone.score if phone else 0.0, score, by_rule, signed)


def _best_phone(prepared: Prepared, address: Place | None) -> Phone | None:
    """The likeliest number that is no part of the address, where postal codes look like numbers."""
    begin, end = address or (0, 0)
    found = phones(prepared.own, prepared.language, prepared.layout.signature_start)
    return next((p for p in found if (p.end <= begin or p.start >= end) and not _is_anothers(prepared, p.start)), None)


def _is_anothers(prepared: Prepared, place: int) -> bool:
    """Does a form say of what stands here that it is somebody else's?"""
    at = prepared.reading.own_start + place
    return any(f.start <= at < f.end and f.role not in (None, Role.REPORTER) for f in prepared.fields)


def _labelled(prepared: Prepared) -> Iterator[Field]:
    """What a form in the reporter's own words gives of nobody else."""
    for field in prepared.fields:
        own = prepared.reading.own_start <= field.start and field.end <= prepared.reading.own_end
        if own and field.role in (None, Role.REPORTER):
            yield field


def _labelled_name(prepared: Prepared, tagged: Sequence[Tagged]) -> str | None:
    for field in _labelled(prepared):
        if field.names and field.role is Role.REPORTER:
            named = [t.text for t in tagged if t.kind == "name" and field.start <= t.start < field.end]
            if named:
                return named[0]
    return None


def _labelled_email(prepared: Prepared) -> str | None:
    """What stands behind the label of an e-mail address: a form on a web site is sent by the site."""
    for field in _labelled(prepared):
        if Part.EMAIL in field.parts and (found := EMAIL.search(prepared.reading.text[field.start : field.end])):
            return found.group()
    return None


def _labelled_address(prepared: Prepared) -> Place | None:
    """What stands behind the label of an address, where it has a number; with the line below, if that has a place."""
    own, moved = prepared.own, prepared.reading.own_start
    for field in _labelled(prepared):
        if Part.ADDRESS not in field.parts:
            continue
        start, end = field.start - moved, field.end - moved
        if _looks_right(own[start:end]) and re.search(r"\d", own[start:end]) and "@" not in own[start:end]:
            below = _BELOW.match(own, end)
            return start, below.end() if below and not _DUTCH_CODE.search(own, start, end) else end
    return None


def _is_name(name: str) -> bool:
    return bool(re.search(r"[^\W\d_]{2,}", name)) and "@" not in name


def _address(prepared: Prepared, tagged: Sequence[Tagged]) -> tuple[Place | None, float, bool]:
    """What the tagger took for the reporter's address; else a layout that can be nothing else, in the signature."""
    reading, own = prepared.reading, prepared.own
    spans = [
        (t.start - reading.own_start, t.end - reading.own_start, t.score)
        for t in tagged
        if t.kind == "address" and reading.own_start <= t.start and t.end <= reading.own_end
    ]
    spans = [span for span in spans if not _is_anothers(prepared, span[0])]
    ruled = [span for span in address_spans(own) if not _is_anothers(prepared, span.start)]
    merged = _merged(own, spans)
    scored = [
        (score + 0.2 * _has_code(own[start:end]), start, end)
        for start, end, score in merged
        if _looks_right(own[start:end])
    ]
    if scored:
        score, start, end = max(scored)
        start, end = bounded(own, *_widened(own, start, end, [(r.start, r.end) for r in ruled]))
        start = begin_of_street(own, start)
        if _looks_right(own[start:end]):
            return (start, end), score, bool(ruled)
    signed = prepared.layout.signature_start
    likely = [r for r in ruled if r.start >= signed or _DUTCH_CODE.search(r.text) or claimed(own, r)]
    if likely:
        return (likely[-1].start, likely[-1].end), 0.3, True
    if labelled := _labelled_address(prepared):
        return labelled, 0.3, True
    return None, max((s for _, _, s in spans), default=0.0), bool(ruled)


def _merged(own: str, spans: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Stretches parted by nothing but a comma or a line break are one address."""
    merged: list[tuple[int, int, float]] = []
    for start, end, score in spans:
        if merged and not own[merged[-1][1] : start].strip(_JUNK) and start - merged[-1][1] < 6:
            merged[-1] = (merged[-1][0], end, max(score, merged[-1][2]))
        else:
            merged.append((start, end, score))
    return [(*_stripped(own, start, end), score) for start, end, score in merged]


def _stripped(own: str, start: int, end: int) -> tuple[int, int]:
    while start < end and own[start] in " \n\t,;:|":
        start += 1
    while end > start and own[end - 1] in " \n\t,;:|(":
        end -= 1
    return start, end


def _looks_right(typed: str) -> bool:
    """An address has words, and a number or two parts."""
    return bool(re.search(r"[^\W\d_]{2,}", typed)) and len(typed) >= 8 and bool(re.search(r"\d|,|\n|z/n|s/n", typed))


def _has_code(typed: str) -> bool:
    return bool(re.search(r"\b\d{4}\s?[A-Z]{2}\b|\b\d{4,6}\b", typed))


def _widened(own: str, start: int, end: int, ruled: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """A layout that overlaps what the tagger found completes it on the right, where places are cut off."""
    for rule_start, rule_end in ruled:
        if rule_start < end and start < rule_end:
            end = max(end, rule_end)
            if own[rule_start:start].count("\n") == 0 and start - rule_start < 20:
                start = min(start, rule_start)
    return start, end


def _signed_name(prepared: Prepared, tagged: Sequence[Tagged]) -> str | None:
    """The first name in the signature."""
    begin = prepared.reading.own_start + prepared.layout.signature_start
    names = [t for t in tagged if t.kind == "name" and begin <= t.start < prepared.reading.own_end]
    return names[0].text if names else None
