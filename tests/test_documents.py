"""The documents keep what they promise: their links lead somewhere, and nothing in them waits to be filled in."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
DOCUMENTS = sorted([TOP / "README.md", *(TOP / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE_PATH = re.compile(
    r"`((?:tests|docs|store|ingest|notify|desk|triage|meldpost|config|cases|tools|bench)/[\w./-]+)`"
)
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
