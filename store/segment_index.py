"""One segment of the search index: an SQLite database in memory that knows which words and persons stand in which case.

It holds no text: where a word stands in a case is found again in the case itself, by who can open it. Nothing of it is
ever on disk but sealed (`store/segments.py`). Cases are numbered by when they were opened, newest last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cases import names
from config.taxonomy import Kind
from store.merging import may_be_a_report

SCHEMA = """
PRAGMA temp_store = MEMORY;
CREATE TABLE doc (number INTEGER PRIMARY KEY, case_id TEXT NOT NULL UNIQUE, kind, category, severity, outcome);
CREATE VIRTUAL TABLE word USING fts5(stems, content='', detail=none, columnsize=0, tokenize="ascii tokenchars '=_'");
CREATE TABLE spelling (form TEXT PRIMARY KEY, backwards TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX ix_spelling_backwards ON spelling (backwards);
CREATE TABLE person (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, words TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX ix_person_number ON person (number);
CREATE TABLE person_word (form TEXT, person INTEGER, PRIMARY KEY (form, person)) WITHOUT ROWID;
CREATE TABLE name_spelling (form TEXT PRIMARY KEY, backwards TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX ix_name_spelling_backwards ON name_spelling (backwards);
"""
_PAGES = "PRAGMA page_size = 4096"
_MOST_PERSONS = 5_000
"""Of one segment who bear a name that is looked for: more share no list that a person reads."""
_FORGIVING = 4
"""Letters of the shortest word of a name in which an edit is forgiven."""
_LAST = chr(0x10FFFF)


@dataclass(frozen=True)
class Facts:
    """What of a case is counted in the figures of its year."""

    kind: str | None = None
    category: str | None = None
    severity: str | None = None
    outcome: str | None = None


@dataclass(frozen=True)
class Standing:
    """What decides how soon a case needs a person. `number`: by when it was opened, newest last."""

    number: int
    kind: str | None
    severity: str | None


@dataclass(frozen=True)
class Document:
    """What a segment is told of a case. `stems` hold facets too, such as "c=pesten"; `forms` are words as spelled."""

    number: int
    case_id: str
    stems: frozenset[str] = field(repr=False)
    forms: frozenset[str] = field(repr=False)
    persons: tuple[str, ...] = field(repr=False)
    facts: Facts = field(default=Facts(), repr=False)


@dataclass(frozen=True)
class Namesake:
    """A person concerned of another case who may be the same. `likeness`: see `cases.names.likeness`."""

    number: int
    case_id: str
    name: str = field(repr=False)
    likeness: int


class Comparison:
    """A name on its way through many segments, which hold the same words and names over and over."""

    def __init__(self, name: str) -> None:
        self._wanted = names.words(name)
        self.whole = [form for form in self._wanted if len(form) > 1]
        self.forgiving = [form for form in self.whole if len(form) >= _FORGIVING]
        self._likeness: dict[str, int] = {}
        self._one_edit: dict[tuple[str, str], bool] = {}

    def likeness(self, theirs: str) -> int:
        """Of a name as a segment holds it: its words in JSON."""
        known = self._likeness.get(theirs)
        if known is None:
            known = self._likeness[theirs] = names.likeness(self._wanted, json.loads(theirs))
        return known

    def one_edit(self, form: str, other: str) -> bool:
        known = self._one_edit.get((form, other))
        if known is None:
            known = self._one_edit[form, other] = names.one_edit(form, other)
        return known


class SegmentIndex:
    """A segment opened. For one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, word, row)")

    @classmethod
    def build(cls, documents: Iterable[Document]) -> SegmentIndex:
        """A new segment of these cases."""
        connection = _connect()
        connection.execute(_PAGES)
        connection.executescript(SCHEMA)
        connection.execute("BEGIN")
        forms: set[str] = set()
        names_: set[str] = set()
        for document in documents:
            _add(connection, document)
            forms |= document.forms
            names_ |= {form for name in document.persons for form in names.words(name)}
        connection.executemany("INSERT INTO spelling VALUES (?, ?)", ((each, each[::-1]) for each in sorted(forms)))
        named = ((each, each[::-1]) for each in sorted(names_))
        connection.executemany("INSERT INTO name_spelling VALUES (?, ?)", named)
        connection.execute("COMMIT")
        connection.execute("INSERT INTO word(word) VALUES ('optimize')")
        return cls(connection)

    @classmethod
    def from_bytes(cls, image: bytes) -> SegmentIndex:
        """Open what `to_bytes` gave. Only for bytes that are proven to be ours: SQLite trusts them."""
        connection = _connect()
        connection.deserialize(image)
        return cls(connection)

    def to_bytes(self) -> bytes:
        return self._connection.serialize()

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        (pages,), (size,) = (
            self._connection.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "page_size")
        )
        return int(pages) * int(size)

    def case_ids(self) -> list[str]:
        return [row[0] for row in self._connection.execute("SELECT case_id FROM doc")]

    def facts(self) -> Iterator[tuple[str, Facts]]:
        """What is counted of each case."""
        known: dict[tuple[str | None, ...], Facts] = {}
        for case_id, *told in self._connection.execute("SELECT case_id, kind, category, severity, outcome FROM doc"):
            facts = tuple(told)
            if facts not in known:
                known[facts] = Facts(*facts)
            yield case_id, known[facts]

    def repeated(self, letter: str) -> list[tuple[str, int]]:
        """The facets that begin so, each with how many cases have it."""
        query = "SELECT term, doc FROM vocabulary WHERE term >= ? AND term < ?"
        return list(self._connection.execute(query, (f"{letter}=", f"{letter}=" + _LAST)))

    def severities(self, case_ids: Iterable[str]) -> list[tuple[str, str | None]]:
        """Those of these cases that are in it, each with how serious it is."""
        query = "SELECT case_id, severity FROM doc WHERE case_id IN (SELECT value FROM json_each(?))"
        return list(self._connection.execute(query, (json.dumps(list(case_ids)),)))

    def standing(self, case_ids: Iterable[str]) -> list[tuple[str, Standing]]:
        """Those of these cases that are in it."""
        query = "SELECT case_id, number, kind, severity FROM doc WHERE case_id IN (SELECT value FROM json_each(?))"
        found = self._connection.execute(query, (json.dumps(list(case_ids)),))
        return [(case_id, Standing(*told)) for case_id, *told in found]

    def count(self, expression: str, most: int) -> int:
        """How many cases match, counted up to `most`."""
        query = "SELECT count(*) FROM (SELECT 1 FROM word WHERE word MATCH ? LIMIT ?)"
        return int(self._connection.execute(query, (expression, most)).fetchone()[0])

    def matches(self, expression: str) -> Iterator[tuple[int, str]]:
        """Number and id of the cases that match, newest first; read lazily."""
        query = (
            "SELECT word.rowid, doc.case_id FROM word JOIN doc ON doc.number = word.rowid"
            " WHERE word MATCH ? ORDER BY word.rowid DESC"
        )
        yield from self._connection.execute(query, (expression,))

    def spelled_alike(self, form: str) -> set[str]:
        """The words of these cases that are one edit from this one."""
        return self._one_edit("spelling", form)

    def spells(self, form: str) -> bool:
        """Does any of these cases spell a word so?"""
        return self._connection.execute("SELECT 1 FROM spelling WHERE form = ?", (form,)).fetchone() is not None

    def knows(self, stem: str) -> bool:
        return self.count(quoted([stem]), 1) > 0

    def namesakes(self, name: str, known: Comparison | None = None) -> list[Namesake]:
        """The persons concerned who may be this one, in any order. One `known` for many segments compares no word and
        no name twice."""
        known = known or Comparison(name)
        if not known.whole:
            return []
        forms = set(known.whole).union(*(self._one_edit("name_spelling", form, known) for form in known.forgiving))
        query = (
            "SELECT DISTINCT person.number, doc.case_id, person.words, person.name"
            " FROM person_word JOIN person ON person.id = person_word.person JOIN doc ON doc.number = person.number"
            " WHERE person_word.form IN (SELECT value FROM json_each(?)) ORDER BY person.number DESC LIMIT ?"
        )
        found = self._connection.execute(query, (json.dumps(sorted(forms)), _MOST_PERSONS))
        compared = ((*told, spelled, known.likeness(theirs)) for *told, theirs, spelled in found)
        return [Namesake(*each) for each in compared if each[-1]]

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()

    def _one_edit(self, table: str, form: str, known: Comparison | None = None) -> set[str]:
        """One edit leaves the beginning or the end of a word as it was."""
        first = (len(form) - 1) // 2
        last = len(form) - 1 - first
        ends = form[::-1][:last]
        query = (
            f"SELECT form FROM {table} WHERE form >= ? AND form < ? AND length(form) BETWEEN ? AND ?"  # noqa: S608
            f" UNION SELECT form FROM {table} WHERE backwards >= ? AND backwards < ? AND length(form) BETWEEN ? AND ?"
        )
        lengths = (len(form) - 1, len(form) + 1)
        values = (form[:first], form[:first] + _LAST, *lengths, ends, ends + _LAST, *lengths)
        is_near = names.one_edit if known is None else known.one_edit
        return {row[0] for row in self._connection.execute(query, values) if is_near(form, row[0])}


def quoted(alternatives: Iterable[str]) -> str:
    """An expression that any of these stems matches."""
    terms = sorted(alternatives)
    return "(" + " OR ".join('"' + term.replace('"', "") + '"' for term in terms) + ")"


def all_of(expressions: Sequence[str]) -> str:
    return " AND ".join(expressions)


def facets(card: Mapping[str, Any]) -> set[str]:
    """What a case can be chosen by, as stems that no word is equal to."""
    found = {f"k={card.get('kind')}", f"s={card.get('severity')}"}
    found |= {f"k={Kind.MELDING}"} if may_be_a_report(card) else set()
    found |= {f"{kind}={digest}" for kind, digest in (card.get("alike") or {}).items()}
    found |= {f"m={slug}" for slug in card.get("missing") or ()}
    for category in card.get("categories") or ():
        found.add(f"c={category.get('slug')}")
        found |= {f"c={sub}" for sub in category.get("sub") or ()}
    return {facet for facet in found if not facet.endswith("=None")}


def _connect() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def _add(connection: sqlite3.Connection, document: Document) -> None:
    facts = document.facts
    counted = (facts.kind, facts.category, facts.severity, facts.outcome)
    connection.execute("INSERT INTO doc VALUES (?, ?, ?, ?, ?, ?)", (document.number, document.case_id, *counted))
    line = " ".join(sorted(document.stems))
    connection.execute("INSERT INTO word (rowid, stems) VALUES (?, ?)", (document.number, line))
    for name in document.persons:
        spelled = names.words(name)
        if not spelled:
            continue
        told = json.dumps(spelled, ensure_ascii=False)
        added = connection.execute(
            "INSERT INTO person (number, words, name) VALUES (?, ?, ?)", (document.number, told, name)
        ).lastrowid
        forms = {form for form in spelled if len(form) > 1}
        connection.executemany("INSERT INTO person_word VALUES (?, ?)", ((form, added) for form in sorted(forms)))
