"""Cleaning the HTML of a mail: what is left can do nothing, and says where its links lead."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.cleaner import TAGS, cleaned
from desk.mailhtml import LONGEST_INPUT, POLICY, CannotBeShown, clean, page
from tests.desk.world import World, coordinator

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
    '<a href="cid:part1">x</a><img src="cid:part1"><img src=CID:part2 alt=x><img src="cid:&quot; onload=alert(1)">',
    '<a href="https://evil.example/" ping="https://evil.example/ping" onclick="alert(1)">x</a>',
    "</body></html><script>alert(1)</script>",
    "</title></style></textarea><script>alert(1)</script>",
    '<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>',
    "<template><script>alert(1)</script></template>",
    "<textarea><img src=x onerror=alert(1)></textarea><xmp><img src=x onerror=alert(1)></xmp><plaintext><b onload=x>",
    "<input autofocus onfocus=alert(1)><select autofocus onfocus=alert(1)><details open ontoggle=alert(1)>x</details>",
    '<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>"/><image href="https://evil.example/a.png"/></svg>',
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a><set attributeName=href to=javascript:alert(1)></svg>',
    '<map name=m><area href="javascript:alert(1)" shape=default></map><img usemap=#m src=x>',
    '<math href="javascript:alert(1)">x</math><a href="vbscript:alert(1)">x</a><a href="blob:x">x</a>',
    '<button formaction="javascript:alert(1)">x</button><isindex action="https://evil.example/">',
    '<frameset><frame src="https://evil.example/"></frameset><portal src="https://evil.example/"></portal>',
    '<p id="main" class="message bad" name="csrf_token" hidden popover contenteditable tabindex=1 accesskey=a>x</p>',
    '<dialog open style="position:fixed;inset:0">Log in</dialog><marquee onstart=alert(1)>x</marquee>',
    '<font color=white size=7 face="a;background:url(https://evil.example/a.png)">x</font>',
    '<img src="https://evil.example/a.png" lowsrc="https://evil.example/b.png" dynsrc="https://evil.example/c.png">',
]
LOADS = re.compile(r"src|srcset|background|poster|data|action|ping|style|on\w+", re.IGNORECASE)


class _Attributes(HTMLParser):
    """The names of all attributes, as a browser tells them from what stands within a value."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {name for name, _ in attrs}


def can_load(html: str) -> bool:
    return any(map(LOADS.fullmatch, _Attributes(html).names))


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_of_hostile_markup_can_run_or_load(html: str) -> None:
    safe = cleaned(html, "[x]")
    assert not can_load(safe)
    assert "javascript:" not in safe.lower()
    assert "data:" not in safe.lower()
    assert {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z]+)", safe)} <= TAGS


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_is_left_by_which_a_mail_could_look_like_the_desk_or_be_named_by_it(html: str) -> None:
    kept = _Attributes(cleaned(html, "[x]")).names
    assert kept <= {"href", "rel", "target", "alt", "src", "colspan", "rowspan", "start", "dir", "lang"}


@given(st.lists(st.sampled_from([*HOSTILE, "<", ">", "</", '"', "'", "<p>", "<!--", "-->", "<a href=", "\x00", " "])))
def test_pieces_of_hostile_markup_joined_in_any_way_can_do_nothing(pieces: list[str]) -> None:
    safe = cleaned("".join(pieces), "[x]")
    assert {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z]+)", safe)} <= TAGS
    assert not can_load(safe)


def test_a_picture_of_the_mail_itself_is_called_by_its_name() -> None:
    """mail-cases 67"""
    own = {"part1@home.example": 'foto "een" <b>.png'}
    for written in ("cid:part1@home.example", "CID:part1%40home.example"):
        safe = clean(f'<img src="{written}" alt="de brief">', "[x]", own)
        assert safe == '<img alt="foto &quot;een&quot; &lt;b&gt;.png de brief">'
    assert clean('<img src="cid:other">', "[x]", own) == '<img alt="[x]">'
    assert clean('<a href="cid:part1@home.example">x</a>', "[x]", own).startswith("<a ")
    assert "cid:" not in clean('<a href="cid:part1@home.example">x</a>', "[x]", own)


def test_words_and_their_order_are_kept() -> None:
    safe = clean("<div><h1>Aan het loket</h1><p>Eerst <b>dit</b>,<br>dan <i>dat</i>.</p></div>")
    assert safe == "<div><h1>Aan het loket</h1><p>Eerst <b>dit</b>,<br>dan <i>dat</i>.</p></div>"


def test_a_link_opens_apart_and_tells_its_owner_nothing_of_where_it_was() -> None:
    safe = cleaned('<a href="https://example.org/a?b=c" target="_self" rel="opener">hier</a>', "")
    assert 'href="https://example.org/a?b=c"' in safe
    assert 'target="_blank"' in safe
    assert 'rel="noopener noreferrer"' in safe


def test_a_picture_leaves_its_description_and_that_it_is_left_out() -> None:
    described = '<img src="cid:a" alt="foto van de brief" width=1>'
    assert clean(described, "[weggelaten]") == '<img alt="[weggelaten] foto van de brief">'
    assert cleaned("<p><img src=x>a<img dir=rtl alt></p>", "[weg]") == '<p><img alt="[weg]">a<img alt="[weg]"></p>'


def test_what_looks_like_a_picture_within_the_target_of_a_link_stays_there() -> None:
    target = "https://example.org/<img onmouseover=alert(1) "
    safe = cleaned(f'<a href="{target}">hier</a>', "[weg]")
    assert "[weg]" not in safe
    assert safe.count('"') == 2 * 3  # href, rel and target


def test_markup_that_grows_without_end_is_given_up_and_its_text_shown(world: World) -> None:
    grows = "<p>" + "".join(f"<b id={i}>" for i in range(4000)) + "</p>" + "<p>x</p>" * 4000
    with pytest.raises(CannotBeShown):
        clean(grows)
    taken = world.new_case(html=grows, own_text="De tekst & <b>meer</b>")
    answer = coordinator(world).get(f"/cases/{taken.case_id}/messages/{taken.message_id}/html")
    assert answer.status_code == 200
    assert "Deze opmaak kan niet getoond worden" in answer.text
    assert "De tekst &amp; &lt;b&gt;meer&lt;/b&gt;" in answer.text


def test_markup_of_great_length_is_not_even_tried() -> None:
    with pytest.raises(CannotBeShown):
        clean("x" * (LONGEST_INPUT + 1))


def test_characters_of_every_kind_pass_through_the_cleaner() -> None:
    assert clean("<p>één 😀 \ud800 &amp; &lt;</p>") == "<p>één 😀 ? &amp; &lt;</p>"


def test_the_page_of_a_mail_is_a_sandbox_that_allows_one_style_alone() -> None:
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "sandbox" in POLICY
    assert "allow-scripts" not in POLICY
    assert "allow-same-origin" not in POLICY


def test_the_page_of_a_mail_has_one_title(world: World) -> None:
    with world.app.test_request_context():
        assert page("<title>a</title><p>b</p>", "b", "nl").count("<title>") == 1
