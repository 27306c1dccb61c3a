"""The table of mail cases in docs/mail-cases.md, and the tests that say which case they prove.

A test names its cases as "mail-cases 63, 64" in its docstring or a comment. Run as `python -m tests.mail_cases`, this
writes the last column of the table anew from those; "out of reach: why" stays where no test names the case.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOP = Path(__file__).parents[1]
DOCUMENT = TOP / "docs" / "mail-cases.md"
OUT_OF_REACH = "out of reach: "
UNFILLED = "to be filled in"
_MOST = 5
"""Tests that a row names; more prove the same from further sides."""

_ROW = re.compile(r"\| (\d+) \| ([^|]+) \| ([^|]+) \|")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_CITED = re.compile(r"mail-cases ((?:\d+(?:-\d+)?(?:, | and )?)+)")


@dataclass(frozen=True)
class Row:
    number: int
    behaviour: str
    proof: str

    @property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """Path and name of each test that the row names."""
        return tuple(_TEST.findall(self.proof))

    @property
    def out_of_reach(self) -> bool:
        return self.proof.startswith(OUT_OF_REACH)


def rows() -> tuple[Row, ...]:
    found = (_ROW.fullmatch(line) for line in DOCUMENT.read_text("utf-8").splitlines())
    return tuple(Row(int(match[1]), match[2], match[3]) for match in found if match)


@cache
def cited(path: str) -> Mapping[str, frozenset[int]]:
    """The cases that each test of a file names, by the test's name."""
    source = (TOP / path).read_text("utf-8")
    lines = source.splitlines()
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    tests = (node for node in nodes if node.name.startswith("test_"))
    return {node.name: frozenset(_numbers("\n".join(lines[node.lineno - 1 : node.end_lineno]))) for node in tests}


def _numbers(source: str) -> Iterator[int]:
    for listed in _CITED.findall(" ".join(source.split())):
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", listed):
            yield from range(int(first), int(last or first) + 1)


def all_cited() -> Mapping[int, list[str]]:
    """The tests of each case, those of the whole system last."""
    found: dict[int, list[str]] = defaultdict(list)
    paths = (str(path.relative_to(TOP)) for path in (TOP / "tests").rglob("test_*.py"))
    for path in sorted(paths, key=lambda path: ("tests/system" in path, path)):
        for name, numbers in cited(path).items():
            for number in numbers:
                found[number].append(f"`{path}::{name}`")
    return found


def _proof(row: Row, tests: Mapping[int, list[str]]) -> str:
    kept = [f"`{path}::{name}`" for path, name in row.tests if f"`{path}::{name}`" in tests[row.number]]
    named = list(dict.fromkeys((*kept, *tests[row.number])))[:_MOST]
    return ", ".join(named) or (row.proof if row.out_of_reach else UNFILLED)


def _filled(line: str, tests: Mapping[int, list[str]]) -> str:
    match = _ROW.fullmatch(line)
    if match is None:
        return line
    row = Row(int(match[1]), match[2], match[3])
    return f"| {row.number} | {row.behaviour} | {_proof(row, tests)} |"


if __name__ == "__main__":
    known = all_cited()
    written = [_filled(line, known) for line in DOCUMENT.read_text("utf-8").splitlines()]
    DOCUMENT.write_text("\n".join(written) + "\n", "utf-8")
