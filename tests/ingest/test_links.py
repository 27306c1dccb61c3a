"""A number or an address that stands only behind a link is a part of what somebody wrote."""

from __future__ import annotations

import re

import pytest

from ingest import markup
from ingest.links import WebLink, web_links, with_targets
from ingest.parse import parse_bytes

HEAD = b"From: a@home.example\nContent-Type: text/html; charset=utf-8\n\n"


def _text(page: str, *, may_lay_out: bool = True) -> str:
    return " ".join(markup.to_passage(page, may_lay_out=may_lay_out).text.split())


@pytest.mark.parametrize("may_lay_out", [True, False], ids=["laid out", "stripped"])
@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('<a href="tel:+31612345678">bel mij</a> na zes', "bel mij (+31612345678) na zes"),
        ("<A class=x HREF=tel:+31612345678><b>bel</b> mij</A>", "bel mij (+31612345678)"),
        ("<a href='mailto:jan@home.example?subject=melding'>mail mij</a>", "mail mij (jan@home.example)"),
        ('<a href="&#109;ailto:jan%40home.example">mail</a>', "mail (jan@home.example)"),
        ('<a href="mailto:jan@home.example,eva@home.example">ons</a>', "ons (jan@home.example,eva@home.example)"),
        ('<a href="tel:0612345678"><img src="cid:1"></a>klaar', "(0612345678)klaar"),
        ('<a href="tel:0612345678">bel <a href="tel:0687654321"> of</a>', "bel (0612345678) of (0687654321)"),
        ('<p><a href="tel:0612345678">bel</p>', "bel (0612345678)"),
        ('<a href="mailto:%22a&lt;b%22@home.example">mail</a>', 'mail ("a<b"@home.example)'),
    ],
)
def test_the_target_of_a_link_that_its_words_do_not_say_follows_in_brackets(
    page: str, text: str, *, may_lay_out: bool
) -> None:
    assert _text(page, may_lay_out=may_lay_out) == text


@pytest.mark.parametrize("may_lay_out", [True, False], ids=["laid out", "stripped"])
@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('<a href="tel:+31612345678">06 - 12 34 56 78</a>', "06 - 12 34 56 78"),
        ('<a href="mailto:Jan@home.example">jan@<wbr>home.example</a>', "jan@home.example"),
        ('<a href="mailto:?subject=melding">deel dit</a>', "deel dit"),
        ('<a href="https://home.example/jan">mijn bladzijde</a>', "mijn bladzijde"),
        ('<a name="tel:0612345678" data-href="tel:0612345678">hier</a>', "hier"),
        ('<abbr href="tel:0612345678">zo</abbr>', "zo"),
    ],
)
def test_what_a_link_says_itself_or_is_none_of_this_stays_as_it_is(page: str, text: str, *, may_lay_out: bool) -> None:
    assert _text(page, may_lay_out=may_lay_out) == text


def test_the_text_of_a_mail_has_the_number_behind_its_link() -> None:
    assert "+31612345678" in parse_bytes(HEAD + b'<p><a href="tel:+31612345678">bel mij</a></p>').own_text


@pytest.mark.parametrize(
    "page",
    ["<a href=tel:1>" * 100_000, "<a " * 300_000, "<a href=" * 100_000, '<a href="' + "&" * 1_000_000 + '">x</a>'],
    ids=["never closed", "never finished", "no targets", "one long target"],
)
def test_a_page_full_of_links_holds_nothing_up_and_grows_little(page: str) -> None:
    assert len(with_targets(page)) <= 2 * len(page)  # what looks back for each link would not come back from here


def test_links_to_the_web_are_told_with_their_words_where_these_do_not_say_it() -> None:
    source = (
        '<a href="https://a.example/?x=1&amp;y=2"><b>klik</b> hier</a> <a href=https://b.example>https://b.example</a>'
        "<a href='mailto:a@b.example'>mail</a><a href='javascript:x()'>x</a><a name=x>y</a><A HREF='HTTP://c.example'><img>"
    )
    assert list(web_links(source)) == [
        WebLink("klik hier", "https://a.example/?x=1&y=2"),
        WebLink("", "HTTP://c.example"),
    ]


def test_a_link_that_steers_what_shows_it_or_is_endless_is_told_cut_and_plain() -> None:
    (link,) = web_links(f'<a href="https://a.example/\u202e\x1b{"x" * 5000}">{"y" * 5000}\u202e</a>')
    assert len(link.target) == 1000
    assert len(link.words) == 200
    assert not re.search("[\x00-\x1f\u202a-\u202e]", link.target + link.words)


def test_telling_where_links_lead_takes_time_in_proportion() -> None:
    for odd in ("<a " * 100_000, '<a href="' * 50_000, "<a href=https://a.example>" * 20_000, "<" * 300_000):
        assert len(list(web_links(odd))) <= 20_000
