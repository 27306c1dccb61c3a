"""Forms filled in as mails: which label says whose name, function, number or address stands behind it.

A label is a few words that all stand in the lists of labels: "Naam van de betrokken medewerker:", "Your name:". What is
filled in stands behind it or on the next line. Labels are certain where neighbours only make likely, so what they say
comes before what the models think.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from triage.people import same_person, words_of
from triage.text import Span, lines, trimmed
from triage.word_lists import phrases_of


class Part(StrEnum):
    NAME = "name"
    FUNCTION = "function"
    PHONE = "phone"
    ADDRESS = "address"
    EMAIL = "email"
    ANONYMOUS = "anonymous"
    """Ticked: a field where it is not is none."""


class Role(StrEnum):
    REPORTER = "reporter"
    CONCERNED = "concerned"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Field:
    """What was filled in, and where; `role` is None where neither the label nor the form around it says whose it is."""

    parts: tuple[Part, ...]
    """Empty where the label says only whose: "Betrokkene:"."""
    role: Role | None
    label: Span
    """Where its label stands."""
    start: int
    end: int

    @property
    def names(self) -> bool:
        return not self.parts or Part.NAME in self.parts

    def moved(self, by: int) -> "Field":
        """The same field of a text that begins so many characters earlier."""
        label = Span(self.label.start + by, self.label.end + by)
        return replace(self, label=label, start=self.start + by, end=self.end + by)


@dataclass(frozen=True, slots=True)
class _Label:
    parts: tuple[Part, ...]
    roles: frozenset[Role]

    @property
    def role(self) -> Role | None:
        """Somebody else's before all: "your supervisor" is not who fills in; None where it says two things."""
        if Role.OTHER in self.roles:
            return Role.OTHER
        return next(iter(self.roles)) if len(self.roles) == 1 else None


_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ.-][^\W\d_]+)*")
_BREAK = re.compile(r"[,;|\t]|[ \u00a0]{2,}|[ ]/[ ]")
_NUMBER = r"[\s>*_#•·\-–(]*(?:\d{1,2}[.)]?|[a-z][.)])?[\s>*_#•·\-–(]*"
_LABELLED = re.compile(rf"{_NUMBER}(?P<label>[^\W\d_][^:：=\n]{{0,70}}?)[\s*_.…]*[:：=]+[\s*_]*")
_WHOLE = re.compile(rf"{_NUMBER}(?P<label>[^\W\d_][^\n]{{0,70}}?)[\s*_.…?]*$")
_SIGN = re.compile(r"[:：=|\t]")
_SENTENCE_END = re.compile(r"(?<=\w\w\w)[.!?](?=\s)")
_LOOKED_AT = 400
_LABEL_LENGTH = 80
_VALUE_LENGTH = 120
_LONGEST = 6
"""Words of the longest phrase in the lists."""
_FILLER = "filler"


