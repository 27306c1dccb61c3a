"""The page with what was understood of mails: what it says, what it marks, and that no mail does anything with it."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from desk.pictures import POLICY, STYLE, Picture, facts, page, picture, speaking
from tests.desk.world import CONTACT, OWN_TEXT, REPORT, labelled, passage
from triage import MailText

FOUND: Mapping[str, Any] = {
    "file": "a/b.eml",
    **{part: value for part, value in REPORT.items() if part != "missing_scores"},
    "contact": {**CONTACT, "phone": "06 - 24 81 77 03", "address": "Zinkwerf 31,\n2544 EC Den Haag"},
    "automatic": None,
}
ARABIC = "السادة الكرام،\nأود الإبلاغ عن خالد المنصوري في السفارة."


def mail(own: str = OWN_TEXT, subject: str = "Melding", quoted: str = "", files: str = "") -> MailText:
    return MailText(subject, "Appie Ramdin", "appie@reporter.example", own, quoted, files)


def made(text: MailText | None = None, threshold: float = 0.5, **found: Any) -> Picture:
    return picture({**FOUND, **found}, text or mail(), threshold)


def html(*pictures: Picture, language: str = "en") -> str:
    return "".join(page(pictures, language))


def said(one: Picture, part: str, language: str = "en") -> list[str]:
    with speaking(language):
        return next([*fact.lines, *(bar.name for bar in fact.bars)] for fact in facts(one) if fact.part == part)


def test_it_says_what_was_understood_in_the_words_of_the_desk() -> None:
    assert said(made(), "kind") == ["Report", "Report", "Other complaint", "Other"]
    assert said(made(), "categories") == ["Criminal offence (corruption)", "Conflict of interest"]
    assert said(made(), "severity") == ["High"]
    assert said(made(), "concerned") == ["Rolf Dijkgraaf, contractmanager catering"]
    assert said(made(), "contact")[-1] == "Zinkwerf 31, 2544 EC Den Haag"
    assert said(made(), "missing") == ["Phone number", "Postal address"]
    assert said(made(), "language") == ["Dutch"]
    assert said(made(), "primary", "nl") == ["Strafbaar feit"]


def test_it_says_how_sure_it_is_of_severity_persons_and_what_is_missing() -> None:
    grades = {"laag": 0.02, "midden": 0.2, "hoog": 0.7, "acuut": 0.08}
    sure = made(severity_scores=grades, concerned_scores=[0.93], missing_scores={"phone": 0.99, "address": 0.62})
    assert said(sure, "severity") == ["High", "Low", "Medium", "High", "Acute"]
    assert said(sure, "concerned") == ["Rolf Dijkgraaf, contractmanager catering (93 % sure)"]
    assert said(sure, "missing", "nl") == ["Telefoonnummer (99 % zeker)", "Adres (62 % zeker)"]
    assert ">70 %</span>" in html(sure)


def test_below_the_threshold_it_says_that_it_does_not_know_and_shows_the_scores_all_the_same() -> None:
    unsure = made(threshold=0.98)
    assert said(unsure, "kind") == ["Meldpost does not know", "Report", "Other complaint", "Other"]
    assert said(unsure, "primary") == ["Meldpost does not know"]
    assert said(unsure, "primary", "nl") == ["Meldpost weet het niet"]
    assert '<li class="chosen">' not in html(unsure)
    assert '<li class="chosen">' in html(made())


def test_who_knows_nothing_and_nobody_is_said_so() -> None:
    nobody = dict.fromkeys(("name", "email", "phone", "address"))
    empty = made(concerned=[], contact=nobody, categories=[], primary=None, missing=[], evidence=[], kind="overig")
    assert said(empty, "concerned") == ["nobody found"]
    assert said(empty, "contact") == ["nothing found"]
    assert said(empty, "primary") == said(empty, "categories") == ["none"]
    assert said(empty, "missing") == ["–"]
    assert said(made(contact=nobody, anonymous=True), "contact") == ["wants to stay unknown"]


def test_everything_that_was_found_is_marked_with_its_label() -> None:
    own = f"{OWN_TEXT}\nTel 06 - 24 81 77 03, Zinkwerf 31,\r\n2544 EC\nDen Haag"
    text = html(made(mail(own)))
    for words, part, label in (
        ("Rolf Dijkgraaf", "concerned", "person concerned"),
        ("contractmanager catering", "function", "function"),
        ("Appie Ramdin", "reporter", "reporter"),
        ("06 - 24 81 77 03", "phone", "phone"),
        ("Zinkwerf 31,\n2544 EC\nDen Haag", "address", "address"),
    ):
        assert labelled(part, words, label) in text
    assert passage("10 procent\nvan iedere factuur", "Criminal offence", language="en") in text
    assert text.count('<dd><span class="part ') == 6, "the legend"


def test_evidence_of_two_categories_says_both() -> None:
    both = [{"text": "10 procent van iedere factuur", "category": slug} for slug in ("strafbaar_feit", "pesten")]
    marked = passage("10 procent\nvan iedere factuur", "Criminal offence", "Bullying", language="en")
    assert marked in html(made(evidence=both))


def test_the_subject_the_quote_and_the_files_are_marked_too() -> None:
    text = html(made(mail(subject="Over Rolf Dijkgraaf", quoted="> Rolf Dijkgraaf", files="Aan Rolf Dijkgraaf")))
    assert text.count('<span class="part concerned">Rolf Dijkgraaf<') == 4
    assert "Quoted from earlier messages" in text
    assert "From the attachments" in text


def test_a_long_mail_is_cut_and_says_so_and_evidence_beyond_is_told() -> None:
    own = "Niets aan de hand. " * 10_000 + "Hij wilde 10 procent van iedere factuur."
    text = html(made(mail(own)))
    assert len(text) - len(STYLE) < 145_000
    assert f"{len(own) - 100_000} characters are not shown" in text
    assert "weighs for Criminal offence: 10 procent van iedere factuur" in text


def test_a_mail_that_was_not_understood_stands_among_the_others() -> None:
    text = html(
        made(), picture({"file": "c.eml", "error": "this mail cannot be taken apart"}, None, 0.5), language="nl"
    )
    assert "Hiervan is niets begrepen: this mail cannot be taken apart" in text
    assert "2 mails; van 1 is niets begrepen." in " ".join(text.split())
    assert text.count("<article") == 2


def test_no_character_of_a_mail_turns_what_stands_behind_it() -> None:
    odd = "voor \u202eachter \u2066binnen \x1b[31m rood \x00 \ud800 Rolf\x07Dijkgraaf"
    text = html(made(mail(odd, subject="\u202eknup"), concerned=[{"name": "\u202eRolf", "function": "\x9b2J"}]))
    assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text) == []
    assert "voor \ufffdachter \ufffdbinnen \ufffd[31m rood" in text
    text.encode("utf-8")


def test_the_page_asks_nothing_of_anybody_and_its_policy_names_its_style_alone() -> None:
    text = html(made())
    assert f'<meta http-equiv="Content-Security-Policy" content="{POLICY.replace(chr(39), "&#39;")}">' in text
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert f"<style>{STYLE}</style>" in text
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert not re.search(r"<(?:script|link|img|iframe|form|a)\b|\s(?:style|src|href|on\w+)=", text.replace(STYLE, ""))


@pytest.fixture
def open_page(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a page from a file, as who was given it would."""
    context = chromium.new_context(locale="nl-NL", viewport={"width": 1100, "height": 800})
    context.set_default_timeout(15_000)

    def opened(text: str) -> Page:
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        shown = context.new_page()
        shown.goto((tmp_path / "page.html").as_uri(), wait_until="load")
        return shown

    yield opened
    context.close()


