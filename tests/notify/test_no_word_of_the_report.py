"""The receipt of every mail of the corpus, taken apart: template, reference, dates, field names, settings; no more."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from html.parser import HTMLParser
from pathlib import Path

import pytest

from config.settings import DeskSettings
from config.taxonomy import Kind, MissingField
from notify.addressing import address
from notify.catalogue import catalogue_for
from notify.compose import ReceiptFacts, compose_receipt
from notify.document import Document, Paragraph

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"
REFERENCE = "7K3Q-M2XP"
FIXED = {
    "Auto-Submitted": "auto-replied",
    "X-Auto-Response-Suppress": "All",
    "X-Loop": "meldpunt@ministerie.example",
    "MIME-Version": "1.0",
    "From": "meldpunt@ministerie.example",
    "Reply-To": f"meldpunt+{TOKEN}@ministerie.example",
    "Message-ID": f"<{TOKEN}@ministerie.example>",
}


class Leaves(HTMLParser):
    """Every text of a page, each on its own, and every tag as it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(self.get_starttag_text() or "")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))

    def handle_comment(self, data: str) -> None:
        self.texts.append(data)


def sentences(desk: DeskSettings, language: str, received: datetime, feedback_by: date | None) -> set[str]:
    """All that may stand in a receipt: each sentence filled in with what may fill it."""
    catalogue = catalogue_for(language)
    values = {
        "desk": desk.name,
        "organisation": desk.organisation,
        "reference": REFERENCE,
        "received": catalogue.moment(received, desk.timezone),
        "feedback_by": "-" if feedback_by is None else catalogue.date(feedback_by),
        "url": "-",
        "due": "-",
        "count": "-",
        **desk.texts.model_dump(),
    }
    filled = {sentence.format_map(values) for sentence in catalogue.sentences.values()}
    return filled | set(catalogue.fields.values()) | {desk.neutral_subject[catalogue.language]}


def take_apart(raw: bytes, allowed: set[str], reporter: dict[str, str], date_line: str, language: str) -> list[str]:
    """What of a mail is neither template nor allowed to fill one; empty for a mail that betrays nothing."""
    mail = message_from_bytes(raw)
    fixed = FIXED | {
        "To": reporter["to"],
        "In-Reply-To": reporter["message_id"],
        "References": reporter["message_id"],
        "Date": date_line,
        "Content-Language": language,
    }
    left = []
    for name, value in mail.items():
        known = name == "Content-Type" and re.fullmatch(r'multipart/alternative; boundary="=_[0-9a-f]{32}"', value)
        subject = name == "Subject" and value in allowed
        if not (known or subject or fixed.get(name) == value):
            left.append(f"{name}: {value}")
    text, html = mail.get_payload()
    for part, subtype in ((text, "plain"), (html, "html")):
        expected = {"Content-Type": f'text/{subtype}; charset="utf-8"', "Content-Transfer-Encoding": "quoted-printable"}
        left += [f"{name}: {value}" for name, value in part.items() if expected.get(name) != value]
    left += [str(mail.preamble or ""), str(mail.epilogue or "").strip()]
    left += [block for block in blocks(text.get_payload(decode=True).decode()) if block not in allowed]
    leaves = Leaves()
    leaves.feed(html.get_payload(decode=True).decode())
    left += [leaf for leaf in leaves.texts if leaf not in allowed]
    empty = Document(language, "-", (Paragraph("-"),)).to_html() + '<h2 style="font-size:18px;margin:24px 0 4px">'
    empty += '<ul style="margin:0 0 12px;padding-left:24px"><li>'
    left += [tag for tag in leaves.tags if tag not in empty]
    return [one for one in left if one]


def blocks(text: str) -> Iterator[str]:
    for block in text.replace("\r\n", "\n").split("\n\n"):
        for item in re.split(r"(?m)^- ", re.sub(r"(?m)^-+$", "", block)):
            if item.strip():
                yield " ".join(item.split())


