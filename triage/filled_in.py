"""What a filled-in form says of persons, put in the place of what the tagger and the judge of persons think."""

import re
from collections.abc import Sequence

from triage.forms import Field, Part, Role
from triage.people import Candidate
from triage.tagging import Tagged, stretch_of
from triage.tokens import CLASSES, Token

_BIT = {name: 1 << i for i, name in enumerate(CLASSES)}
_ENDS = frozenset(",;(/|\n") | {"en", "and", "et", "und", "y", "e", "dan", "ve", "و", "та", "і", "&"}
_JOINTS = frozenset(".'’-ʼ")
_MOST_WORDS = 6
_SURE = 0.99


def completed(tagged: Sequence[Tagged], fields: Sequence[Field], tokens: Sequence[Token], text: str) -> list[Tagged]:
    """The stretches, with the names and functions of forms as they were filled in. A label is nobody's name or work."""
    found: list[Tagged] = []
    for field in fields:
        first, last = _within(field, tokens)
        if field.role is None or first > last:
            continue
        if field.names:
            name = _name(field, tagged, tokens, first, last, text)
            if name is None:
                continue
            found.append(name)
            first = name.last + 1
        if Part.FUNCTION in field.parts and (function := _function(tokens, first, last, text)):
            found.append(function)
    taken = [*((f.start, f.end) for f in found), *((field.label.start, field.label.end) for field in fields)]
    kept = [t for t in tagged if all(t.end <= start or t.start >= end for start, end in taken)]
    return sorted([*kept, *found], key=lambda t: t.start)


def certain(found: Sequence[Candidate], scores: Sequence[float], fields: Sequence[Field]) -> list[float]:
    """The scores of candidates of one kind, made sure for those that stand in a form."""
    return [_sure(candidate, score, fields) for candidate, score in zip(found, scores, strict=True)]


def is_whole(fields: Sequence[Field]) -> bool:
    """Does a form say who reports, about whom, and what that person does? Nobody fills in all that to add something."""
    told = {(f.role, part) for f in fields for part in f.parts} | {(f.role, Part.NAME) for f in fields if f.names}
    asked = {(Role.REPORTER, Part.NAME), (Role.CONCERNED, Part.NAME), (Role.CONCERNED, Part.FUNCTION)}
    return asked <= told


def asks_anonymity(fields: Sequence[Field]) -> bool:
    """Did who filled in a form tick that they want to stay anonymous?"""
    return any(Part.ANONYMOUS in field.parts for field in fields)


def _sure(candidate: Candidate, score: float, fields: Sequence[Field]) -> float:
    roles = {f.role for f in fields if f.role and _may_hold(candidate, f) and _stands_in(candidate, f)}
    if Role.CONCERNED in roles:
        return max(score, _SURE)
    return min(score, 1 - _SURE) if roles else score


def _may_hold(candidate: Candidate, field: Field) -> bool:
    return field.names or (candidate.kind == "function" and Part.FUNCTION in field.parts)


def _stands_in(candidate: Candidate, field: Field) -> bool:
    return any(field.start <= m.start and m.end <= field.end for m in candidate.mentions)


def _within(field: Field, tokens: Sequence[Token]) -> tuple[int, int]:
    inside = [i for i, t in enumerate(tokens) if field.start <= t.start and t.end <= field.end]
    return (inside[0], inside[-1]) if inside else (0, -1)


def _name(
    field: Field, tagged: Sequence[Tagged], tokens: Sequence[Token], first: int, last: int, text: str
) -> Tagged | None:
    while first < last and tokens[first].classes & _BIT["title"] and len(tokens[first].text.strip(".")) > 1:
        first += 1
        while first < last and tokens[first].text == ".":
            first += 1
    end = next((i for i in range(first, last + 1) if _parts_here(tokens, i, text)), last + 1) - 1
    words = [t for t in tokens[first : end + 1] if t.text not in _JOINTS]
    if not words or len(words) > _MOST_WORDS or not all(map(_may_be_named, words)) or _is_work(words[0]):
        return None
    known = any(t.kind == "name" and t.first <= end and t.last >= first for t in tagged)
    if not known and not (_looks_given(words) and (Part.NAME in field.parts or len(words) > 1)):
        return None
    return stretch_of("name", first, end, tokens, text, _SURE)


def _parts_here(tokens: Sequence[Token], i: int, text: str) -> bool:
    token = tokens[i]
    dash = token.text in "-–—" and text[token.start - 1 : token.start].isspace()
    return dash or token.text in _ENDS or "\n" in token.text


def _may_be_named(token: Token) -> bool:
    return re.sub(r"[.'’ʼ-]", "", token.text).isalpha() and not (_is_work(token) and token.text.islower())


def _is_work(token: Token) -> bool:
    return bool(token.classes & _BIT["function"]) and not token.classes & _BIT["particle"]


def _looks_given(words: Sequence[Token]) -> bool:
    """Capitals, or in lower case a given name first: "zeg ik niet" is nobody's name."""
    small = [t for t in words if t.text.islower() and not t.classes & _BIT["particle"]]
    return not small or bool(words[0].classes & _BIT["first_name"])


def _function(tokens: Sequence[Token], first: int, last: int, text: str) -> Tagged | None:
    while first <= last and not tokens[first].text[0].isalnum():
        first += 1
    end = next((i for i in range(first, last + 1) if tokens[i].text in (";", "|") or "\n" in tokens[i].text), last + 1)
    words = [t for t in tokens[first:end] if t.text[0].isalnum()]
    if not words or len(words) > 2 * _MOST_WORDS or any(t.text == "." for t in tokens[first : end - 1]):
        return None
    return stretch_of("function", first, end - 1, tokens, text, _SURE)
