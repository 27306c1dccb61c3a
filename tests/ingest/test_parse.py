"""What a mail says: every trap of real mail gives an answer that a person would give, or an honest "unknown"."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.errors import HeaderParseError
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import headers
from ingest.authentication import authenticate
from ingest.errors import CannotParse
from ingest.mail import Address, ParsedMail, ParseLimits
from ingest.parse import parse, parse_bytes

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def _mail(head: str, body: str | bytes = "tekst\n") -> ParsedMail:
    content = body if isinstance(body, bytes) else body.encode()
    return parse_bytes(head.encode() + b"\n\n" + content)


def _multipart(*parts: str, kind: str = "mixed") -> ParsedMail:
    body = "".join(f"--x\n{part}\n" for part in parts) + "--x--\n"
    return _mail(f"From: a@example.org\nContent-Type: multipart/{kind}; boundary=x", body)


# --- who sent it


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("Jan Jansen <jan@example.org>", Address("Jan Jansen", "jan@example.org")),
        ("jan@example.org", Address("", "jan@example.org")),
        ('"Jansen, Jan" <jan@example.org>', Address("Jansen, Jan", "jan@example.org")),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.org>", Address("Jörg", "j@example.org")),
        ("jan@example.org <jan@example.org>", Address("jan@example.org", "jan@example.org")),
        ("jörg@bücher.example", Address("", "jörg@bücher.example")),
        ("=?utf-8?b?A?= <a@b.example>", Address("=?utf-8?b?A?=", "a@b.example")),
        ("=?utf-8?q?J=C3=B6rg?=<j@example.org>", Address("Jörg", "j@example.org")),
        ("=?utf-8?q?J=C3=B6?= =?utf-8?q?rg?=<j@example.org>", Address("Jörg", "j@example.org")),
        ("=?utf-8?q?J=C3=B6?==?utf-8?q?rg?= <j@example.org>", Address("Jörg", "j@example.org")),
        ('"=?utf-8?q?J=C3=B6rg?=" <j@example.org>', Address("Jörg", "j@example.org")),
        ("Vries, Jan de <jan@example.org>", Address("Vries, Jan de", "jan@example.org")),
        (
            "=?utf-8?q?Vri=C3=ABs?=, Jan (Directie) <jan@example.org>",
            Address("Vriës, Jan (Directie)", "jan@example.org"),
        ),
        ("Drs. P. Jansen, MSc, MBA <p@example.org>", Address("Drs. P. Jansen, MSc, MBA", "p@example.org")),
        ("'jan@example.org'", Address("", "jan@example.org")),
        ("'Jan' <'jan@example.org'>", Address("Jan", "jan@example.org")),
        ("'jan@example.org' <'jan@example.org'>", Address("jan@example.org", "jan@example.org")),
        ("Ed van 't Hof <'t.hof@example.org>", Address("Ed van 't Hof", "'t.hof@example.org")),
        ("jan@example.org, jan@example.org", Address("", "jan@example.org")),
        ("<jan@example.org>, Jan <Jan@Example.org>", Address("Jan", "jan@example.org")),
        ("Jan <jan@example.org>, Eva <jan@example.org>", Address("Jan, Eva", "jan@example.org")),
    ],
)
def test_a_sender_beyond_doubt_is_named(value: str, address: Address) -> None:
    """mail-cases 42"""
    assert _mail(f"From: {value}").from_ == address


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<>",
        "MAILER-DAEMON",
        '"',
        "a@evil.example, <b@good.example>",
        "alice@example.com <bob@example.com>",
        "a <a@example.org> <b@example.org>",
        "a@b@c.example",
        "Jan <jan@example.org",
        "undisclosed-recipients:;",
        "=?utf-8?q?jan=40example=2Eorg?=",
        "alice@example.com =?utf-8?b?A?= <bob@example.com>",
        "jan\u0085@example.org",
        "a" * 1000 + "@example.org",
        "jan@example.org, jan@other.example",
        "eva at other.example, eva@other.example jan <jan@example.org>",
        "=?utf-8?q?eva=40other.example?=, Jan <jan@example.org>",
        "'eva@other.example' <'jan@example.org'>",
    ],
)
def test_a_doubtful_sender_is_nobody(value: str) -> None:
    """mail-cases 41, 42: never a guessed sender."""
    mail = _mail(f"From: {value}")
    assert mail.from_ is None
    assert any(defect.startswith("from:") for defect in mail.defects)


def test_two_from_fields_name_nobody_and_two_subjects_do_not_crash() -> None:
    """mail-cases 43"""
    mail = _mail("From: a@example.org\nFrom: b@example.org\nSubject: one\nSubject: two")
    assert mail.from_ is None
    assert mail.subject == "one"
    assert {"from: several fields", "subject: several fields"} <= set(mail.defects)


def test_a_mail_without_from_has_no_sender() -> None:
    """mail-cases 41"""
    mail = _mail("Subject: x")
    assert mail.from_ is None
    assert "from: missing" in mail.defects


def test_eight_hundred_nested_comments_are_one_address_or_none() -> None:
    assert _mail("From: " + "(" * 800 + ")" * 800 + " a@example.org").subject == ""


# --- header values


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        (b"=?iso-8859-1?q?gr=FC=DFe?= Jan", "grüße Jan"),
        (b"=?uft-8?q?caf=C3=A9?=", "café"),
        (b"=?x-unknown-charset?q?caf=C3=A9?=", "café"),
        (b"=?1?q?abc?=", "abc"),
        (b"=?utf-8?b?not base64 at all?=", "=?utf-8?b?not base64 at all?="),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?utf-8?q?hi=0D=0ABcc:_x@example.org?=", "hi Bcc: x@example.org"),
        (b"a\x00b", "ab"),
        (b"folded\r\n\tline", "folded line"),
    ],
)
def test_subjects_are_decoded_into_one_clean_line(raw: bytes, subject: str) -> None:
    """mail-cases 47, 84"""
    assert parse_bytes(b"Subject: " + raw + b"\r\n\r\nx").subject == subject


def test_the_way_of_a_mail_is_told_hop_by_hop() -> None:
    mail = _mail(
        "Received: from mx.example.org (mx [192.0.2.1]) by desk.example (Postfix) with ESMTPS id 1\n"
        "\tfor <d@desk.example>; Mon, 2 Feb 2026 10:00:01 +0100\n"
        "Received: by mx.example.org with HTTP; not a date\nReceived: junk\nReceived: (((\nReceived:\n"
        "Received: from =?utf-8?q?x?=\x00 by \xe9; Mon, 99 Feb 2026"
    )
    first, second, third = mail.hops
    assert first.from_.startswith("mx.example.org")
    assert first.by.startswith("desk.example")
    assert first.at == datetime(2026, 2, 2, 9, 0, 1, tzinfo=UTC)
    assert (second.from_, second.by, second.at) == ("", "mx.example.org", None)
    assert third.at is None


def test_a_thousand_hops_are_read_in_part() -> None:
    assert len(_mail("\n".join(["Received: from a by b; Mon, 2 Feb 2026 10:00:00 +0100"] * 1000)).hops) == 20


def test_no_header_value_holds_a_line_break_or_nul() -> None:
    """mail-cases 84"""
    mail = parse_bytes(b"X-A: =?utf-8?q?a=00=0Ab?=\r\n c\r\nX-B: \x00\r\n\r\n")
    assert all(not set("\r\n\0") & set(value) for _, value in mail.headers)


def test_all_fields_are_kept_in_order() -> None:
    mail = _mail("Return-Path: <>\nAuto-Submitted: auto-replied\nFrom: a@example.org\nX-Auto-Response-Suppress: All")
    assert [name for name, _ in mail.headers] == [
        "Return-Path",
        "Auto-Submitted",
        "From",
        "X-Auto-Response-Suppress",
    ]
    assert mail.header("auto-submitted") == ("auto-replied",)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Mon, 02 Feb 2026 10:00:00 +0100", datetime(2026, 2, 2, 9, tzinfo=UTC)),
        ("2 Feb 26 10:00 GMT", datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ("Mon, 2 Feb 2026 10:00:00 (CET)", datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ("not a date", None),
        ("Mon, 32 Feb 2026 10:00:00 +0100", None),
        ("Mon, 02 Feb 99999 10:00:00 +0100", None),
        ("", None),
    ],
)
def test_a_date_is_a_moment_in_utc_or_unknown(value: str, moment: datetime | None) -> None:
    """mail-cases 49"""
    assert _mail(f"Date: {value}").date == moment


def test_message_ids_stay_whole() -> None:
    mail = _mail(
        "Message-ID: <a@b@example.org>\nIn-Reply-To: your mail <x y@example.org> of Monday\n"
        "References: <1@example.org>\n\t<2@example.org> <1@example.org>"
    )
    assert mail.message_id == "<a@b@example.org>"
    assert mail.in_reply_to == "<xy@example.org>"
    assert mail.references == ("<1@example.org>", "<2@example.org>")


@pytest.mark.parametrize("value", ["", "<>", "   ", "< >", "<a<b>", "<foo>bar>", "a<b", "<" + "a" * 2000])
def test_what_is_no_message_id_is_none(value: str) -> None:
    mail = _mail(f"Message-ID: {value}\nIn-Reply-To: {value}\nReferences: {value}")
    found = {mail.message_id, mail.in_reply_to, *mail.references} - {None}
    assert found <= {"<b>", "<foo>"}


@pytest.mark.parametrize(
    "field",
    ["from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "x-anything"],
)
def test_a_field_that_a_library_stumbles_over_costs_that_field_and_no_more(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(function: Any) -> Any:
        def call(value: Any, *rest: Any, **more: Any) -> Any:
            if "stumble" in str(value):
                raise HeaderParseError("stumble")
            return function(value, *rest, **more)

        return call

    for name in ("get_addresses", "decode_value", "parse_mail_date"):
        monkeypatch.setattr(headers, name, broken(getattr(headers, name)))
    mail = _mail(f"From: a@example.org\nSubject: s\nX-Other: o\n{field}: stumble", "de melding")
    assert mail.text.strip() == "de melding"
    assert mail.header("x-other") == ("o",)
    assert any(defect.startswith(field) for defect in mail.defects)


def test_a_part_that_a_library_stumbles_over_is_kept_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr("ingest.body._html", broken)
    mail = _multipart("Content-Type: text/plain\n\nplat", "Content-Type: text/html\n\n<b>opgemaakt</b>")
    assert mail.text.strip() == "plat"
    assert [b"".join(each.chunks()) for each in mail.attachments] == [b"<b>opgemaakt</b>"]
    assert "part: not understood" in mail.defects


@pytest.mark.parametrize("charset", ["idna", "idna@", "charset*=x'y'z", "undefined"])
def test_a_name_that_is_no_charset_does_not_cost_the_mail(charset: str) -> None:
    assert "é" in _mail(f"Content-Type: multipart/mixed; boundary=x; charset={charset}", "é\n").text
    assert "é" in _mail(f"Content-Type: text/plain; {charset}; charset={charset}", "é\n").text


def test_an_encoding_that_makes_more_of_a_part_than_came_is_not_undone() -> None:
    body = "begin 644 a\n" + "M\n" * 1000 + "end\n"
    head = "Content-Type: application/pdf\nContent-Transfer-Encoding: x-uuencode"
    assert b"".join(_mail(head, body).attachments[0].chunks()) == body.encode()


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4])
def test_base64_that_was_cut_off_gives_the_bytes_that_came(cut: int) -> None:
    encoded = base64.b64encode(PNG).decode()
    part = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + encoded[: len(encoded) - cut]
    (file,) = _multipart(part).attachments
    content = b"".join(file.chunks())
    assert PNG.startswith(content)
    assert len(content) >= len(PNG) - 4


def test_what_is_no_base64_though_it_says_so_is_left_as_it_came() -> None:
    part = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n<SIGNATURE>"
    assert b"".join(_multipart(part).attachments[0].chunks()) == b"<SIGNATURE>"


# --- text


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "uft-8", "x-unknown", "1", "", '"', "us-ascii", "default"])
def test_text_is_read_whatever_the_charset_is_called(charset: str) -> None:
    """mail-cases 47"""
    assert "één café" in _mail(f"Content-Type: text/plain; charset={charset}", "één café").text


def test_eight_bits_under_the_name_of_a_seven_bit_charset_are_read() -> None:
    """mail-cases 47"""
    assert "色は匂へど" in _mail("Content-Type: text/plain; charset=iso-2022-jp", "色は匂へど".encode("euc-jp")).text


@pytest.mark.parametrize(
    "charset", ["zlib", "hex", "base64", "rot13", "idna", "punycode", "unicode_escape", "undefined"]
)
def test_pythons_own_codecs_are_no_charsets(charset: str) -> None:
    assert "abc \\x41" in _mail(f"Content-Type: text/plain; charset={charset}", "abc \\x41").text


@pytest.mark.parametrize("charset", ["iso-8859-2", "iso-2022-jp", "euc-kr"])
def test_a_part_without_a_charset_is_read_in_that_of_the_parts_around_it(charset: str) -> None:
    """mail-cases 47"""
    words = {"iso-8859-2": "jeżu klątw", "iso-2022-jp": "色は匂へど", "euc-kr": "키스의 고유"}[charset]
    head = f"Content-Type: multipart/signed; boundary=x; charset={charset}"
    inner = b"--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\nContent-Type: text/plain\n\n"
    assert words in _mail(head, inner + words.encode(charset) + b"\n--y--\n--x--\n").text
    assert "één" in _mail(head, inner + "één".encode() + b"\n--y--\n--x--\n").text


@pytest.mark.parametrize(
    "line",
    [
        'boundary="x"',
        "X-Script/odd name\twith spaces: and a value\n continued",
        "X-No-Colon-At-All",
        "name=a.zip\nX-Other: b",
    ],
)
def test_a_header_that_a_broken_line_would_end_too_early_goes_on_to_the_empty_line(line: str) -> None:
    encoded = base64.b64encode(b"de melding").decode()
    mail = _mail(f"From: a@example.org\nContent-Type: text/plain;\n{line}\nContent-Transfer-Encoding: base64", encoded)
    assert mail.text == "de melding"
    assert mail.header("content-transfer-encoding") == ("base64",)


HEADER = "To: desk@example.org\nFrom: Jan <jan@example.org>\nSubject: Melding\n\nDe melding.\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "above", ["\n", "\n\n \n", "Mail content:\n", "-- kept by a tool --\n", "\ufeff", ">From a Mon Nov  2\n"]
)
def test_what_stands_above_the_first_field_does_not_cost_the_header(above: str, end: str) -> None:
    mail = parse_bytes((above + HEADER).replace("\n", end).encode())
    assert (mail.from_, mail.subject) == (Address("Jan", "jan@example.org"), "Melding")
    assert mail.text.strip() == "De melding."
    assert ("WordsBeforeHeaderDefect" in mail.defects) == (above != "\ufeff")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("space", [" ", "\t", "  \t"])
@pytest.mark.parametrize("names", [["From"], ["From", "Subject"], ["To", "From", "Subject"], ["Subject"]])
def test_white_space_before_the_colon_of_a_field_does_not_end_the_header(
    names: list[str], space: str, end: str
) -> None:
    """RFC 5322 §4.5"""
    raw = HEADER
    for name in names:
        raw = raw.replace(f"{name}:", f"{name}{space}:")
    mail = parse_bytes(raw.replace("\n", end).encode())
    assert (mail.from_, mail.subject) == (Address("Jan", "jan@example.org"), "Melding")
    assert mail.text.strip() == "De melding."
    assert "SpaceBeforeColonDefect" in mail.defects


def test_white_space_before_the_colon_of_a_parts_field_does_not_end_its_header() -> None:
    part = "Content-Type : application/pdf; name=a.pdf\nContent-Transfer-Encoding : base64\n\nJVBERg=="
    (file,) = _multipart(part).attachments
    assert (file.name, b"".join(file.chunks())) == ("a.pdf", b"%PDF")


@pytest.mark.parametrize(
    "text",
    [
        "\nNaam: Kees\nBedrag: 500\n\nDe melding.",
        "Ik meld:\nFrom: Kees\nhij vroeg geld\n\nEn meer.",
        "Ik meld iets.\nSubject: niets\n\nEn meer.",
    ],
)
def test_a_text_in_which_something_looks_like_a_field_stays_whole(text: str) -> None:
    assert parse_bytes(text.encode()).text.strip() == text.strip()


def test_a_text_directly_below_the_header_keeps_lines_with_spaced_colons() -> None:
    mail = parse_bytes(b"From: a@example.org\nSubject: x\nBedrag : 500\nis te veel.\n\nEn meer.")
    assert "Bedrag : 500" in mail.text


def test_a_boundary_that_lost_its_indentation_is_found() -> None:
    mail = _mail(
        'Content-Type: multipart/mixed;\nboundary="x"',
        "--x\n\nde melding\n--x\nContent-Type: application/pdf;\nname=a.pdf\n\nPDF\n--x--\n",
    )
    assert mail.text == "de melding"
    assert [(each.name, b"".join(each.chunks())) for each in mail.attachments] == [("a.pdf", b"PDF")]


@pytest.mark.parametrize(
    "body",
    [
        "Ik meld iets.\n\nEn meer.",
        "Let op: dit is geen regel van de kop.\n\nEn meer.",
        "x-en zijn het\nniet\n\nEn meer.",
    ],
)
def test_a_text_directly_below_the_header_is_text(body: str) -> None:
    mail = parse_bytes(b"From: a@example.org\nSubject: x\n" + body.encode())
    assert mail.text.split() == body.split() or body.startswith("Let op")
    assert "En meer." in mail.text


def test_quoted_printable_is_decoded_where_lines_end_with_cr_alone() -> None:
    mail = parse_bytes(b"From: a@example.org\rContent-Transfer-Encoding: quoted-printable\r\rde mel=\rding =C3=A9\rx")
    assert mail.text == "de melding é\nx"


def test_windows_characters_under_the_name_of_latin_1_are_read_as_browsers_do() -> None:
    assert "€ “ja”" in _mail("Content-Type: text/plain; charset=iso-8859-1", b"\x80 \x93ja\x94").text


@pytest.mark.parametrize(
    "head",
    ["Content-Type: text/plain; charset=utf-16", "Content-Type: text/html", "Content-Type: text/html; charset=utf-32"],
)
@pytest.mark.parametrize("words", ["Mijn chef vraagt geld.", "Één café, één euro.", "Начальник берёт взятки."])
def test_bytes_without_a_nul_are_not_utf_16_whatever_they_say(head: str, words: str) -> None:
    """mail-cases 47"""
    page = f"<meta charset=utf-16><p>{words}</p>" if "html" in head else words
    assert _mail(head, page).text.strip() == words


def test_a_text_that_is_utf_16_is_read_as_such() -> None:
    for words in ("Mijn chef vraagt geld.", "我的上司收受贿赂"):
        for charset in ("utf-16-le", "utf-16-be"):
            assert _mail(f"Content-Type: text/plain; charset={charset}", words.encode(charset)).text == words


def test_nul_and_control_characters_do_not_reach_the_text() -> None:
    """mail-cases 48"""
    text = _mail("Content-Type: text/plain; charset=utf-8", b"a\x00b\x07c\xff\xed\xa0\x80\r\nd").text
    assert "\0" not in text
    assert "\x07" not in text
    assert "\nd" in text
    text.encode("utf-8")


def test_flowed_text_is_joined() -> None:
    assert "een lange regel" in _mail("Content-Type: text/plain; format=flowed", "een lange \nregel\n").text


def test_html_only_mail_has_text() -> None:
    mail = _mail("Content-Type: text/html", "<style>p{}</style><p>Hij nam&nbsp;geld</p><script>x()</script><p>aan</p>")
    assert mail.text.split() == ["Hij", "nam", "geld", "aan"]
    assert mail.html is not None


@pytest.mark.parametrize("depth", [100, 300, 5000])
def test_deeply_nested_html_still_has_its_text(depth: int) -> None:
    """mail-cases 52"""
    mail = _mail("Content-Type: text/html", "<div>" * depth + "de melding" + "</div>" * depth)
    assert "de melding" in mail.text


def test_a_heap_of_css_is_not_laid_out() -> None:
    html = '<p style="margin:' + "9999em;padding:" * 5000 + '">de melding</p>'
    assert "de melding" in _mail("Content-Type: text/html", html).text
    assert len(_mail("Content-Type: text/html", html).text) < 100


def test_html_that_names_its_charset_itself_is_believed() -> None:
    body = '<meta charset="iso-8859-2"><p>část</p>'.encode("iso-8859-2")
    assert "část" in _mail("Content-Type: text/html", body).text


def test_of_two_versions_the_plain_one_is_the_text_and_the_other_is_kept() -> None:
    mail = _multipart(
        "Content-Type: text/plain\n\nplat", "Content-Type: text/html\n\n<b>opgemaakt</b>", kind="alternative"
    )
    assert mail.text.strip() == "plat"
    assert mail.html is not None
    assert "opgemaakt" in mail.html


def test_an_empty_plain_version_gives_way_to_the_html() -> None:
    mail = _multipart("Content-Type: text/plain\n\n \n", "Content-Type: text/html\n\n<b>inhoud</b>", kind="alternative")
    assert mail.text.strip() == "inhoud"


REPORT = "<p>Mijn chef Kees Bakker vraagt steekpenningen van tien procent van iedere factuur.</p>"
PHONE = "Verzonden vanaf mijn iPhone"


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("This is an HTML message. Please use an HTML capable mail program to read it.", REPORT),
        (
            "This is an HTML message. Please use an HTML capable mail program to read it.",
            "<p>Steekpenningen, bel mij</p>",
        ),
        ("Deze e-mail is in HTML-formaat. Uw programma kan dat niet tonen.", REPORT),
        ("To view the message, please use an HTML compatible email viewer!", REPORT),
        (PHONE, f"{REPORT}<p>{PHONE}</p>"),
        ("Mijn chef", REPORT),
    ],
)
def test_a_plain_version_that_stands_in_for_the_html_gives_way_to_it(plain: str, html: str) -> None:
    """mail-cases 52"""
    mail = _multipart(f"Content-Type: text/plain\n\n{plain}", f"Content-Type: text/html\n\n{html}", kind="alternative")
    assert "teekpenningen" in mail.own_text
    assert "HTML" not in mail.text
    assert mail.text.count("iPhone") == plain.count("iPhone")
    assert "text: the plain version is not all of it" in mail.defects


def test_words_that_only_the_short_plain_version_has_are_kept() -> None:
    mail = _multipart(
        "Content-Type: text/plain\n\nBel 06-12345678", f"Content-Type: text/html\n\n{REPORT}", kind="alternative"
    )
    assert "06-12345678" in mail.own_text
    assert "steekpenningen" in mail.own_text


def test_a_plain_version_without_the_links_and_pictures_of_the_html_stays_the_text() -> None:
    page = f"<style>{'p {color: red}' * 200}</style>{REPORT}<img src=x><a href='https://x.example'>meer</a>"
    plain = "Mijn chef Kees Bakker vraagt steekpenningen van tien procent [1]."
    mail = _multipart(f"Content-Type: text/plain\n\n{plain}", f"Content-Type: text/html\n\n{page}", kind="alternative")
    assert mail.text.strip() == plain


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: multipart/mixed",
        "Content-Type: multipart/mixed; boundary=wrong",
        'Content-Type: multipart/mixed; boundary=""',
        "Content-Type: multipart/alternative; boundary",
        "Content-Type: multipart/mixed; boundary*=a; boundary*0=b",
    ],
)
def test_a_multipart_without_its_boundary_still_has_text(head: str) -> None:
    mail = _mail(head, "--right\nContent-Type: text/plain\n\nde melding\n--right--\n")
    assert "de melding" in mail.text
    assert "Content-Type" not in mail.text


def test_a_body_without_any_header_is_text() -> None:
    assert "Ik meld" in parse_bytes(b"\nIk meld dat er iets mis is.\n").text
    assert parse_bytes(b"").text == ""


def test_own_words_and_quoted_ones_are_apart_and_the_text_is_whole() -> None:
    mail = _mail("From: a@example.org", "Mijn antwoord.\n\nOp 2 feb 2026 schreef Desk <d@example.org>:\n> vraag\n")
    assert mail.own_text == "Mijn antwoord.\n"[:-1]
    assert "> vraag" in mail.quoted_text
    assert "Mijn antwoord." in mail.text
    assert "> vraag" in mail.text


UNUSUAL = ["text/markdown", "text/x-foo", "plain", "plain/text", "html", "text"]


@pytest.mark.parametrize("kind", [*UNUSUAL, "application/octet-stream"])
def test_a_text_of_unusual_type_is_the_text_of_a_mail_that_is_nothing_else(kind: str) -> None:
    """mail-cases 52"""
    assert _mail(f"Content-Type: {kind}", "Mijn chef vraagt geld.").own_text.strip() == "Mijn chef vraagt geld."


@pytest.mark.parametrize("kind", UNUSUAL)
def test_a_text_of_unusual_type_is_read_where_it_stands(kind: str) -> None:
    """mail-cases 52"""
    part = f"Content-Type: {kind}\n\nMijn chef vraagt geld."
    assert _multipart("Content-Type: text/plain\n\nHoi", part).text.split() == [
        "Hoi",
        "Mijn",
        "chef",
        "vraagt",
        "geld.",
    ]
    assert _multipart(part, kind="alternative").text.strip() == "Mijn chef vraagt geld."


def test_another_version_for_few_programs_is_no_text_of_its_own() -> None:
    mail = _multipart(
        "Content-Type: text/plain\n\nplat",
        "Content-Type: text/x-foo\n\nvreemd",
        "Content-Type: text/html\n\nplat",
        kind="alternative",
    )
    assert mail.text.strip() == "plat"
    assert [b"".join(each.chunks()) for each in mail.attachments] == [b"vreemd"]


@pytest.mark.parametrize("data", [b"\x89PNG\x00 \x01", b"-----BEGIN PGP MESSAGE-----\n\nab cd", b"TWlqbiBjaGVm"])
def test_a_mail_that_is_a_file_has_no_text_where_that_is_none(data: bytes) -> None:
    mail = _mail("Content-Type: application/octet-stream", data)
    assert (mail.text, b"".join(mail.attachments[0].chunks())) == ("", data)


@pytest.mark.parametrize(
    "page",
    [
        "<p>Hoi</p><noscript><p>Mijn chef vraagt geld.</p></noscript>",
        "<html><frameset><frame src=x><noframes><body>Hoi Mijn chef vraagt geld.</body></noframes></frameset></html>",
    ],
)
def test_what_stands_in_html_for_programs_that_show_less_is_text(page: str) -> None:
    """mail-cases 52"""
    assert _mail("Content-Type: text/html", page).text.split() == ["Hoi", "Mijn", "chef", "vraagt", "geld."]


# --- files


def test_a_child_message_is_a_file_and_not_the_reporters_text() -> None:
    """mail-cases 63"""
    child = "From: b@example.org\r\nSubject: geheim\r\n\r\nandermans woorden\r\n"
    mail = _multipart("Content-Type: text/plain\n\nzie bijlage", f"Content-Type: message/rfc822\n\n{child}")
    assert mail.text.strip() == "zie bijlage"
    assert mail.subject == ""
    assert b"".join(mail.attachments[0].chunks()) == child.encode()
    assert mail.attachments[0].name == "attachment-1.eml"


@pytest.mark.parametrize(("kind", "name"), [("image/png", "attachment-1.png"), ("application/pdf", "attachment-1.pdf")])
def test_an_unnamed_file_is_kept_byte_for_byte_under_a_stable_name(kind: str, name: str) -> None:
    """mail-cases 64"""
    part = f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(PNG).decode()
    first, second = (_multipart("Content-Type: text/plain\n\nx", part) for _ in range(2))
    assert b"".join(first.attachments[0].chunks()) == PNG
    assert first.attachments[0].size == len(PNG)
    assert first.attachments[0].name == second.attachments[0].name == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/a.pdf", "a.pdf"),
        ("C:\\\\Users\\\\jan\\\\a.pdf", "a.pdf"),
        (".bashrc", "bashrc"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("con.txt", "_con.txt"),
        ("..", "attachment-1.pdf"),
        ("=?utf-8?q?caf=C3=A9.pdf?=", "café.pdf"),
        ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
    ],
)
def test_file_names_are_safe(name: str, safe: str) -> None:
    """mail-cases 65"""
    part = f'Content-Type: application/pdf\nContent-Disposition: attachment; filename="{name}"\n\nx'
    assert _multipart(part).attachments[0].name == safe


@pytest.mark.parametrize(
    "parameter", ["name*", "name*=", "name*=x''%", "name*0*=utf-8''a; name*1=", "name*=utf-8''caf%C3%A9.pdf"]
)
def test_broken_parameters_do_not_lose_the_file(parameter: str) -> None:
    assert _multipart(f"Content-Type: application/pdf; {parameter}\n\nx").attachments[0].size == 1


def test_an_invitation_without_text_is_summarised_and_kept() -> None:
    """mail-cases 66"""
    mail = _mail(
        "Content-Type: text/calendar; method=REQUEST",
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Gesprek over\r\n  melding\r\n"
        "DTSTART:20260202T100000Z\r\nDESCRIPTION:a\\, b\\nc\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    assert "Summary: Gesprek over melding" in mail.text
    assert "a, b\nc" in mail.text
    assert mail.attachments[0].content_type == "text/calendar"


def test_a_picture_shown_in_the_text_is_marked_inline_and_a_document_never() -> None:
    """mail-cases 67"""
    mail = _multipart(
        "Content-Type: text/html\n\n<img src=cid:1>tekst",
        "Content-Type: image/png\nContent-ID: <1>\n\nx",
        "Content-Type: application/pdf; name=a.pdf\nContent-ID: <2>\nContent-Disposition: attachment\n\nx",
        "Content-Type: application/pdf; name=b.pdf\nContent-ID: <3>\n\nx",
        "Content-Type: application/pdf; name=c.pdf\nContent-Disposition: inline\n\nx",
        "Content-Type: image/png; name=d.png\nContent-Disposition: inline\n\nx",
        "Content-Type: image/png; name=e.png\nContent-ID: <6>\nContent-Disposition: attachment\n\nx",
        kind="related",
    )
    assert [(a.inline, a.content_id) for a in mail.attachments] == [
        (True, "1"),
        (False, "2"),
        (False, "3"),
        (False, None),
        (True, None),
        (False, "6"),
    ]


# --- reports


def test_a_delivery_report_says_which_mail_failed_and_how() -> None:
    mail = _multipart(
        "Content-Type: text/plain\n\nNot delivered.",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\nOriginal-Envelope-Id: env1\n\n"
        "Final-Recipient: rfc822; jan@example.org\nAction: Failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 no\n such user",
        "Content-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: <ours@example.org>",
        kind="report",
    )
    assert mail.delivery_report == {
        "kind": "delivery",
        "original_message_id": "<ours@example.org>",
        "original_envelope_id": "env1",
        "recipients": [
            {
                "address": "jan@example.org",
                "original": "",
                "action": "failed",
                "status": "5.1.1",
                "diagnostic": "550 no such user",
            }
        ],
        "disposition": "",
    }
    assert mail.text.strip() == "Not delivered."


def test_a_read_receipt_is_a_disposition() -> None:
    mail = _multipart(
        "Content-Type: text/plain\n\nread",
        "Content-Type: message/disposition-notification\n\nOriginal-Message-ID: <o@example.org>\n"
        "Disposition: manual-action/MDN-sent-manually; displayed",
        kind="report",
    )
    assert mail.delivery_report is not None
    assert mail.delivery_report["kind"] == "disposition"
    assert mail.delivery_report["original_message_id"] == "<o@example.org>"
    assert mail.delivery_report["disposition"].endswith("displayed")


# --- limits


def test_three_thousand_nested_parts_are_refused() -> None:
    """mail-cases 39"""
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(3000))
    with pytest.raises(CannotParse):
        parse_bytes(nested.encode())


def test_a_hundred_and_fifty_nested_parts_are_refused() -> None:
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(150))
    with pytest.raises(CannotParse):
        parse_bytes(nested.encode() + b"\n\nx")


def test_too_many_parts_are_refused_before_they_are_read() -> None:
    """mail-cases 53"""
    with pytest.raises(CannotParse):
        _mail("Content-Type: multipart/mixed; boundary=x", "--x\n\n" * 300_000)


def test_twenty_thousand_encoded_words_are_read_in_part() -> None:
    """mail-cases 54"""
    mail = _mail("Subject: " + "\n ".join(["=?utf-8?q?abcdef?="] * 20_000))
    assert mail.subject.startswith("abcdef")
    assert "header: value cut" in mail.defects


def test_of_a_long_field_whose_end_counts_the_end_is_kept_too() -> None:
    ids = [f"<{number}.{'x' * 30}@example.org>" for number in range(3000)]
    results = f"mx; dkim=pass ({'x ' * 30_000}) header.d=a.example; dmarc=fail header.from=a.example"
    mail = _mail("References: " + "\n ".join(ids) + f"\nAuthentication-Results: {results}")
    assert (mail.references[0], mail.references[-1]) == (ids[0], ids[-1])
    assert set(mail.references) <= set(ids)
    assert len(mail.header("authentication-results")[0]) < 40_000
    found = authenticate(mail.headers, "mx", "x@a.example")
    assert found is not None
    assert found.denial == "dmarc_fail"


def test_a_header_beyond_its_limit_is_refused() -> None:
    limits = ParseLimits(header_bytes=10_000)
    with pytest.raises(CannotParse):
        parse([b"X-A: b\n" * 1500 + b"\nbody"], limits)
    with pytest.raises(CannotParse):
        parse([b"X-A: b\n"] * 1500 + [b"\nbody"], limits)


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(CannotParse):
        parse_bytes(b"A: b\n" * 2001 + b"\nbody")


# --- anything at all

_PIECES = st.sampled_from(
    [
        b"From: ",
        b"Subject: =?utf-8?b?",
        b"?=",
        b"Content-Type: multipart/mixed; boundary=x\r\n",
        b"Content-Type: text/html; charset=",
        b"Content-Type: message/rfc822\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"Content-Disposition: attachment; filename*=",
        b"\n\n",
        b"--x\n",
        b"--x--\n",
        b"<div>",
        b"\x00",
        b"\xff\xfe",
        b"=\n",
        b"utf-8''%",
        b"name*0*=",
        b'"',
        b";",
        b"> ",
        b"Van: a\nVerzonden: b\nAan: c\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES | st.binary(max_size=20), max_size=30).map(b"".join))
def test_any_bytes_are_a_mail_or_are_refused(data: bytes) -> None:
    try:
        mail = parse_bytes(data)
    except CannotParse:
        return
    mail.text.encode("utf-8")
    for attachment in mail.attachments:
        assert sum(len(chunk) for chunk in attachment.chunks()) == attachment.size
