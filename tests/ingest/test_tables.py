"""No table of a page costs a mail its words: they are measured before they are laid out."""

from __future__ import annotations

import lxml.html
import pytest

from ingest import markup, tables
from ingest.parse import parse_bytes

SAID = "<p>Ik meld iets.</p>"
TALL = SAID + "<table><tr><td>" + "a<br>" * 15_000 + "</td>" + "<td>b</td>" * 15_000 + "</table>"
WIDE = (
    "<p>Ik meld iets.</p><table><tr><td>" + "a" * 500_000 + "</td></tr>" + "<tr><td>b</td></tr>" * 10_000 + "</table>"
)
NESTED = (
    "<p>Ik meld iets.</p>" + "<table><tr><td>" + "<table><tr>" + "<td>b<br>b</td>" * 5_000 + "</table>" + "</td></tr>"
)
HEAD = b"From: a@home.example\nMIME-Version: 1.0\n"


@pytest.fixture
def never_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("laid out")

    monkeypatch.setattr(markup, "Inscriptis", refuse)


@pytest.mark.usefixtures("never_laid_out")
@pytest.mark.parametrize("page", [TALL, WIDE], ids=["tall", "wide"])
def test_a_page_whose_tables_would_fill_the_memory_is_read_without_layout(page: str) -> None:
    """mail-cases 52"""
    text = markup.to_passage(page).text
    assert text.startswith("Ik meld iets.")
    assert text.rstrip().endswith("b")


def test_tables_as_they_are_in_mails_are_laid_out() -> None:
    page = "<table>" + "<tr><td>Datum</td><td>3 maart</td></tr>" * 500 + "</table>"
    assert "Datum  3 maart" in markup.to_passage(page).text
    assert sum(tables.room_needed(lxml.html.document_fromstring(page))) < 100_000


@pytest.mark.parametrize(
    "page", ["<td>a</td>", "<tr><td>a", "<table><td>a<table></td></tr></table>", "<th>a<th>b", NESTED]
)
def test_odd_tables_are_measured_too(page: str) -> None:
    assert sum(tables.room_needed(lxml.html.document_fromstring(page))) >= 0
    assert markup.to_passage(page).text.strip()


@pytest.mark.usefixtures("never_laid_out")
def test_html_beside_a_text_is_not_laid_out() -> None:
    mail = parse_bytes(
        HEAD + b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nMijn melding\n"
        b"--b\nContent-Type: text/html\n\n<p>Mijn melding</p>\n--b--\n"
    )
    assert mail.text.strip() == "Mijn melding"
    assert mail.html is not None


def test_a_page_in_a_mail_inside_costs_the_mail_no_word() -> None:
    """mail-cases 63"""
    mail = parse_bytes(
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nMijn melding\n"
        b"--b\nContent-Type: message/rfc822\n\nFrom: x@home.example\nContent-Type: text/html\n\n"
        + TALL.encode()
        + b"\n--b--\n"
    )
    assert mail.text.strip() == "Mijn melding"
    assert mail.attachments[0].text.startswith("Ik meld iets.")


def test_pages_beyond_what_is_laid_out_of_one_mail_are_read_without() -> None:
    page = "<p>Een bladzijde.</p>" + "<!--" + "x" * 1_500_000 + "-->"
    parts = "".join(f"--b\nContent-Type: text/html\n\n{page}\n" for _ in range(4))
    mail = parse_bytes(HEAD + f"Content-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n".encode())
    assert mail.text.split() == ["Een", "bladzijde."] * 4
