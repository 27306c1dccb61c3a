"""Cleaning the HTML of a mail: what is left can do nothing, and says where its links lead."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mailhtml import POLICY, TAGS, clean, page

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><circle/></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href=" java&#10;script:alert(1)">x</a>',
    '<iframe src="https://evil.example/"></iframe>',
    '<form action="https://evil.example/"><input name=a><button>ok</button></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<base href="https://evil.example/">',
    '<link rel="stylesheet" href="https://evil.example/a.css">',
    "<style>@import url(https://evil.example/a.css);</style>",
    '<p style="background:url(https://evil.example/a.png)">x</p>',
    '<body background="https://evil.example/a.png">x</body>',
    '<table background="https://evil.example/a.png"><tr><td>x</table>',
    '<video src="https://evil.example/a.mp4" poster="https://evil.example/a.png"></video>',
    '<object data="https://evil.example/a"></object><embed src="https://evil.example/a">',
    '<img srcset="https://evil.example/a.png 2x" src="https://evil.example/b.png">',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<!--[if mso]><img src=https://evil.example/a.png><![endif]-->",
    '<a href="https://evil.example/" ping="https://evil.example/ping" onclick="alert(1)">x</a>',
]
LOADS = re.compile(r"<[^>]*\b(?:src|srcset|background|poster|data|action|ping|style|on\w+)\s*=", re.IGNORECASE)


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_of_hostile_markup_can_run_or_load(html: str) -> None:
    cleaned = clean(html)
    assert not LOADS.search(cleaned)
    assert "javascript:" not in cleaned.lower()
    assert "data:" not in cleaned.lower()
    assert {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z]+)", cleaned)} <= TAGS


@given(st.lists(st.sampled_from([*HOSTILE, "<", ">", "</", '"', "'", "<p>", "<!--", "-->", "<a href=", "\x00", " "])))
def test_pieces_of_hostile_markup_joined_in_any_way_can_do_nothing(pieces: list[str]) -> None:
    cleaned = clean("".join(pieces))
    assert {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z]+)", cleaned)} <= TAGS
    assert not LOADS.search(cleaned)


def test_words_and_their_order_are_kept() -> None:
    cleaned = clean("<div><h1>Aan het loket</h1><p>Eerst <b>dit</b>,<br>dan <i>dat</i>.</p></div>")
    assert cleaned == "<div><h1>Aan het loket</h1><p>Eerst <b>dit</b>,<br>dan <i>dat</i>.</p></div>"


def test_a_link_opens_apart_and_tells_its_owner_nothing_of_where_it_was() -> None:
    cleaned = clean('<a href="https://example.org/a?b=c" target="_self" rel="opener">hier</a>')
    assert 'href="https://example.org/a?b=c"' in cleaned
    assert 'target="_blank"' in cleaned
    assert 'rel="noopener noreferrer"' in cleaned


def test_a_picture_leaves_its_description_only() -> None:
    assert clean('<img src="cid:a" alt="foto van de brief" width=1>') == '<img alt="foto van de brief">'


def test_the_page_of_a_mail_is_a_sandbox_that_allows_one_style_alone() -> None:
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "sandbox" in POLICY
    assert "allow-scripts" not in POLICY
    assert "allow-same-origin" not in POLICY
    assert page("<title>a</title><p>b</p>", "nl").count("<title>") == 1
