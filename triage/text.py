"""Text as it is looked at: cleaned without moving a character, capped, cut into sentences and lines."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MAX_OWN = 40_000
"""Characters of the reporter's own words that are looked at: thirty times a long report."""
MAX_QUOTED = 15_000
MAX_SUBJECT = 1_000

_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SAMPLE = 8_000
_BROKEN = 0.1
_SPOKEN = 0.3
"""Letters in words, of all signs but white space and figures: above 0.8 in mails, below 0.2 in random bytes."""
_RUN = re.compile(r"[^\W\d_]+")
_LOW = r"[^\W\d_A-ZÀ-ÖØ-Þ]"
_WORDLIKE = re.compile(
    rf"(?:[^\W\d_a-zß-ÿ]{_LOW}|{_LOW}{{2}}){_LOW}{{0,30}}|[^\W\d_a-zß-ÿ]{{3,30}}|[\u3040-\u9fff\uac00-\ud7af]+"
)
_STOP = re.compile(r"[.!?…。！？؟]+[\"'”’»)\]]*(?=\s|$)|[。！？]|\n\s*\n|\n(?=\s*(?:[-*•–]|\d+[.)])\s)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]|dhr|mevr|mw|mr|mrs|ms|dr|drs|ir|ing|prof|hr|fr|ds|plv|nr|tel|st|sr|sra|jl|nl|art|afd|"
    r"resp|incl|excl|ca|bijv|bv|evt|m\.b\.t|o\.a|d\.w\.z|e\.g|i\.e|no|approx|z\.b|bzw|str|av|ul|mme|mlle|dra)\.$",
    re.IGNORECASE,
)


def clean(text: str, limit: int) -> str:
    """The first `limit` characters, control characters and lone surrogates turned into spaces: offsets stay true."""
    return _ODD.sub(" ", text[:limit])


def says_something(text: str) -> bool:
    """Are there words in it? Bytes shown as text, one long code or nothing at all say nothing."""
    sample = text[:_SAMPLE]
    signs = [unicodedata.category(c) for c in sample if not c.isspace() and not c.isdigit()]
    broken = sum(sign in ("Cc", "Cs", "Co", "Cn") for sign in signs) + sample.count("\ufffd")
    marked = "".join(c for c in sample if unicodedata.category(c)[0] != "M")
    spoken = sum(len(word) for word in _RUN.findall(marked) if _WORDLIKE.fullmatch(word))
    counted = sum(sign[0] not in "MC" for sign in signs)
    return spoken > 0 and broken <= _BROKEN * len(signs) and spoken >= _SPOKEN * counted


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


def in_pairs(text: str, start: int, end: int) -> tuple[int, int]:
    """The span up to a bracket that has no partner in it, with the closing one that stands right behind it."""
    opened: list[int] = []
    for i in range(start, end):
        if text[i] == "(":
            opened.append(i)
        elif text[i] == ")":
            if not opened:
                return (start, i) if i > start else in_pairs(text, start + 1, end)
            opened.pop()
    if not opened:
        return start, end
    if len(opened) == 1 and text[end : end + 1] == ")":
        return start, end + 1
    return (start, opened[0]) if opened[0] > start else in_pairs(text, start + 1, end)


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
