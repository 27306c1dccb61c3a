"""The documents keep what they promise: their links lead somewhere, and nothing in them waits to be filled in."""

import re
from pathlib import Path

import pytest

from bench.soak_page import Books, Sample, page
from tests.mail_cases import OUT_OF_REACH, Row, cited, rows

TOP = Path(__file__).parents[1]
DOCUMENTS = sorted([TOP / "README.md", TOP / "NOTICE.md", *(TOP / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE_PATH = re.compile(
    r"`((?:tests|docs|store|ingest|notify|desk|triage|meldpost|config|cases|tools|bench)/[\w./-]+)`"
)
_ROW_OF_A_PROCESS = re.compile(r"^\| ([a-z ]+) \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\b(?:TODO|FIXME|XXX|TBD|[A-Z]+-FIGURES)\b")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    links = [link.partition("#")[0] for link in _LINK.findall(document.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if link and not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_path_that_is_named_is_there(document: Path) -> None:
    named = set(_CODE_PATH.findall(document.read_text("utf-8")))
    assert [path for path in sorted(named) if not (TOP / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_nothing_is_left_to_be_filled_in(document: Path) -> None:
    assert _PLACEHOLDER.findall(document.read_text("utf-8")) == []


def test_the_page_of_the_soak_holds_nothing_that_a_new_run_would_lose() -> None:
    written = (TOP / "docs" / "soak.md").read_text("utf-8")
    names = _ROW_OF_A_PROCESS.findall(written)
    samples = [Sample(seconds, seconds, dict.fromkeys(names, 0)) for seconds in range(2)]
    assert _without_figures(page(samples, Books(0, 0, 0, 0, 0, 0, 0, 0, 0), 0)) == _without_figures(written)


def _without_figures(text: str) -> str:
    return re.sub(r"[+-]?\d[\d.,]*", "0", text)


def test_each_decision_has_a_number_of_its_own_and_its_place_in_the_index() -> None:
    folder = TOP / "docs" / "decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    listed = re.findall(r"^\| \[(\d+)\]\(([^)]+)\)", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [name for _, name in listed] == files
    assert [int(number) for number, _ in listed] == [int(name[:4]) for name in files]
    assert len({name[:4] for name in files}) == len(files)


# the threat model

_NINE = (
    *("a stolen disk", "reads the database", "writes to the database", "administrator of the desk's own mail server"),
    *("root on the running machine", "a curious member", "the person concerned", "laptop", "quantum computer"),
)


def _attackers() -> list[list[str]]:
    """The cells of each row of the tables of attackers: who, what they have or get, ..., shown by."""
    text = (TOP / "docs" / "threat-model.md").read_text("utf-8")
    tables = text[text.index("## Nine attackers") : text.index("## Memory")]
    rows_of = [line.strip("| ").split(" | ") for line in tables.splitlines() if line.startswith("| ")]
    return [cells for cells in rows_of if cells[0] != "who" and not cells[0].startswith("---")]


def test_the_threat_model_names_each_attacker() -> None:
    named = [cells[0] for cells in _attackers()]
    assert [each for each in _NINE if not any(each in name for name in named)] == []


@pytest.mark.parametrize("cells", _attackers(), ids=lambda cells: cells[0][:40])
def test_what_an_attacker_gets_and_does_not_get_is_shown_by_tests_that_exist(cells: list[str]) -> None:
    gets, does_not_get, shown_by = cells[-3:]
    assert gets
    assert does_not_get
    tests = re.findall(r"`([\w/]*test_\w+\.py)`", shown_by)
    assert tests or "vectors" in shown_by
    folders = [TOP, *{(TOP / test).parent for test in tests if "/" in test}]
    assert [test for test in tests if not any((folder / test).exists() for folder in folders)] == []


# the table of mail cases

CASES = range(1, 100)
NEVER_OUT_OF_REACH = frozenset({*range(1, 22), *range(38, 60), *range(70, 81), *range(91, 98)})
MOST_OUT_OF_REACH = 12


def test_the_table_of_mail_cases_has_one_row_for_each() -> None:
    assert [row.number for row in rows()] == list(CASES)


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row.number))
def test_each_mail_case_is_proved_by_tests_that_say_so_or_is_out_of_reach_for_a_reason(row: Row) -> None:
    if row.out_of_reach:
        assert len(row.proof) > len(OUT_OF_REACH) + 10
        return
    assert row.tests
    assert [test for test in row.tests if row.number not in cited(test[0]).get(test[1], ())] == []


def test_few_mail_cases_are_out_of_reach_and_none_that_touches_us_most() -> None:
    away = {row.number for row in rows() if row.out_of_reach}
    assert len(away) <= MOST_OUT_OF_REACH
    assert not away & NEVER_OUT_OF_REACH


# OWASP ASVS

_NUMBER = re.compile(r"\d+\.\d+\.\d+")


def _requirements() -> list[list[str]]:
    """The cells of each row: numbers, what is asked, the test, what was taken out."""
    lines = (TOP / "docs" / "asvs.md").read_text("utf-8").splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [cells for cells in found if cells[0] != "number" and not cells[0].startswith("---")]


@pytest.mark.parametrize("cells", _requirements(), ids=lambda cells: f"{cells[0]}: {cells[1][:40]}")
def test_each_requirement_has_its_numbers_and_a_test_that_is_there(cells: list[str]) -> None:
    numbers, asked, test, seen = cells
    assert all(_NUMBER.fullmatch(number.strip()) for number in numbers.split(","))
    assert asked
    path, _, name = test.strip("`").partition("::")
    assert re.search(rf"^def {name}\(", (TOP / path).read_text("utf-8"), re.MULTILINE), test
    assert not seen or seen.startswith("yes: ")
