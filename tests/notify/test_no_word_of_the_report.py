"""Every mail that may go out for a mail of the corpus, taken apart: template, reference, dates, field names, settings;
no more. What goes in are the labels of a mail and values of their real shape; the way through the daemon is tested in
tests/system."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cases.references import new_reference, references_in
from config.settings import DeskSettings
from config.taxonomy import Kind, MissingField
from notify.addressing import address
from notify.catalogue import catalogue_for, languages
from notify.compose import (
    Notice,
    NoticeFacts,
    Outgoing,
    ReceiptFacts,
    ReminderFacts,
    compose_notice,
    compose_receipt,
    compose_reminder,
)
from notify.document import Document, Paragraph
from store.lookups import TokenKey

ROOT = Path(__file__).resolve().parents[2]
TOKENS = TokenKey(1, b"t" * 32)
TOKEN = TOKENS.sign("0123456789abcdef01")
REFERENCE = new_reference(random.Random(1).randrange)
URL = "https://meldpost.ministerie.example"


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


def sentences(
    desk: DeskSettings, language: str, moments: dict[str, datetime | date | None] | None = None, **values: str
) -> set[str]:
    """All that may stand in a mail: each sentence filled in with what may fill it, or left out where nothing may."""
    catalogue = catalogue_for(language)
    for name, moment in (moments or {}).items():
        if isinstance(moment, datetime):
            values[name] = catalogue.moment(moment, desk.timezone)
        elif moment is not None:
            values[name] = catalogue.date(moment)
    values |= {"desk": desk.name, "organisation": desk.organisation, **desk.texts.model_dump()}
    fillable = (one for one in catalogue.sentences.values() if set(re.findall(r"{(.*?)}", one)) <= set(values))
    return {sentence.format_map(values) for sentence in fillable} | set(catalogue.fields.values())


def headers(
    desk: DeskSettings, to: str, moment: datetime, language: str, auto_submitted: str, **more: str
) -> dict[str, str]:
    return {
        "Auto-Submitted": auto_submitted,
        "X-Auto-Response-Suppress": "All",
        "X-Loop": desk.address,
        "MIME-Version": "1.0",
        "From": desk.address,
        "To": to,
        "Date": f"{moment:%a, %d %b %Y %H:%M:%S} +0000",
        "Content-Language": catalogue_for(language).language,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def sent_back(token: str) -> dict[str, str]:
    """Where an answer comes back."""
    return {"Reply_To": f"meldpunt+{token}@ministerie.example", "Message_ID": f"<{token}@ministerie.example>"}


def take_apart(raw: bytes, allowed: set[str], expected: dict[str, str]) -> list[str]:
    """What of a mail is neither template nor allowed to fill one; empty for a mail that betrays nothing."""
    mail = message_from_bytes(raw)
    left = []
    for name, value in mail.items():
        known = name == "Content-Type" and re.fullmatch(r'multipart/alternative; boundary="=_[0-9a-f]{32}"', value)
        if not known and expected.get(name) != value:
            left.append(f"{name}: {value}")
    text, html = mail.get_payload()
    for part, subtype in ((text, "plain"), (html, "html")):
        of_part = {"Content-Type": f'text/{subtype}; charset="utf-8"', "Content-Transfer-Encoding": "quoted-printable"}
        left += [f"{name}: {value}" for name, value in part.items() if of_part.get(name) != value]
    left += [str(mail.preamble or ""), str(mail.epilogue or "").strip()]
    left += [block for block in blocks(text.get_payload(decode=True).decode()) if block not in allowed]
    leaves = Leaves()
    leaves.feed(html.get_payload(decode=True).decode())
    left += [leaf for leaf in leaves.texts if leaf not in allowed | {expected["Subject"]}]
    empty = Document(expected["Content-Language"], "-", (Paragraph("-"),)).to_html()
    empty += '<h2 style="font-size:18px;margin:24px 0 4px"><ul style="margin:0 0 12px;padding-left:24px"><li>'
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
    held = number % 5 == 0
    return ReceiptFacts(
        reference=new_reference(random.Random(number).randrange),
        received_at=received,
        language=str(labelled["lang"]),
        full=full,
        ask=tuple(MissingField(slug) for slug in labelled["missing"]),  # type: ignore[attr-defined]
        anonymous=bool(labelled.get("anonymous")),
        feedback_by=received.date() + timedelta(days=90) if full and not held else None,
        feedback_months=3 if full and held else None,
        follow_up=labelled["kind"] == Kind.AANVULLING,
    )


@pytest.fixture(scope="module")
def labelled() -> list[tuple[int, dict[str, object]]]:
    mails = corpus()
    if not mails:
        pytest.skip("there is no corpus in triage/corpus nor in ../shared/corpus")
    return list(enumerate(mails))


def test_the_values_of_this_test_have_their_real_shape():
    assert references_in(REFERENCE) == (REFERENCE,)
    assert TOKENS.verify(TOKEN) == "0123456789abcdef01"


def receipt(desk: DeskSettings, facts: ReceiptFacts, to: str, token: str, parent: str) -> tuple[Outgoing, list[str]]:
    """A receipt, and what it betrays."""
    outside = address(desk, token, to, date=facts.received_at, in_reply_to=parent)
    outgoing = compose_receipt(desk, facts, outside)
    moments = {"received": facts.received_at, "feedback_by": facts.feedback_by}
    language = catalogue_for(facts.language)
    allowed = sentences(desk, facts.language, moments, reference=str(facts.reference), term=language.months(3))
    more = {"In_Reply_To": parent, "References": parent, "Subject": desk.neutral_subject[language.language]}
    expected = headers(desk, outside.to, facts.received_at, facts.language, "auto-replied", **sent_back(token), **more)
    return outgoing, take_apart(outgoing.mime, allowed, expected)


def test_the_receipt_of_every_mail_of_the_corpus_holds_no_word_of_it(desk: DeskSettings, labelled):
    for number, label in labelled:
        token = TOKENS.sign(f"{number:018x}")
        _, left = receipt(desk, facts_of(label, number), str(label["from_email"]), token, f"<{number}@voorbeeld.nl>")
        assert left == [], label["id"]


def test_the_reminder_to_every_reporter_of_the_corpus_holds_no_word_of_the_mail(desk: DeskSettings, labelled):
    parent = f"<{TOKENS.sign('f' * 18)}@ministerie.example>"
    for number, label in labelled:
        facts, to = facts_of(label, number), str(label["from_email"])
        if not facts.ask:
            continue
        token = TOKENS.sign(f"{number:018x}")
        outside = address(desk, token, to, date=facts.received_at, in_reply_to=parent)
        mail = compose_reminder(desk, ReminderFacts(facts.received_at, facts.language, facts.ask), outside)
        allowed = sentences(desk, facts.language, {"received": facts.received_at})
        subject = catalogue_for(facts.language).subjects["reminder"]
        more = {"In_Reply_To": parent, "References": parent, "Subject": subject, **sent_back(token)}
        expected = headers(desk, outside.to, facts.received_at, facts.language, "auto-generated", **more)
        assert take_apart(mail.mime, allowed, expected) == [], number


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("notice", Notice)
def test_a_notice_holds_a_reference_a_number_and_a_day_at_most(desk: DeskSettings, now, notice, language):
    facts = NoticeFacts(notice, language, URL, REFERENCE, date(2026, 3, 4), 12)
    mail = compose_notice(desk, facts, address(desk, TOKEN, "lid@ministerie.example", date=now))
    allowed = sentences(desk, language, {"due": facts.due}, reference=REFERENCE, url=URL, count="12")
    more = {"Message_ID": sent_back(TOKEN)["Message_ID"], "Subject": catalogue_for(language).subjects["notice"]}
    expected = headers(desk, "lid@ministerie.example", now, language, "auto-generated", **more)
    assert take_apart(mail.mime, allowed, expected) == []


@pytest.mark.parametrize("place", ["subject", "text", "html", "header", "item", "reference", "token"])
def test_the_taking_apart_finds_one_word_too_many(desk: DeskSettings, now, place):
    facts = ReceiptFacts(REFERENCE, now, "nl", True, (MissingField.PHONE,), False, date(2026, 6, 2))
    outgoing, left = receipt(desk, facts, "jan@voorbeeld.nl", TOKEN, "<1@voorbeeld.nl>")
    raw = outgoing.mime
    assert left == []
    spoilt = {
        "subject": raw.replace(b"Subject: Ontvangst", b"Subject: Dijkgraaf Ontvangst"),
        "text": raw.replace(b"Dit is een", b"Dijkgraaf is een", 1),
        "html": b"Dijkgraaf is een".join(raw.rsplit(b"Dit is een", 1)),
        "header": b"X-Note: Dijkgraaf\r\n" + raw,
        "item": raw.replace(b"- uw telefoonnummer", b"- uw telefoonnummer, Dijkgraaf"),
        "reference": raw.replace(REFERENCE.encode(), b"Dijkgraaf", 1),
        "token": raw.replace(TOKEN.encode(), b"Dijkgraaf", 1),
    }[place]
    assert spoilt != raw
    moments = {"received": facts.received_at, "feedback_by": facts.feedback_by}
    more = {"In_Reply_To": "<1@voorbeeld.nl>", "References": "<1@voorbeeld.nl>", "Subject": "Ontvangstbevestiging"}
    expected = headers(desk, "jan@voorbeeld.nl", now, "nl", "auto-replied", **sent_back(TOKEN), **more)
    assert "Dijkgraaf" in "".join(take_apart(spoilt, sentences(desk, "nl", moments, reference=REFERENCE), expected))


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
