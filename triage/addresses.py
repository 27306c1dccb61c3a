"""The reporter's own postal address, exactly as typed: layouts that can be told by rule.

Addresses without a postal code or street word are the tagger's work; see `triage.tagging`.
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

_UK_CODE = r"(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})\b"
_US_CODE = r"[A-Z]{2},? \d{5}(?:-\d{4})?\b"
_FLAT = r"(?:(?:Flat|Apt\.?|Apartment|Unit|Suite|Room) [\w-]{1,6}, ?)?"
_BRITISH = r"\d{1,5}[A-Za-z]?,? [^\W\d_a-z][^\n,;:!?|()]{2,40}"
_ROAD = (
    r"(?:[Cc]alle|[Cc]/|[Aa]venida|[Aa]vda\.?|[Pp]laza|[Pp]za\.?|[Pp]aseo|[Cc]amino|[Cc]arrera|[Rr]onda|[Tt]ravesía|"
    r"[Rr]ua|[Tt]ravessa|[Ll]argo|[Pp]raça|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso)"
)

_PATTERNS = (
    # ES, PT, IT: road, name, number, perhaps floor and door, code, place
    re.compile(
        rf"\b{_ROAD}[ ][^\n,;:!?|()\d]{{2,40}},?[ ](?:n\.?º ?)?\d{{1,4}}[A-Za-z]?"
        rf"(?:, ?[^\n,;:!?|()]{{1,14}}){{0,2}}{_BREAK}"
        rf"(?:\d{{5}}|\d{{4}}-\d{{3}}) {_PLACE}"
    ),
    # UK: number street, perhaps district, town, code; on one line or several
    re.compile(rf"{_FLAT}{_BRITISH}(?:(?:,|\n|,\n)[ ]*[^\W\d_][^\n,;:!?|()\d]{{1,30}}){{1,3}}{_BREAK}{_UK_CODE}"),
    # US: number street, perhaps flat, city, ST 12345
    re.compile(
        rf"{_BRITISH}(?:,? (?:Apt\.?|Unit|Suite|#) ?[\w-]{{1,6}})?(?:,|\n|,\n)[ ]*"
        rf"[^\W\d_][^\n,;:!?|()\d]{{1,30}},? {_US_CODE}"
    ),
    # NL: street number in Place (1234 AB)
    re.compile(rf"{_STREET_LINE}(?:,|,? (?:in|te))? {_PLACE} \({_NL_CODE}\)"),
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
    r"^(?:.*\b(?<!\d )(?<!\d[A-Za-z] )(?:adres|address|adresse|woon(?:achtig)?|wonende|live|lives|at|op|in|aan|is|naar|"
    r"anschrift|dirección|indirizzo|"
    r"post|thuis|privé|home|vivo|resido|habite|demeure|wohne|wohnhaft|moro|abito)\b[ :]+"
    r"(?:is |op |in |aan |at |de |het |en |au |à |em |na |no |im |der |am |a )*"
    r"(?:la (?=[Cc]alle|[Aa]v|[Pp]la)|el (?=[Pp]aseo))?)"
    r"(?=[^\W\d_a-zß-ÿ]|\d|(?:calle|avenida|plaza|paseo|rua|via|rue)\b)",
)
_CLAIM = re.compile(
    r"\b(?:woon|wonende|woonachtig|live|reside|my (?:home )?address|mijn (?:huis|post|woon)?adres|"
    r"vivo|resido|mi dirección|habite|"
    r"demeure|mon adresse|wohne|wohnhaft|meine (?:adresse|anschrift)|moro|morada|abito|mio indirizzo)"
    r"(?:[\s:,]+(?:is|op|aan|in|at|te|en|la|el|de|het|der|au|à|am|na|no|em|es|est|ist|é|è))*[\s:,]+$",
    re.IGNORECASE,
)
"""What comes before the writer's own address in a sentence."""
_NAMED_BY_PLACE = re.compile(r"\b(?:Am|Im|Zum|Zur|Beim|(?:An|Auf|Bei|Hinter|In|Unter|Vor) de[rnm])[ ]$")
"""German streets named by where they lie; in small letters these words are of the sentence."""
_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"\b(?P<word>[^\W\d_]{3,})[.!?]\s+(?=[^\W\d_a-zß-ÿ])")
_ABBREVIATED = re.compile(
    r"str$|\b(?:rue|ave|avda?|blvd|apdo|apto|appt|edif|bldg?|dpto|depto|pral|flr|jln|col|gen|ste)$", re.IGNORECASE
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
    """Without the words that lead up to an address inside a sentence ("ik woon op ..."), nor what comes after it."""
    lead = _CUT.match(text[start:end].split("\n", 1)[0])
    if lead:
        start += lead.end()
    start, end = bounded(text, start, end)
    return AddressSpan(start, end, text[start:end])


def bounded(text: str, start: int, end: int) -> tuple[int, int]:
    """The same stretch within one sentence, its brackets in pairs, no loose signs at its ends."""
    for stop in _SENTENCE_END.finditer(text, start, end):
        numbered = _DIGIT.search(text, start, stop.start())  # until then it may be "Burg. Jansenlaan"
        if numbered and not _ABBREVIATED.search(stop["word"]):
            end = stop.end("word")
            break
    start, end = _stripped(text, start, end)
    opened, closed = text.rfind("(", start, end), text.rfind(")", start, end)
    if opened > closed:
        if text[end : end + 1] == ")":
            return start, end + 1
        start, end = (start, opened) if opened > start else (start + 1, end)
    elif closed >= 0 and text.find("(", start, end) < 0:
        end = closed
    return _stripped(text, start, end)


def begin_of_street(text: str, start: int) -> int:
    """Where a street begins whose first word may have been left out: "Am Anger 4"."""
    before = _NAMED_BY_PLACE.search(text, max(0, start - 12), start)
    return before.start() if before else start


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " \n\t,.;:|":
        start += 1
    while end > start and text[end - 1] in " \n\t,.;:|":
        end -= 1
    return start, end


def claimed(text: str, span: AddressSpan) -> bool:
    """Do the words before it say that the writer lives there?"""
    return bool(_CLAIM.search(text, max(0, span.start - 60), span.start))