HOSTILE = (
    "</style></div></body><script>document.title='pwned';fetch('{0}/fetch')</script><img src='{0}/img' "
    "onerror=\"document.title='pwned'\"><svg onload=\"document.title='pwned'\"></svg><link rel=stylesheet href={0}/css>"
    "<style>body{{display:none;background:url({0}/background)}}</style><iframe src='{0}/frame'></iframe>"
    "<base href='{0}/base/'>"
)


def test_a_hostile_mail_is_text(open_page: Callable[..., Page], outside: tuple[str, list[str]]) -> None:
    address, seen = outside
    bad = HOSTILE.format(address)
    everywhere: dict[str, Any] = {
        "file": bad,
        "language": bad,
        "concerned": [{"name": bad, "function": bad}],
        "contact": dict.fromkeys(FOUND["contact"], bad),
        "evidence": [{"text": bad, "category": "pesten"}],
    }
    shown = open_page(
        html(made(mail(bad, bad, bad, bad), **everywhere), picture({"file": bad, "error": bad}, None, 0.5))
    )
    expect(shown.locator(".words").first).to_contain_text("document.title='pwned'")
    assert shown.title() == "What was understood of mails · Meldpost"
    assert shown.locator("script, img, iframe, link, base, a, form, body > style").count() == 0
    assert seen == []


