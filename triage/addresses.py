"""The reporter's own postal address, exactly as typed: layouts that can be told by rule.

Addresses without a postal code or street word are the tagger's work; see `triage.spans`.
"""

import re
from dataclasses import dataclass

_NL_CODE = r"[1-9]\d{3}\s?[A-Z]{2}\b(?!\w)"
_INSIDE = r"(?:(?:aan|den|de|a/d|a\.d\.|an|am|der|op|bij|en|la|le|sur|les|ter)[ -])*"
_PLACE = rf"(?:['’]s?[- ])?[^\W\d_][\w.'’-]*(?:[ -]{_INSIDE}[^\W\d_a-zß-ÿ][\w.'’-]*){{0,3}}"
_STREET_LINE = (
    r"[^\W\d_][^\n,;:!?|]{2,45}?[ ]\d{1,5}[\w-]{0,4}(?:[ -](?:bis|hs|[a-zA-Z]|I{1,3}|bus \d+|kamer \d+|\d{1,3}))?"
)
_BREAK = r"[ ]*(?:,|\n|[-–|/•·])?[ ]*\n?[ ]*"

_PATTERNS = (
    # NL: street number, 1234 AB Place
    re.compile(rf"(?P<street>{_STREET_LINE}){_BREAK}(?P<code>{_NL_CODE}){_BREAK}(?P<place>{_PLACE})"),
    # PO boxes
    re.compile(
        rf"(?:Postbus|P\.?\s?O\.?\s?Box|Private Bag|B\.?P\.?|Apartado|Postfach|Apdo\.?)\s[A-Z]?\d[\d ]{{0,6}}\d?"
        rf"(?:{_BREAK}(?:{_NL_CODE}|\d{{4,5}}\b|[A-Z]-?\d{{4,5}}\b))?(?:{_BREAK}{_PLACE})"
    ),
    # street number, 4 to 6 digits Place (BE, DE, FR, ES, AT, CH, PL 00-000 ...)
    re.compile(
        rf"(?:\d{{1,4}}(?:\s?(?:bis|ter))?,?[ ][^\W\d_][^\n,;:!?|]{{3,40}}|{_STREET_LINE}){_BREAK}"
        rf"(?:[A-Z]{{1,2}}-)?(?:\d{{4,6}}|\d{{2}}-\d{{3}}|\d{{3}} \d{{2}}|\d{{4}}-\d{{3}})[ ]{_PLACE}"
    ),
)
_CUT = re.compile(
    r"^(?:.*\b(?:adres|address|adresse|woon(?:achtig)?|wonende|live|lives|at|op|in|aan|is|naar|anschrift|dirección|indirizzo|"
    r"post|thuis|privé|home)\b[ :]+(?:is |op |in |aan |at |de |het )*)(?=[^\W\d_a-zß-ÿ]|\d)",
)


@dataclass(frozen=True, slots=True)
class AddressSpan:
    start: int
    end: int
    text: str


def address_spans(text: str) -> list[AddressSpan]:
    """Every stretch that has the layout of a postal address, in order, none overlapping."""
    found: list[AddressSpan] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            span = _tidied(text, match.start(), match.end())
            if all(span.end <= other.start or span.start >= other.end for other in found):
                found.append(span)
    return sorted(found, key=lambda span: span.start)


def _tidied(text: str, start: int, end: int) -> AddressSpan:
    """Without the words that lead up to an address inside a sentence ("ik woon op ...")."""
    street = text[start:end].split("\n", 1)[0]
    lead = _CUT.match(street)
    if lead:
        start += lead.end()
    typed = text[start:end].strip(" \n,.;|")
    start = text.index(typed, start)
    return AddressSpan(start, start + len(typed), typed)


def own_address(text: str, signature_start: int) -> AddressSpan | None:
    """The reporter's: in the signature where there is one, else the last one in the text."""
    spans = address_spans(text)
    return next((s for s in spans if s.start >= signature_start), spans[-1] if spans else None)
