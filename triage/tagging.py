"""Which words are names of persons, functions and addresses: a linear tagger over what stands around each word."""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from triage.layout import Layout
from triage.linear import Floats, Linear, softmax
from triage.text import in_pairs
from triage.tokens import Token

BITS = 17
_DIGIT = re.compile(r"\d")
_PRIME = np.uint64(1099511628211)
_HALF_BEFORE = re.compile(r"(?:(?<!\w)[^\W\d_]+[-'’])+$")
_HALF_AFTER = re.compile(r"(?:[-’'][^\W\d_]{2,})+")
_LOOSE_END = re.compile(
    r"[\s,.;:(\"'\]»”*/_-]+(?:(?:in|van|de|het|op|bij|te|aan|dat|die|of|the|at|for|to|from|who|à|au|de|du|des|en|der|des|del|do|da|di|la|le|les|los|las|el|den|dem|das|et|und|and|y)"
    r"[\s,.;:(]*)?$",
    re.IGNORECASE,
)
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Tag(IntEnum):
    OUT = 0
    NAME = 1
    NAME_GOES_ON = 2
    FUNCTION = 3
    FUNCTION_GOES_ON = 4
    ADDRESS = 5
    ADDRESS_GOES_ON = 6


KINDS = {Tag.NAME: "name", Tag.FUNCTION: "function", Tag.ADDRESS: "address"}


@dataclass(frozen=True, slots=True)
class Tagged:
    """A stretch of tokens that the tagger took for a name, a function or an address."""

    kind: str
    first: int
    last: int
    start: int
    end: int
    text: str
    score: float


def features(tokens: Sequence[Token], text: str, layout: Layout, sender: str) -> NDArray[np.int64]:
    """One row of hashed features a token: itself, its neighbours, its line, and whether the sender bears it."""
    if not tokens:
        return np.zeros((0, 1), dtype=np.int64)
    base = _base(tokens)
    place = _places(tokens, text, layout, sender)
    columns = [base[:, i] for i in range(base.shape[1])]
    columns.extend(place[:, i] for i in range(place.shape[1]))
    word, shape, _prefix, suffix, _longer, classes = (base[:, i] for i in range(6))
    for offset in (-3, -2, -1, 1, 2, 3):
        near = [word, shape, classes] if abs(offset) == 3 else [word, shape, suffix, classes]
        columns.extend(_shifted(column, offset) for column in near)
    columns.append(_joined(_shifted(word, -1), word))
    columns.append(_joined(word, _shifted(word, 1)))
    columns.append(_joined(_shifted(word, -2), _shifted(word, -1)))
    columns.append(_joined(_joined(_shifted(shape, -1), shape), _shifted(shape, 1)))
    columns.append(_joined(_joined(_shifted(classes, -1), shape), _shifted(classes, 1)))
    columns.append(_joined(_joined(_shifted(shape, -2), _shifted(shape, -1)), _joined(shape, _shifted(shape, 1))))
    columns.append(_joined(_joined(_shifted(shape, 1), shape), _shifted(shape, 2)))
    columns.append(_joined(place[:, 0], shape))
    columns.append(_joined(place[:, 1], shape))
    columns.append(_joined(_shifted(classes, -1), classes))
    places = np.arange(len(columns), dtype=np.uint64)
    table: NDArray[np.uint64] = np.stack(columns, axis=1) * _PRIME + places
    mixed = np.right_shift(table * _MIX, np.uint64(64 - BITS))
    return np.asarray(mixed, dtype=np.int64)


def decode(model: Linear, rows: NDArray[np.int64], moves: Floats) -> tuple[list[int], Floats]:
    """The best sequence of tags (Viterbi), and the probability of each tag at each token."""
    if not len(rows):
        return [], np.zeros((0, len(Tag)))
    scores = model.hashed(rows, rows.shape[1])
    odds = softmax(scores)
    logs = np.log(odds + 1e-9)
    best = logs[0] + moves[0]
    back = np.zeros(logs.shape, dtype=np.int64)
    for i in range(1, len(logs)):
        paths = best[:, None] + moves
        back[i] = paths.argmax(axis=0)
        best = paths.max(axis=0) + logs[i]
    tags = [int(best.argmax())]
    for i in range(len(logs) - 1, 0, -1):
        tags.append(int(back[i, tags[-1]]))
    return tags[::-1], odds