@pytest.mark.parametrize("locked", [True, False], ids=["with the policy", "without it, to see that it is what holds"])
def test_the_policy_would_hold_what_the_escaping_let_through(
    open_page: Callable[..., Page], outside: tuple[str, list[str]], locked: bool
) -> None:
    address, seen = outside
    bad = f"<img src='{address}/img' onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
    text = html(made()).replace("<main ", f"{bad}<main ")
    shown = open_page(text if locked else text.replace("http-equiv", "data-none"))
    assert (shown.title() == "pwned") is not locked
    assert (seen != []) is not locked


def test_right_to_left_text_begins_at_the_right_and_its_marks_stand_in_it(open_page: Callable[..., Page]) -> None:
    concerned = [{"name": "خالد المنصوري", "function": None}]
    shown = open_page(html(made(mail(f"Dear desk,\n{ARABIC}", "بلاغ عن رشوة"), language="ar", concerned=concerned)))
    words = shown.locator(".words").first
    place = """(text) => { const all = document.querySelector('.words'); const found = document.createRange();
        const walk = document.createTreeWalker(all, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) { const at = walk.currentNode.data.indexOf(text);
            if (at >= 0) { found.setStart(walk.currentNode, at); found.setEnd(walk.currentNode, at + text.length);
                const box = found.getBoundingClientRect(); return [box.left, box.right]; } } }"""
    box = words.bounding_box()
    assert box is not None
    left, right = box["x"], box["x"] + box["width"]
    assert shown.evaluate(place, "Dear desk")[0] == pytest.approx(left, abs=2)
    assert shown.evaluate(place, "السادة")[1] == pytest.approx(right, abs=2)
    name, label = (shown.evaluate(place, text) for text in ("خالد المنصوري", "person concerned"))
    assert label[1] <= name[0], "the label stands behind the name, which is to its left"


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_the_page_is_never_wider_than_its_window(open_page: Callable[..., Page], width: int) -> None:
    long = "n" * 400
    shown = open_page(html(made(mail(long, long), file=long, concerned=[{"name": long, "function": long}])))
    shown.set_viewport_size({"width": width, "height": 800})
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_every_mail_is_dark_on_white_and_the_legend_is_there(open_page: Callable[..., Page]) -> None:
    shown = open_page(html(made()))
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert shown.evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor") == "rgb(255, 255, 255)"
    expect(shown.locator(".legend")).to_be_visible()
    expect(shown.locator(".foot")).to_be_visible()


READ = """() => {
    const names = '.label, .part, mark, .tag, .hint, .file, .bars li, dt, dd, .words, h1, h2';
    return [...document.querySelectorAll(names)].filter(one => one.textContent.trim()).map(one => {
        let behind = one;
        while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
        const ink = getComputedStyle(one).color;
        return [one.className + ' ' + one.tagName, ink, getComputedStyle(behind).backgroundColor];
    }); }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(open_page: Callable[..., Page], scheme: str) -> None:
    own = f"{OWN_TEXT}\nTel 06 - 24 81 77 03, Zinkwerf 31,\n2544 EC Den Haag, appie@reporter.example"
    grave = [made(mail(own, quoted=own), severity=severity) for severity in ("laag", "hoog", "acuut")]
    shown = open_page(html(*grave, made(threshold=0.99)))
    shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    found = shown.evaluate(READ)
    assert len({name for name, _, _ in found}) > 15
    weak = {(name, round(_contrast(ink, paper), 2)) for name, ink, paper in found if _contrast(ink, paper) < 4.5}
    assert weak == set()


def _contrast(ink: str, paper: str) -> float:
    """WCAG 2.2, contrast ratio."""
    darker, lighter = sorted(map(_luminance, (ink, paper)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
