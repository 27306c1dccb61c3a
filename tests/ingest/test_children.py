"""Mails in a mail: what they say stays theirs, their files are found, and their bytes stay as they came."""

from __future__ import annotations

import base64

import pytest

from ingest.mail import Address, Finding, ParsedAttachment, ParsedMail, ParseLimits
from ingest.parse import parse, parse_bytes
from tests.ingest.fuzz import answered, read_whole

PDF = b"%PDF-1.4\n\x00\xff\r\n%%EOF"


def _multipart(boundary: str, *parts: bytes, head: bytes = b"", kind: bytes = b"mixed") -> bytes:
    mark = boundary.encode()
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return (
        head
        + b"Content-Type: multipart/"
        + kind
        + b"; boundary="
        + mark
        + b"\r\n\r\n"
        + body
        + b"--"
        + mark
        + b"--\r\n"
    )


def _text(text: bytes) -> bytes:
    return b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text


def _pdf(name: bytes) -> bytes:
    encoded = base64.encodebytes(PDF)
    return b"Content-Type: application/pdf; name=" + name + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded


def _message(mail: bytes, kind: bytes = b"message/rfc822") -> bytes:
    return b"Content-Type: " + kind + b"\r\n\r\n" + mail


INNER = _multipart(
    "inner",
    _text("Andermans woorden, één keer.".encode()),
    _pdf(b"bon.pdf"),
    head=b"From: Kees <kees@example.org>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\nDate: Mon, 2 Feb 2026 10:00:00 +0100\r\n",
)


def _bytes(attachment: ParsedAttachment) -> bytes:
    return b"".join(attachment.chunks())


def _outer(*parts: bytes, kind: bytes = b"mixed") -> ParsedMail:
    mail = _multipart(
        "outer", _text(b"Zie bijlage."), *parts, head=b"From: a@example.org\r\nSubject: Melding\r\n", kind=kind
    )
    assert answered(mail)
    return parse_bytes(mail)


@pytest.mark.parametrize("kind", [b"message/rfc822", b"message/global", b"Message/RFC822; name=doorgestuurd.eml"])
def test_a_mail_in_a_mail_is_a_child_and_the_parents_text_stays_its_own(kind: bytes) -> None:
    """mail-cases 63"""
    mail = _outer(_message(INNER, kind), _pdf(b"eigen.pdf"))
    assert (mail.text.strip(), mail.subject) == ("Zie bijlage.", "Melding")
    child, own, inner = mail.attachments
    assert child.child is not None
    assert (child.child.from_, child.child.subject) == (Address("Kees", "kees@example.org"), "café")
    assert child.child.date is not None
    assert child.child.date.isoformat() == "2026-02-02T09:00:00+00:00"
    assert child.text.strip() == "Andermans woorden, één keer."
    assert (own.name, own.inside) == ("eigen.pdf", None)
    assert (inner.name, inner.inside, _bytes(inner)) == ("bon.pdf", 0, PDF)
    assert _bytes(child).rstrip() == INNER.rstrip()


def test_a_child_that_is_encoded_against_the_rules_is_read_too() -> None:
    """mail-cases 63: RFC 2046 §5.2.1 forbids it, programs do it, and others only say so."""
    encoded = b"Content-Transfer-Encoding: base64\r\nContent-Type: message/rfc822\r\n\r\n" + base64.encodebytes(INNER)
    only_said = b"Content-Transfer-Encoding: base64\r\nContent-Type: message/rfc822\r\n\r\n" + INNER
    mail = _outer(encoded, only_said)
    for place in (0, 1):
        assert mail.attachments[place].child is not None
        assert "Andermans woorden" in mail.attachments[place].text
    assert _bytes(mail.attachments[0]) == INNER
    assert [(each.inside, _bytes(each)) for each in mail.attachments[2:]] == [(0, PDF), (1, PDF)]


def test_a_child_in_quoted_printable_is_read_and_one_that_only_says_so_too() -> None:
    """mail-cases 63"""
    head = b"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: message/rfc822\r\n\r\n"
    plain = b"Subject: a=b\r\n\r\ntekst = tekst"
    mail = _outer(head + b"From: a=40example.org\r\nSubject: een=3D\r\n\r\nlange re=\r\ngel", head + plain)
    encoded, only_said = mail.attachments
    assert encoded.child is not None
    assert (encoded.child.from_, encoded.child.subject, encoded.text) == (
        Address("", "a@example.org"),
        "een=",
        "lange regel",
    )
    assert only_said.child is not None
    assert (only_said.child.subject, _bytes(only_said)) == ("a=b", plain)


def test_the_mails_of_a_digest_are_children() -> None:
    """mail-cases 63: RFC 2046 §5.1.5, a part without a type is a message there."""
    digest = _multipart("digest", b"\r\nSubject: een\r\n\r\neerste", b"\r\nSubject: twee\r\n\r\ntweede", kind=b"digest")
    children = [(each.child and each.child.subject, each.text.strip()) for each in _outer(digest).attachments]
    assert children == [("een", "eerste"), ("twee", "tweede")]