def stretches(tags: Sequence[int], odds: Floats, tokens: Sequence[Token], text: str) -> list[Tagged]:
    """The tagged stretches, in order."""
    found, i = [], 0
    while i < len(tags):
        kind = KINDS.get(Tag(tags[i]))
        if kind is None:
            i += 1
            continue
        last = i
        while last + 1 < len(tags) and tags[last + 1] == tags[i] + 1:
            last += 1
        score = float(np.mean([odds[j, tags[i]] + odds[j, tags[i] + 1] for j in range(i, last + 1)]))
        stretch = stretch_of(kind, i, last, tokens, text, score)
        if stretch is not None:
            found.append(stretch)
        i = last + 1
    return found


def stretch_of(kind: str, first: int, last: int, tokens: Sequence[Token], text: str, score: float) -> Tagged | None:
    """The stretch of these tokens without loose ends; None when nothing is left."""
    start, end = _whole(kind, text, tokens[first].start, tokens[last].end)
    return Tagged(kind, first, last, start, end, text[start:end], score) if end > start else None


def _whole(kind: str, text: str, start: int, end: int) -> tuple[int, int]:
    """A name with both halves of Bruins-Slot, a function without the preposition that follows it."""
    if kind == "name":
        before, after = _HALF_BEFORE.search(text, max(0, start - 30), start), _HALF_AFTER.match(text, end)
        return before.start() if before else start, after.end() if after else end
    if kind == "function":
        start, end = in_pairs(text, start, end)
        while loose := _LOOSE_END.search(text, start, end):
            end = loose.start()
    return start, end


def shape_of(word: str) -> str:
    """Xx for Jansen, XX for BZ, d for 12, x for word, XxX for McDonald."""
    out: list[str] = []
    for c in word:
        category = unicodedata.category(c)
        mark = {"Lu": "X", "Lt": "X", "Ll": "x", "Lo": "o", "Nd": "d", "Lm": "x"}.get(category, c)
        if not out or out[-1] != mark:
            out.append(mark)
    return "".join(out[:6])


def _base(tokens: Sequence[Token]) -> NDArray[np.uint64]:
    known: dict[tuple[str, int], tuple[int, ...]] = {}
    rows = []
    for token in tokens:
        key = (token.text, token.classes)
        if key not in known:
            lower = re.sub(r"\d", "0", token.text.lower())
            parts = (
                "w" + lower[:40],
                "s" + shape_of(token.text[:40]) + str(min(len(token.text), 4)),
                "p" + lower[:3],
                "e" + lower[-3:],
                "l" + lower[-5:],
                f"c{token.classes}",
            )
            known[key] = tuple(zlib.crc32(p.encode("utf-8", "surrogatepass")) for p in parts)
        rows.append(known[key])
    return np.array(rows, dtype=np.uint64)


def _places(tokens: Sequence[Token], text: str, layout: Layout, sender: str) -> NDArray[np.uint64]:
    bearers = set(re.findall(r"[^\W\d_]{3,}", sender.lower()))
    lower_too = {t.text for t in tokens if t.text.islower()}
    lines = [f"{min(len(line) // 12, 5)}{bool(_DIGIT.search(line))}" for line in text.split("\n")]
    shapes = {word: shape_of(word[:40]) for word in {t.text for t in tokens}}
    number, starts_line, rows = 0, True, []
    for i, token in enumerate(tokens):
        part = 0 if token.start < layout.greeting_end else 2 if token.start >= layout.signature_start else 1
        first = starts_line or tokens[i - 1].text in ".!?:"
        lower, shape = token.text.lower(), shapes[token.text]
        facts = (
            f"part{part}{starts_line}",
            f"line{lines[number]}{part}",
            f"from{lower in bearers}{shape}",
            f"first{first}{lower in lower_too}{shape}",
            f"end{min(len(lines) - 1 - number, 6)}{min(number, 3)}",
        )
        rows.append(tuple(zlib.crc32(f.encode("utf-8", "surrogatepass")) for f in facts))
        breaks = token.text.count("\n")
        number += breaks
        starts_line = breaks > 0
    return np.array(rows, dtype=np.uint64)


def _shifted(column: NDArray[np.uint64], offset: int) -> NDArray[np.uint64]:
    """Each token's neighbour at this distance; beyond the ends a mark."""
    edge = np.full(min(abs(offset), len(column)), np.uint64(7), dtype=np.uint64)
    if offset < 0:
        return np.concatenate([edge, column[:offset]])[: len(column)]
    return np.concatenate([column[offset:], edge])[: len(column)]


def _joined(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return np.asarray(a * _PRIME + b + np.uint64(3), dtype=np.uint64)
