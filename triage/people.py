"""Who of those named is the person concerned: candidates, and what the whole mail says about each.

A name or function is judged by where it stands, by the words around all its mentions, by the functions beside it, and
by the others it competes with, not by a window of words alone. Every fact is a hashed string; no model file holds a
word.
"""

import re
import unicodedata
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.layout import Layout
from triage.linear import Linear, sigmoid
from triage.report import Concerned
from triage.tagging import Tagged, shape_of
from triage.tokens import CLASSES, Token

BITS = 16
_WORD = re.compile(r"[^\W\d_]+")
_BIT = {name: 1 << i for i, name in enumerate(CLASSES)}
_NEAR = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """A mail as the models of persons look at it: subject, own and quoted text in one, and where each part ends."""

    text: str
    tokens: Sequence[Token]
    layout: Layout
    own_start: int
    own_end: int
    sender: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person, or one function, with all the places where it is mentioned."""

    kind: str
    text: str
    mentions: tuple[Tagged, ...]


def words_of(name: str) -> frozenset[str]:
    """The words of a name without accents, in lower case."""
    plain = unicodedata.normalize("NFKD", name)
    return frozenset(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).casefold()))


def same_person(a: frozenset[str], b: frozenset[str]) -> bool:
    """Does every word of the shorter name stand in the longer one, initials standing for names?"""
    short, long = sorted((a, b), key=lambda words: (len(words), sum(map(len, words))))
    if not any(len(w) > 1 and w in long for w in short):
        return False
    return all(w in long or (len(w) == 1 and any(x.startswith(w) for x in long)) for w in short)


def candidates(tagged: Sequence[Tagged]) -> list[Candidate]:
    """Mentions gathered into persons and functions, in the order of first mention.

    The longest names come first, so that "Thijmen" and "De Waal" both find "Thijmen de Waal" wherever it stands.
    """
    groups: list[tuple[str, set[frozenset[str]], list[Tagged]]] = []
    by_word: dict[tuple[str, str], set[int]] = {}
    mentions = [m for m in tagged if m.kind in ("name", "function")]
    for mention in sorted(mentions, key=lambda m: -len(words_of(m.text)) if m.kind == "name" else 0):
        kind, key = mention.kind, words_of(mention.text)
        words = [(kind, word) for word in key or ("",)]  # who share no word are no candidates for being one
        near = sorted(set().union(*(by_word.get(word, ()) for word in words)))
        number = next((i for i in near if _joins(kind, key, groups[i][1])), len(groups))
        if number == len(groups):
            groups.append((kind, set(), []))
        groups[number][1].add(key)
        groups[number][2].append(mention)
        for word in words:
            by_word.setdefault(word, set()).add(number)
    found = [(kind, sorted(group, key=lambda m: m.start)) for kind, _, group in groups]
    return [
        Candidate(kind, _longest(group), tuple(group)) for kind, group in sorted(found, key=lambda g: g[1][0].start)
    ]


def _joins(kind: str, key: frozenset[str], keys: Collection[frozenset[str]]) -> bool:
    if kind == "function":
        return key in keys
    return key in keys or any(same_person(key, other) for other in keys)


def _longest(mentions: Sequence[Tagged]) -> str:
    return max(mentions, key=lambda m: (len(m.text), -m.start)).text


class Judge:
    """Turns candidates into hashed facts, and facts into the probability of being the person concerned."""

    def __init__(self, names: Linear, functions: Linear) -> None:
        self._names, self._functions = names, functions

    def names(self, reading: Reading, found: Sequence[Candidate]) -> list[float]:
        return [probability(self._names, row) for row in name_facts(reading, found)]

    def functions(self, reading: Reading, found: Sequence[Candidate], names: Sequence[float]) -> list[float]:
        return [probability(self._functions, row) for row in function_facts(reading, found, names)]


def probability(model: Linear, row: NDArray[np.int64]) -> float:
    """How likely the candidate with these facts is the person concerned."""
    return float(sigmoid(model.weights[row, 0].astype(np.float64).sum() + float(model.bias[0])))


def name_facts(reading: Reading, found: Sequence[Candidate]) -> list[NDArray[np.int64]]:
    """One row of hashed facts for each name among the candidates."""
    names = [c for c in found if c.kind == "name"]
    functions = [m for c in found if c.kind == "function" for m in c.mentions]
    rows = []
    for rank, name in enumerate(names):
        facts = set(_common_facts(reading, name, rank, names))
        facts.update(_beside(name, functions))
        facts.update(_name_itself(reading, name))
        rows.append(_hashed(facts))
    return rows


def function_facts(
    reading: Reading, found: Sequence[Candidate], name_scores: Sequence[float]
) -> list[NDArray[np.int64]]:
    """One row of hashed facts for each function, among them which names stand beside it and who they seem to be."""
    names = [c for c in found if c.kind == "name"]
    functions = [c for c in found if c.kind == "function"]
    likely = [(m, score) for c, score in zip(names, name_scores, strict=True) for m in c.mentions]
    best = max(name_scores, default=0.0)
    rows = []
    for rank, function in enumerate(functions):
        facts = set(_common_facts(reading, function, rank, functions))
        facts.update(_named(function, likely))
        facts.add(f"best name {int(best * 4)}")
        facts.update(f"is {w}" for w in words_of(function.text))
        facts.update(f"ends {w[-5:]}" for w in words_of(function.text))
        facts.add(f"text {function.text.casefold()}")
        rows.append(_hashed(facts))
    return rows


def _common_facts(reading: Reading, candidate: Candidate, rank: int, rivals: Sequence[Candidate]) -> Iterator[str]:
    """Where it stands, how often, between which words."""
    mentions = candidate.mentions
    body = [m for m in mentions if reading.own_start <= m.start < reading.own_end]
    signing = [m for m in body if m.start >= reading.layout.signature_start]
    greeting = [m for m in body if m.start < reading.layout.greeting_end]
    told = len(body) - len(signing) - len(greeting)
    most = max(len(c.mentions) for c in rivals)
    where = (
        f"told{min(told, 3)} sign{bool(signing)} greet{bool(greeting)} subject{mentions[0].start < reading.own_start} "
        f"quoted{min(sum(m.start >= reading.own_end for m in mentions), 1)}"
    )
    yield where
    yield f"told {min(told, 4)}"
    yield f"rank {min(rank, 5)}"
    yield f"rank {min(rank, 3)} of {min(len(rivals), 5)}"
    yield f"most {len(mentions) == most} {min(len(mentions), 4)} of {min(len(rivals), 4)}"
    yield f"score {int(max(m.score for m in mentions) * 5)}"
    length = max(reading.own_end - reading.own_start, 1)
    yield f"place {int(4 * (mentions[0].start - reading.own_start) / length)}"
    for mention in mentions[:6]:
        yield from _context(reading, mention, "sign" if mention in signing else "told")


def _context(reading: Reading, mention: Tagged, part: str) -> Iterator[str]:
    tokens = reading.tokens
    for offset in range(1, _NEAR + 1):
        for side, i in (("before", mention.first - offset), ("after", mention.last + offset)):
            if not 0 <= i < len(tokens):
                yield f"{part} {side} {offset} edge"
                continue
            token = tokens[i]
            word = token.text.lower()
            if offset <= 3:
                yield f"{side} {offset} {word}"
                yield f"{side} {offset} class {token.classes}"
                yield f"{side} {offset} shape {shape_of(token.text[:20])}"
            yield f"{side} {word}"
            if token.classes:
                yield f"{part} {side} {min(offset, 4)} class {token.classes & ~_BIT['street']}"
            if offset == 1 and token.text.isalpha():
                yield f"{side} suffix {word[-3:]}"
    before = [t.text.lower() for t in tokens[max(0, mention.first - 3) : mention.first]]
    after = [t.text.lower() for t in tokens[mention.last + 1 : mention.last + 4]]
    yield "pair " + " ".join(before[-2:])
    yield "next " + " ".join(after[:2])
    yield "around " + " ".join([*before[-1:], "_", *after[:1]])


def _name_itself(reading: Reading, name: Candidate) -> Iterator[str]:
    words = words_of(name.text)
    bearer = words_of(reading.sender)
    joined = "".join(sorted(w for w in bearer if len(w) > 2))
    shared = sum(1 for w in words if len(w) > 1 and (w in bearer or (len(w) > 3 and w in joined)))
    titled = any(_titled(reading.tokens, m) for m in name.mentions)
    single = len(words) == 1
    first = reading.tokens[name.mentions[0].first].classes & _BIT["first_name"]
    yield f"sender {min(shared, 2)} {shared >= len(words) - 1}"
    yield f"titled {titled} single {single} first name {bool(first)}"
    yield f"words {min(len(words), 4)} initial {any(len(w) == 1 for w in words)}"


def _titled(tokens: Sequence[Token], mention: Tagged) -> bool:
    near = tokens[max(0, mention.first - 2) : mention.first + 1]
    return any(t.classes & _BIT["title"] for t in near)


def _beside(name: Candidate, functions: Sequence[Tagged]) -> Iterator[str]:
    gaps = [_gap(m, f) for m in name.mentions for f in functions]
    near = min(gaps, key=abs, default=None)
    yield f"function at {None if near is None else max(-8, min(8, near))}"
    yield f"function near {near is not None and abs(near) <= 4}"


def _named(function: Candidate, names: Sequence[tuple[Tagged, float]]) -> Iterator[str]:
    pairs = [(_gap(m, function_mention), score) for m, score in names for function_mention in function.mentions]
    near = min(pairs, key=lambda pair: abs(pair[0]), default=None)
    if near is None:
        yield "no name"
        return
    gap, score = near
    yield f"name at {max(-8, min(8, gap))} {int(score * 4)}"
    yield f"name near {abs(gap) <= 4} {int(score * 4)}"
    closest = min((abs(g) for g, s in pairs if s >= 0.5), default=99)
    yield f"concerned within {min(closest // 3, 8)}"


def _gap(a: Tagged, b: Tagged) -> int:
    """Tokens between two stretches: positive when b comes after a."""
    return b.first - a.last if b.first > a.last else b.last - a.first


def _hashed(facts: set[str]) -> NDArray[np.int64]:
    hashes = sorted(
        {zlib.crc32(f.encode("utf-8", "surrogatepass")) * 2654435761 % (1 << 32) >> (32 - BITS) for f in facts}
    )
    return np.array(hashes, dtype=np.int64)


def paired(names: Sequence[Candidate], functions: Sequence[Candidate]) -> tuple[Concerned, ...]:
    """Each function goes to the nearest name that has none yet; what is left over stands alone."""
    held: dict[int, str] = {}
    alone: list[str] = []
    for function in functions:
        gaps = [(min(abs(_gap(m, f)) for m in n.mentions for f in function.mentions), i) for i, n in enumerate(names)]
        free = [pair for pair in gaps if pair[1] not in held]
        if free:
            held[min(free)[1]] = function.text
        else:
            alone.append(function.text)
    found = [Concerned(name.text, held.get(i)) for i, name in enumerate(names)]
    return (*found, *(Concerned(None, text) for text in alone))
