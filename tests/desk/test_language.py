"""Choosing the language leads back to the same page, in the state in which it was."""

from __future__ import annotations

import re

import pytest

from tests.desk.world import Visitor, World, coordinator


def in_english(visitor: Visitor, page: str) -> str:
    """Where the buttons of a page lead that choose the language."""
    form = page[page.index('action="/language"') :].partition("</form>")[0]
    then = re.search('name="then" value="([^"]*)"', form)
    assert then
    return str(visitor.post("/language", {"language": "en", "then": then[1].replace("&amp;", "&")}).location)


@pytest.mark.parametrize("path", ["/", "/?page=1&severity=hoog&status=received", "/receipts/", "/trail/?action=look"])
def test_a_page_comes_back_with_its_filters(world: World, path: str) -> None:
    world.new_case()
    visitor = coordinator(world)
    assert in_english(visitor, visitor.get(path).text) == path


def test_the_hits_of_a_search_come_back(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    hits = visitor.post("/search", {"words": "factuur"}).location
    assert in_english(visitor, visitor.get(hits).text) == hits
    page = visitor.get(hits).text
    assert "<mark>factuur</mark>" in page
    assert '<html lang="en"' in page


@pytest.mark.parametrize(
    ("form", "page"),
    [
        (
            "/cases/{case}/first-look?from=status:received,page:1,place:0",
            "/cases/{case}?from=status:received,page:1,place:0",
        ),
        ("/cases/{case}/decide/kind", "/cases/{case}"),
        ("/cases/{case}/dues/feedback/done", "/cases/{case}"),
        ("/search", "/search"),
        ("/trail/verify", "/trail"),
        ("/members/add", "/members/add"),
        ("/own/passphrase", "/own"),
    ],
)
def test_a_page_that_answers_a_form_leads_to_the_page_of_the_form(world: World, form: str, page: str) -> None:
    case_id = world.new_case().case_id
    visitor = coordinator(world)
    answer = visitor.post(form.format(case=case_id), {"words": "x" * 400, "version": "x"})
    assert in_english(visitor, answer.text) == page.format(case=case_id)
