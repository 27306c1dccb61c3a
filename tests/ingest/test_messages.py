"""All messages of other projects, where they lie beside the project: understood as docs/mime.md says, no less."""

from __future__ import annotations

import pytest

from tests.messages.__main__ import DOCUMENT
from tests.messages.measure import MAILS, Found, measured
from tests.messages.page import write


@pytest.fixture(scope="module")
def found() -> list[Found]:
    if not (MAILS / "MANIFEST.jsonl").is_file():
        pytest.skip("needs shared/mime, which is not part of the project (MELDPOST_SHARED)")
    return measured()


def test_all_are_taken_in_but_the_one_beyond_the_limits(found: list[Found]) -> None:
    """mail-cases 39"""
    assert [each.path for each in found if not each.taken_in] == ["staktrace+mailparse/tests/files/nested.eml"]


def test_no_text_that_a_person_would_see_is_left_out(found: list[Found]) -> None:
    """mail-cases 52"""
    assert [each.path for each in found if each.silent] == []


def test_the_document_says_what_is_measured(found: list[Found]) -> None:
    """`make messages` writes it anew; each file that is not as expected stands there with the reason."""
    assert DOCUMENT.read_text("utf-8") == write(found)
    assert "not looked into yet" not in write(found).lower()
