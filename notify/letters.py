"""Letters of a person to a reporter: the text that they begin from, the mail that becomes of it, and what follows.

The text that is offered holds what a receipt may hold: sentences of the catalogue, the reference, dates, names of
fields and the desk's settings. What a person then writes is theirs; subject and sender tell nothing all the same. The
desk signs no token: the sender puts the places in that lead back to the case.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from cases.letters import Purpose
from cases.lifecycle import Status
from cases.terms import DoneReason, DueKind
from config.settings import DeskSettings
from config.taxonomy import ABOUT_THE_REPORTER, Kind, MissingField
from notify import mime
from notify.addressing import address
from notify.catalogue import Catalogue, catalogue_for, languages
from notify.keys import SenderKeys
from notify.letter_texts import built_in, fill
from notify.mime import File
from store import audit, dues
from store.audit import Action
from store.outbox import Mail
from store.sending import Claim, key_of_the_case, lead_on

_PLACE = re.compile(r"\[[^\[\]]{1,300}\]")


@dataclass(frozen=True)
class LetterFacts:
    """What a letter may be filled with. `missing` is surely missing, `perhaps` may be. `answer_by`: the day on which
    feedback is due; None where it is not. `elsewhere`: the organisation that a referral names, as the desk's settings
    have it. `minutes`: of a conversation, as they were entered."""

    purpose: Purpose
    language: str
    received_at: datetime
    reference: str = ""
    kind: Kind | None = None
    missing: tuple[MissingField, ...] = ()
    perhaps: tuple[MissingField, ...] = ()
    anonymous: bool = False
    answer_by: date | None = None
    elsewhere: str = ""
    minutes: str = field(default="", repr=False)


def offered(desk: DeskSettings, facts: LetterFacts, text: str | None = None) -> str:
    """The text of a letter as a person begins it, from a text of the desk's own or the one that Meldpost comes with.

    Where they have to say something themselves stands `[…]`. Raises CannotBeFilled.
    """
    catalogue = catalogue_for(facts.language)
    values = {
        "desk": desk.name_in.get(catalogue.language, desk.name),
        "organisation": desk.organisation_in.get(catalogue.language, desk.organisation),
        "support_point": desk.texts.support_point,
        "complaints": desk.texts.complaints,
        "received": catalogue.moment(facts.received_at, desk.timezone),
        "reference": facts.reference,
        "answer_by": catalogue.date(facts.answer_by) if facts.answer_by else "",
        "missing": "\n".join(_asked(facts, catalogue)),
        "elsewhere": facts.elsewhere,
    }
    values["missing"] = values["missing"] or catalogue.sentences["letter_ask_place"]
    values["minutes"] = facts.minutes or catalogue.sentences["letter_minutes_place"]
    where = "letter_referral_elsewhere" if facts.elsewhere else _WHERE_TO.get(facts.kind, "letter_referral_place")
    values["where_to"] = catalogue.sentences[where].format_map(values)
    return fill(built_in(facts.purpose, catalogue.language) if text is None else text, values)


_WHERE_TO: Mapping[Kind | None, str] = {Kind.KLACHT: "complaints", Kind.ADVIES: "advice"}


def _asked(facts: LetterFacts, catalogue: Catalogue) -> list[str]:
    """A line for each field; of one that may be there already the writer has to say. An anonymous reporter is asked
    nothing about themselves."""
    place = dict.fromkeys(facts.perhaps, f" {catalogue.sentences['letter_ask_perhaps']}")
    return [
        f"- {catalogue.fields[field]}{place.get(field, '')}"
        for field in (*facts.missing, *facts.perhaps)
        if not (facts.anonymous and field in ABOUT_THE_REPORTER)
    ]


def places_left(text: str, begun_from: str = "") -> tuple[str, ...]:
    """What a catalogue, or the text that the letter began from, left for the writer to say, and nobody has."""
    known = {place for language in languages() for place in _places(catalogue_for(language))}
    known.update(_PLACE.findall(begun_from))
    return tuple(place for place in dict.fromkeys(_PLACE.findall(text)) if place in known)


def _places(catalogue: Catalogue) -> list[str]:
    return [place for sentence in catalogue.sentences.values() for place in _PLACE.findall(sentence)]


def subject_of(desk: DeskSettings, language: str, reference: str) -> str:
    """The subject of each letter: it tells nothing."""
    subject = catalogue_for(language).subjects["letter"]
    return f"{subject} [{reference}]" if desk.reference_in_subject and reference else subject


def compose_letter(
    desk: DeskSettings,
    *,
    to: str,
    subject: str,
    language: str,
    text: str,
    files: Sequence[File] = (),
    in_reply_to: str | None = None,
    references: tuple[str, ...] = (),
    now: datetime,
) -> bytes:
    """The mail, but for the places that lead back to its case: `completed` puts them in. Raises BadAddress."""
    outside = address(desk, "", to, date=now, in_reply_to=in_reply_to, references=references, by_a_person=True)
    unsigned = replace(outside, message_id="", reply_to=None)
    return mime.letter(subject, catalogue_for(language).language, text, files, unsigned)


def completed(desk: DeskSettings, token: str, mail: Mail, now: datetime) -> Mail:
    """A letter as it is handed over: with its Message-ID, and with where answers and bounces come back."""
    outside = address(desk, token, mail.recipient, date=now, by_a_person=True)
    return replace(
        mail,
        message_id=outside.message_id,
        envelope_sender=outside.envelope_sender,
        mime=mime.with_ways_back(mail.mime, outside.message_id, outside.reply_to),
    )


def was_sent(session: Session, keys: SenderKeys, claimed: Claim, mail: Mail, now: datetime) -> None:
    """What a letter was to meet is met, and its case stands where the letter leads; the trail says by what. Of a letter
    that came back a person says that it is not."""
    if claimed.case_id is None or not mail.fulfils:
        return
    if mail.leads_to:
        lead_on(session, claimed, Status(mail.leads_to), now, key_of_the_case(session, claimed, keys.index))
    due = {each.kind for each in dues.open_dues(session, claimed.case_id)}
    met = [kind for kind in map(DueKind, mail.fulfils) if kind in due]
    dues.finish_dues(session, claimed.case_id, met)
    to = key_of_the_case(session, claimed, keys.index)
    for kind in met:
        detail = {"due": kind, "reason": DoneReason.SENT}
        audit.write(session, claimed.desk, Action.DUE_DONE, now, case_id=claimed.case_id, detail=detail, to=to)
