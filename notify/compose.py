"""What each mail says: which sentences of the catalogue, in which order, filled in with what.

The facts that go in are dates, a reference, names of fields and desk settings; there is no parameter through which a
word of a report could come. Every function is pure: the same facts give the same text and HTML.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from config.settings import DeskSettings
from config.taxonomy import ABOUT_THE_REPORTER, MissingField
from notify import mime
from notify.addressing import Addressing
from notify.catalogue import Catalogue, catalogue_for, languages
from notify.document import Block, Document, Heading, Items, Paragraph


@dataclass(frozen=True)
class ReceiptFacts:
    """What a receipt may tell.

    `full`: the mail is a report (or adds to one) and the terms of the law apply; otherwise the neutral receipt.
    `ask`: the fields that may be asked for; of an anonymous reporter none about themselves, whatever stands here.
    `feedback_by`: the day on which the reporter has an answer at the latest. `feedback_months` stands in its place in a
    receipt that waits for a person's word: nobody knows yet from which day its term will run.
    `follow_up`: the mail was added to a case that there was already.
    `reference`: None where intake does not know it, since that of a case that was there before is sealed to the desk.
    `encrypted_unread`: the mail is encrypted, and not to any key that the desk has.
    """

    reference: str | None
    received_at: datetime
    language: str
    full: bool
    ask: tuple[MissingField, ...] = ()
    anonymous: bool = False
    feedback_by: date | None = None
    feedback_months: int | None = None
    follow_up: bool = False
    encrypted_unread: bool = False


@dataclass(frozen=True)
class ReminderFacts:
    """The one reminder of what is missing. `ask` is not empty.

    No reference: the sender, which composes reminders, knows none, since references are sealed to the desk.
    """

    received_at: datetime
    language: str
    ask: tuple[MissingField, ...]


class Notice(StrEnum):
    """Why a member is written to. None of them tells anything about the case."""

    NEW_CASE = "new_case"
    LOOK_TODAY = "look_today"  # a new case that waits for no tomorrow; only where the desk lets a notice say so
    NOT_LOOKED_AT_TODAY = "not_looked_at_today"
    NOT_LOOKED_AT = "not_looked_at"
    FEEDBACK_OVERDUE = "feedback_overdue"
    DESTRUCTION = "destruction"
    GIVEN = "given"


@dataclass(frozen=True)
class NoticeFacts:
    """What a member is told: where to look and, where a term has passed, in how many cases and since when."""

    notice: Notice
    language: str
    url: str
    reference: str | None = None
    due: date | None = None
    count: int = 1


@dataclass(frozen=True)
class Outgoing:
    """A mail that is ready to go out. `text` is what the case keeps of it."""

    mime: bytes
    subject: str
    text: str


class _Writer:
    """The sentences of one language, filled in for one desk."""

    def __init__(self, desk: DeskSettings, catalogue: Catalogue, **values: str) -> None:
        self._sentences = catalogue.sentences
        self._values = {
            "desk": desk.name_in.get(catalogue.language, desk.name),
            "organisation": desk.organisation_in.get(catalogue.language, desk.organisation),
            "about_coordinator": desk.texts.about_coordinator,
            "support_point": desk.texts.support_point,
            "complaints": desk.texts.complaints,
            "emergency": desk.texts.emergency,
            "encryption_key_at": desk.encryption_key_at,
        } | values

    def say(self, sentence: str) -> str:
        return self._sentences[sentence].format_map(self._values)

    def heading(self, sentence: str) -> Block:
        return Heading(self.say(sentence))

    def paragraphs(self, *sentences: str) -> list[Block]:
        return [Paragraph(self.say(sentence)) for sentence in sentences]

    def items(self, *sentences: str) -> Block:
        return Items(tuple(self.say(sentence) for sentence in sentences))


def compose_receipt(desk: DeskSettings, facts: ReceiptFacts, addressing: Addressing) -> Outgoing:
    """The receipt of one mail: full, neutral, or for a mail that was added to a case."""
    catalogue = catalogue_for(facts.language)
    values = {"received": catalogue.moment(facts.received_at, desk.timezone)}
    if facts.reference is not None:
        values["reference"] = facts.reference
    if facts.feedback_by is not None:
        values["feedback_by"] = catalogue.date(facts.feedback_by)
    if facts.feedback_months is not None:
        values["term"] = catalogue.months(facts.feedback_months)
    writer = _Writer(desk, catalogue, **values)
    body = _full(writer, catalogue, facts) if facts.full else _neutral(writer, catalogue, desk, facts)
    opening = "opening_follow_up" if facts.full and facts.follow_up else "opening"
    blocks = [
        *writer.paragraphs("greeting", opening, *_reference(facts), "danger"),
        *body,
        *writer.paragraphs("signature"),
    ]
    subject = desk.neutral_subject.get(catalogue.language) or catalogue.subjects["receipt"]
    if desk.reference_in_subject and facts.reference is not None:
        subject = f"{subject} [{facts.reference}]"
    return _finish(catalogue, subject, blocks, addressing, mime.REPLIED)


def _full(writer: _Writer, catalogue: Catalogue, facts: ReceiptFacts) -> list[Block]:
    blocks = [
        writer.heading("next_heading"),
        *writer.paragraphs("next_follow_up" if facts.follow_up else "next_full"),
        *writer.paragraphs(*_promises(facts)),
    ]
    ask = _may_ask(facts.ask, anonymous=facts.anonymous)
    if ask:
        blocks += [writer.heading("missing_heading"), *writer.paragraphs("missing"), _fields(catalogue, ask)]
        blocks += writer.paragraphs("incomplete")
    elif not facts.follow_up:
        blocks += [writer.heading("general_heading"), *writer.paragraphs("general"), _general(writer, facts.anonymous)]
        blocks += writer.paragraphs("general_complete", "incomplete")
    return [
        *blocks,
        *writer.paragraphs("how_to_add", *(["anonymous"] if facts.anonymous else [])),
        writer.heading("no_consequences_heading"),
        *writer.paragraphs("no_consequences"),
        writer.heading("help_heading"),
        *writer.paragraphs("support", "about_coordinator"),
    ]


def _reference(facts: ReceiptFacts) -> list[str]:
    if facts.reference is not None:
        return ["reference"]
    # who is new to a case gets the neutral receipt, and is not told that there is an earlier mail
    return ["reference_follow_up"] if facts.full and facts.follow_up else []


def _promises(facts: ReceiptFacts) -> list[str]:
    if facts.feedback_by is not None:
        return ["feedback_by"]
    return ["feedback_within"] if facts.feedback_months is not None else []


def _neutral(writer: _Writer, catalogue: Catalogue, desk: DeskSettings, facts: ReceiptFacts) -> list[Block]:
    """For everything that is not certainly a report: it must not sound as if it were, nor shut out that it is."""
    return [
        writer.heading("next_heading"),
        *writer.paragraphs("next_encrypted" if facts.encrypted_unread else "next_neutral"),
        *(_encrypted(catalogue, desk) if facts.encrypted_unread else []),
        writer.heading("elsewhere_heading"),
        *writer.paragraphs("advice", "complaints", "about_coordinator"),
        writer.heading("general_heading"),
        *writer.paragraphs("general_neutral"),
        _general(writer, facts.anonymous),
        *writer.paragraphs("general_complete", "how_to_add", *(["anonymous"] if facts.anonymous else [])),
    ]


def _encrypted(catalogue: Catalogue, desk: DeskSettings) -> list[Block]:
    """What can be done about it, the safe ways first; in every language, for nobody knows which the sender reads."""
    offered = ["encrypted_key_at"] if desk.encryption_key_at else []
    blocks: list[Block] = []
    for language in dict.fromkeys([catalogue.language, *languages()]):
        writer = _Writer(desk, catalogue_for(language))
        other = "" if language == catalogue.language else language
        blocks.append(Heading(writer.say("encrypted_heading"), other))
        said = ("encrypted_unread", *offered, "encrypted_support", "encrypted_last")
        blocks += [Paragraph(writer.say(sentence), other) for sentence in said]
    return blocks


def compose_reminder(desk: DeskSettings, facts: ReminderFacts, addressing: Addressing) -> Outgoing:
    """The one reminder to a reporter of what is still missing."""
    catalogue = catalogue_for(facts.language)
    received = catalogue.moment(facts.received_at, desk.timezone)
    writer = _Writer(desk, catalogue, received=received)
    blocks = [
        *writer.paragraphs("greeting", "reminder_opening"),
        *writer.paragraphs("reminder_missing"),
        _fields(catalogue, facts.ask),
        *writer.paragraphs("how_to_add", "reminder_optional"),
        writer.heading("help_heading"),
        *writer.paragraphs("danger", "support", "about_coordinator", "signature"),
    ]
    return _finish(catalogue, catalogue.subjects["reminder"], blocks, addressing, mime.GENERATED)


def compose_notice(desk: DeskSettings, facts: NoticeFacts, addressing: Addressing) -> Outgoing:
    """A notice to a member of the desk, without any content of a case.

    An answer to it would come in as if a reporter had written it, so it offers no address of its own to answer to.
    """
    catalogue = catalogue_for(facts.language)
    values = {"url": facts.url, "count": str(facts.count)}
    if facts.reference is not None:
        values["reference"] = facts.reference
    if facts.due is not None:
        values["due"] = catalogue.date(facts.due)
    writer = _Writer(desk, catalogue, **values)
    first, detail = _NOTICES[facts.notice]
    blocks = writer.paragraphs(
        "greeting",
        first,
        "notice_where",
        *([detail] if detail and facts.due is not None else []),
        *(["notice_reference"] if facts.reference is not None else []),
        "notice_no_answer",
    )
    outside = replace(addressing, reply_to=None)
    return _finish(catalogue, catalogue.subjects["notice"], blocks, outside, mime.GENERATED)


_NOTICES = {
    Notice.NEW_CASE: ("notice_new", None),
    Notice.LOOK_TODAY: ("notice_new", "notice_look_today"),
    Notice.NOT_LOOKED_AT_TODAY: ("notice_not_looked_at", "notice_not_looked_at_today"),
    Notice.NOT_LOOKED_AT: ("notice_not_looked_at", "notice_not_looked_at_detail"),
    Notice.FEEDBACK_OVERDUE: ("notice_feedback", "notice_feedback_detail"),
    Notice.DESTRUCTION: ("notice_destruction", "notice_destruction_detail"),
    Notice.GIVEN: ("notice_given", "notice_given_detail"),
}


def _may_ask(ask: tuple[MissingField, ...], *, anonymous: bool) -> tuple[MissingField, ...]:
    return tuple(field for field in ask if not (anonymous and field in ABOUT_THE_REPORTER))


def _fields(catalogue: Catalogue, ask: tuple[MissingField, ...]) -> Block:
    return Items(tuple(catalogue.fields[field.value] for field in ask))


def _general(writer: _Writer, anonymous: bool) -> Block:
    contact = [] if anonymous else ["general_contact"]
    return writer.items("general_concerned", "general_description", *contact)


def _finish(
    catalogue: Catalogue, subject: str, blocks: list[Block], addressing: Addressing, auto_submitted: str
) -> Outgoing:
    document = Document(catalogue.language, subject, tuple(blocks))
    return Outgoing(mime.to_bytes(document, addressing, auto_submitted), subject, document.to_text())