def test_a_returned_mail_is_a_child_and_the_bounce_stays_a_bounce() -> None:
    """mail-cases 63"""
    status = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n" + (
        b"Final-Recipient: rfc822; jan@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    )
    mail = _outer(status, _message(b"Message-ID: <ours@example.org>\r\n" + INNER), kind=b"report")
    assert mail.delivery_report is not None
    assert mail.delivery_report["original_message_id"] == "<ours@example.org>"
    assert mail.attachments[1].child is not None


def test_children_of_children_are_taken_apart_and_no_deeper() -> None:
    """mail-cases 63: the bytes of each lie in the one above it, so a reader's answer has room for so many only."""
    mail = INNER
    for level in range(4):
        head = b"Subject: niveau %d\r\n" % level
        mail = _multipart(f"level{level}", _text(b"tekst %d" % level), _message(mail), head=head)
    outermost = parse_bytes(mail)
    assert answered(mail)
    assert [(each.child and each.child.subject, each.inside) for each in outermost.attachments] == [
        ("niveau 2", None),
        ("niveau 1", 0),
        (None, 1),
    ]
    assert outermost.attachments[2].content_type == "message/rfc822"


def test_a_child_beyond_the_limits_stays_a_file() -> None:
    """mail-cases 39, 53: the parts of all levels are counted together."""
    many = _multipart("many", *(b"\r\nx" for _ in range(60)), head=b"Subject: veel\r\n")
    mail = _multipart("outer", _text(b"Zie bijlage."), _message(INNER), _message(many))
    parsed = parse([mail], ParseLimits(parts=50))
    first, second, inner = parsed.attachments
    assert (first.child is not None, inner.inside) == (True, 0)
    assert (second.child, second.text, second.findings) == (None, "", (Finding.BOUNDS,))
    assert _bytes(second).rstrip() == many.rstrip()
    assert parsed.text.strip() == "Zie bijlage."


def test_files_of_children_beyond_the_limit_are_not_told_apart() -> None:
    """mail-cases 53"""
    child = _multipart("many", _text(b"de tekst"), *(_pdf(b"a.pdf") for _ in range(5)), head=b"Subject: veel\r\n")
    parsed = parse([_multipart("outer", _message(child), _pdf(b"b.pdf"))], ParseLimits(attachments=5))
    assert [each.name for each in parsed.attachments] == ["attachment-1.eml", "b.pdf"]
    assert parsed.attachments[0].findings == (Finding.BOUNDS,)
    assert parsed.attachments[0].text.strip() == "de tekst"


def test_the_text_of_children_is_bounded_each_and_together() -> None:
    child = _message(b"Subject: lang\r\n\r\n" + b"woord " * 100)
    limits = ParseLimits(attachment_text_chars=100, all_attachment_text_chars=150)
    parsed = parse([_multipart("outer", child, child, child)], limits)
    assert [len(each.text) for each in parsed.attachments] == [100, 50, 0]
    assert all(each.findings == (Finding.CUT,) for each in parsed.attachments)


def test_a_child_without_a_header_or_anything_at_all_is_a_child_still() -> None:
    mail = _outer(
        _message(b""), _message(b"\r\nalleen tekst"), _message(b">From a@b Mon Feb  2 10:00:00 2026\r\n" + INNER)
    )
    assert [each.child is not None for each in mail.attachments[:3]] == [True, True, True]
    assert [each.text.strip() for each in mail.attachments[:2]] == ["", "alleen tekst"]
    assert mail.attachments[2].child is not None
    assert mail.attachments[2].child.subject == "café"


def test_files_of_files_in_children_stay_within_what_an_answer_may_hold() -> None:
    """mail-cases 63: what lies deeper than two levels comes out of nothing, a child or a file."""
    plain = b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n" + b"woord " * 5000
    deepest = _multipart("deepest", _text(b"diep"), plain, plain, head=b"Subject: diep\r\n")
    enclosed = b"Content-Type: application/octet-stream; name=a.eml\r\n\r\n" + deepest
    mail = _multipart("b", enclosed, head=b"Subject: binnen\r\n")
    for level in range(2):
        mail = _multipart(f"level{level}", _text(b"x"), _message(mail), head=b"Subject: buiten\r\n")
    whole = read_whole(mail)
    assert whole is not None
    assert [each.inside for each in whole.attachments] == [None, 0, 1]
    assert Finding.BOUNDS in whole.attachments[2].findings


def test_files_of_a_mail_in_a_file_are_taken_out() -> None:
    """mail-cases 63"""
    whole = read_whole(
        _multipart("b", _text(b"x"), b"Content-Type: application/octet-stream; name=a.eml\r\n\r\n" + INNER)
    )
    assert whole is not None
    assert [(each.inside, each.child is not None) for each in whole.attachments] == [(None, True), (0, False)]
    assert _bytes(whole.attachments[1]) == PDF