def corpus() -> list[dict[str, object]]:
    for folder in (ROOT / "triage" / "corpus", ROOT.parent / "shared" / "corpus"):
        lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
        if lines:
            return [json.loads(line) for line in lines if line.strip()]
    return []


def facts_of(labelled: dict[str, object], number: int) -> ReceiptFacts:
    received = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=7 * number % 8760)
    full = labelled["kind"] in (Kind.MELDING, Kind.AANVULLING)
    return ReceiptFacts(
        reference=REFERENCE,
        received_at=received,
        language=str(labelled["lang"]),
        full=full,
        ask=tuple(MissingField(slug) for slug in labelled["missing"]),  # type: ignore[attr-defined]
        anonymous=bool(labelled.get("anonymous")),
        feedback_by=received.date() + timedelta(days=90) if full else None,
        follow_up=labelled["kind"] == Kind.AANVULLING,
    )


def test_the_receipt_of_every_mail_of_the_corpus_holds_no_word_of_it(desk: DeskSettings):
    mails = corpus()
    if not mails:
        pytest.skip("there is no corpus in triage/corpus nor in ../shared/corpus")
    for number, labelled in enumerate(mails):
        facts = facts_of(labelled, number)
        reporter = {"to": str(labelled["from_email"]), "message_id": f"<{number}@voorbeeld.nl>"}
        outside = address(desk, TOKEN, reporter["to"], date=facts.received_at, in_reply_to=reporter["message_id"])
        reporter["to"] = outside.to
        outgoing = compose_receipt(desk, facts, outside)
        allowed = sentences(desk, facts.language, facts.received_at, facts.feedback_by)
        date_line = f"{facts.received_at:%a, %d %b %Y %H:%M:%S} +0000"
        language = catalogue_for(facts.language).language
        assert take_apart(outgoing.mime, allowed, reporter, date_line, language) == [], labelled["id"]


@pytest.mark.parametrize("place", ["subject", "text", "html", "header", "item"])
def test_the_taking_apart_finds_one_word_too_many(desk: DeskSettings, now, place):
    facts = ReceiptFacts(REFERENCE, now, "nl", True, (MissingField.PHONE,), False, date(2026, 6, 2))
    outside = address(desk, TOKEN, "jan@voorbeeld.nl", date=now, in_reply_to="<1@voorbeeld.nl>")
    raw = compose_receipt(desk, facts, outside).mime
    spoilt = {
        "subject": raw.replace(b"Subject: Ontvangst", b"Subject: Dijkgraaf Ontvangst"),
        "text": raw.replace(b"Dit is een", b"Dijkgraaf is een", 1),
        "html": b"Dijkgraaf is een".join(raw.rsplit(b"Dit is een", 1)),
        "header": b"X-Note: Dijkgraaf\r\n" + raw,
        "item": raw.replace(b"- uw telefoonnummer", b"- uw telefoonnummer, Dijkgraaf"),
    }[place]
    allowed = sentences(desk, "nl", facts.received_at, facts.feedback_by)
    reporter = {"to": "jan@voorbeeld.nl", "message_id": "<1@voorbeeld.nl>"}
    date_line = "Mon, 02 Mar 2026 13:32:00 +0000"
    assert take_apart(raw, allowed, reporter, date_line, "nl") == []
    assert "Dijkgraaf" in "".join(take_apart(spoilt, allowed, reporter, date_line, "nl"))


def test_no_composing_function_takes_a_word_of_a_report():
    """Every field of the facts is a date, a yes or no, a slug of ours, or one of three known texts."""
    import typing
    from dataclasses import fields

    from notify import compose

    known = {"reference", "language", "url"}
    for facts in (compose.ReceiptFacts, compose.ReminderFacts, compose.NoticeFacts):
        hints = typing.get_type_hints(facts)
        texts = {field.name for field in fields(facts) if "str" in str(hints[field.name])}
        assert texts <= known