class Forms:
    """Knows the words that labels are made of."""

    def __init__(self) -> None:
        self._meanings: dict[str, set[str]] = {}
        for meaning in (*Part, *Role, _FILLER):
            for phrase in phrases_of(f"label_{meaning}"):
                self._meanings.setdefault(_plain(phrase), set()).add(meaning)
        self._nothing = frozenset(map(_plain, phrases_of("label_nothing")))
        self._yes = frozenset(map(_plain, phrases_of("label_yes")))

    def of(self, text: str, sender: str = "") -> tuple[Field, ...]:
        """The fields of all forms in a text, in order; `sender` bears a name that no label has to give to anybody."""
        found = list(self._filled(text))
        return tuple(field for field in _with_roles(found, text, sender) if self._says(field, text))

    def _says(self, field: Field, text: str) -> bool:
        value = _plain(text[field.start : field.end])
        if Part.ANONYMOUS in field.parts:
            return bool(value) and value.split()[0].strip(",;.") in self._yes
        return bool(re.search(r"\w", value)) and value not in self._nothing

    def _filled(self, text: str) -> Iterator[tuple[_Label, Span, Span | None]]:
        """Each label, its place and what is filled in; None behind a heading, under which other labels stand."""
        waiting: tuple[_Label, Span] | None = None
        empty = 0
        for line in lines(text):
            labels = list(self._of_line(text, line))
            filled = trimmed(text, line.start, line.end)
            if waiting is not None and (labels or filled.end > filled.start):
                yield *waiting, None if labels else _bare(text, filled.start, filled.end)
                waiting = None
            elif waiting is not None:
                empty += 1
                waiting = waiting if empty < 2 else None
            for label, place, span in labels:
                if span.end > span.start:
                    yield label, place, span
                else:
                    waiting, empty = (label, place), 0

    def _of_line(self, text: str, line: Span) -> Iterator[tuple[_Label, Span, Span]]:
        end = min(line.end, line.start + _LOOKED_AT)
        if end - line.start > _LABEL_LENGTH and not _SIGN.search(text, line.start, end):
            return
        breaks = [(m.start(), m.end()) for m in _BREAK.finditer(text, line.start, end)]
        starts = [line.start, *(e for _, e in breaks)]
        ends = [*(s for s, _ in breaks), end]
        found: list[tuple[int, int, _Label]] = []
        for number, (start, stop) in enumerate(zip(starts, ends, strict=True)):
            labelled = _LABELLED.match(text, start, stop)
            if labelled and (label := self._label(labelled["label"])):
                found.append((start, labelled.end(), label))
            elif (whole := _WHOLE.match(text, start, stop)) and (label := self._label(whole["label"])):
                alone = len(starts) == 1
                in_table = number + 1 < len(starts) and text[stop] in "|\t \u00a0"
                if alone or (in_table and number % 2 == 0):
                    found.append((start, starts[number + 1] if in_table else stop, label))
        for (start, value, label), (until, _, _) in pairwise([*found, (line.end, 0, _Label((), frozenset()))]):
            yield label, Span(start, value), _bare(text, value, until)

    def _label(self, typed: str) -> _Label | None:
        """What a label means; None when it has a word that no label has, or says neither what nor whose."""
        words = [_plain(w.group()) for w in _WORD.finditer(typed)]
        parts: list[Part] = []
        roles: set[Role] = set()
        i = 0
        while i < len(words):
            for length in range(min(_LONGEST, len(words) - i), 0, -1):
                meanings = self._meanings.get(" ".join(words[i : i + length]))
                if meanings:
                    parts.extend(p for p in Part if p in meanings and p not in parts)
                    roles.update(r for r in Role if r in meanings)
                    i += length
                    break
            else:
                return None
        return _Label(tuple(parts), frozenset(roles)) if parts or roles else None


def _plain(text: str) -> str:
    """Without accents and case, and without signs at the ends."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("’", "'").replace("ʼ", "'"))
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(plain.split()).strip(" .,;:!?()[]*_-–")


def _bare(text: str, start: int, end: int) -> Span:
    end = min(end, start + _VALUE_LENGTH)
    sentence = _SENTENCE_END.search(text, start, end)
    end = sentence.start() if sentence else end
    while end > start and text[end - 1] in " \t\u00a0,;|/*_":
        end -= 1
    return trimmed(text, start, end)


def _with_roles(found: Sequence[tuple[_Label, Span, Span | None]], text: str, sender: str) -> list[Field]:
    """Whose each field is: what its label says, else the heading above it, else whom the form named last."""
    fields: list[Field] = []
    heading: Role | None = None
    person: int | None = None
    follows: dict[int, int | None] = {}
    for label, place, span in found:
        if span is None:
            if not label.parts:
                heading, person = label.role, None
            continue
        if label.role is not None and label.role is not heading:
            heading = None
        role = label.role or (heading if not label.roles else None)
        field = Field(label.parts, role, place, span.start, span.end)
        if field.names:
            person = len(fields)
        elif field.parts == (Part.FUNCTION,) and role is None:
            follows[len(fields)] = person
        fields.append(field)
    named = [_given(field, fields, text, sender) if field.names else field for field in fields]
    about = any(f.role is Role.CONCERNED and f.names for f in named)
    for number, whom in follows.items():
        alone = Role.CONCERNED if about else None
        named[number] = replace(named[number], role=named[whom].role if whom is not None else alone)
    return named


def _given(field: Field, fields: Sequence[Field], text: str, sender: str) -> Field:
    """A name behind "Naam:" is the sender's own, or that of whom the other names of the form are not."""
    if field.role is not None:
        return field
    if same_person(words_of(text[field.start : field.end]), words_of(sender)):
        return replace(field, role=Role.REPORTER)
    roles = {f.role for f in fields if f.names}
    if Role.CONCERNED in roles and Role.REPORTER not in roles:
        return replace(field, role=Role.REPORTER)
    if Role.REPORTER in roles and Role.CONCERNED not in roles:
        return replace(field, role=Role.CONCERNED)
    return field
