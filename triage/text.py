"""Text as it is looked at: cleaned without moving a character, capped, cut into sentences and lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_OWN = 40_000
"""Characters of the reporter's own words that are looked at: thirty times a long report."""
MAX_QUOTED = 15_000
MAX_SUBJECT = 1_000

_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_STOP = re.compile(r"[.!?…。！？؟]+[\"'”’»)\]]*(?=\s|$)|[。！？]|\n\s*\n|\n(?=\s*(?:[-*•–]|\d+[.)])\s)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]|dhr|mevr|mw|mr|mrs|ms|dr|drs|ir|ing|prof|hr|fr|ds|plv|nr|tel|st|sr|sra|jl|nl|art|afd|"
    r"resp|incl|excl|ca|bijv|bv|evt|m\.b\.t|o\.a|d\.w\.z|e\.g|i\.e|no|approx|z\.b|bzw|str|av|ul|mme|mlle|dra)\.$",
    re.IGNORECASE,
)


def clean(text: str, limit: int) -> str:
    """The first `limit` characters, control characters and lone surrogates turned into spaces: offsets stay true."""
    return _ODD.sub(" ", text[:limit])


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def sentences(text: str) -> list[Span]:
    """The sentences of a text, in order; list items and paragraphs end one too."""
    found, start = [], 0
    for stop in _STOP.finditer(text):
        if stop.group().startswith(".") and _ABBREVIATION.search(text[max(0, stop.start() - 12) : stop.start() + 1]):
            continue
        span = trimmed(text, start, stop.end())
        if span.end > span.start:
            found.append(span)
        start = stop.end()
    span = trimmed(text, start, len(text))
    if span.end > span.start:
        found.append(span)
    return found


def lines(text: str) -> Iterator[Span]:
    """Every line with its place, without the line break."""
    start = 0
    for line in text.split("\n"):
        yield Span(start, start + len(line))
        start += len(line) + 1
