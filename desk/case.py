"""One case on one page: what was written, what the machine makes of it, what people decided, what is due."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template

from cases.lifecycle import OPEN, TRANSITIONS, Status
from cases.roles import May
from cases.terms import BY_HAND, LOOKS, DueKind
from desk import gate, grants, identity, presence, referrals, retention, taking, thread
from desk.certainty import sure_of
from desk.doubts import doubted_here
from desk.faults import NotFilledIn
from desk.forms import DECISIONS, CaseForm, ContactForm, FirstLookForm, MinutesForm, NoteForm, ReasonForm, StatusForm
from desk.highlight import marks_in
from desk.interpreter import Translation
from desk.messages import LONGEST_TEXT, shown
from desk.next_step import next_step
from desk.parts import parts
from desk.phones import looks_like_a_number
from desk.timeline import lines
from desk.ways import held_at, way_of
from desk.words import STATUSES_MEAN
from store import note_drafts, records
from store.audit import Action
from store.casework import CaseView, Decision, view_case
from store.changes import renew_card
from store.keyring import UnprovenKey
from store.mergers import merged_here
from store.merging import scores
from store.presence import Doing
from store.records import RecordKind
from store.search import Other

blueprint = Blueprint("case", __name__)
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refused:
    """A form that came back: `place` is the id of its section on the page."""

    place: str
    form: CaseForm | NoteForm | ReasonForm
    asked: str = ""
    """Of several forms of a section that ask for a reason, the id of the field of this one."""


@blueprint.get("/cases/<case_id>")
def show(case_id: str) -> str:
    return page(case_id)


@blueprint.app_errorhandler(NotFilledIn)
def _not_filled_in(error: NotFilledIn) -> tuple[str, int]:
    return page(error.case_id, Refused(error.place, error.form, error.asked)), 400


def look(case_id: str) -> CaseView:
    """The case, with the look on its trail, and a card that says the same. Raises NotFound."""
    ring, now = gate.ring(), parts().clock()
    with parts().database.begin() as transaction:
        view = view_case(transaction, ring, case_id, now)
        try:
            renew_card(transaction, ring, gate.index(), view, now)
        except UnprovenKey as error:  # the case is there to be read all the same; who writes to it is told
            log.error("case %s: its card is not renewed: %s", case_id, error)  # noqa: TRY400
    return view


@dataclass(frozen=True)
class Suggestions:
    """What accepting all at once would decide; `seen` tells these values from any others."""

    values: Mapping[str, Any]

    @property
    def seen(self) -> str:
        return hashlib.sha256(json.dumps(self.values, sort_keys=True).encode()).hexdigest()[:32]


def doubted(view: CaseView) -> frozenset[str]:
    """The parts of the report of which Meldpost says that it does not know, and nobody has decided."""
    return doubted_here(scores(view.suggested, view.decisions, is_linked=bool(view.linked_case_ids)))


def suggestions(view: CaseView) -> Suggestions:
    """What the machine suggests and nobody has decided. A main category may be none; other parts say something."""
    settled = {*decided(view), *doubted(view)}
    values = {}
    for part, kind in DECISIONS.items():
        if part in settled or part not in view.suggested or (view.report[part] is None and part != "primary"):
            continue
        form = kind(formdata=None)
        form.show(view.report)
        values[part] = form.decided()
    return Suggestions(values)


def corrected(view: CaseView) -> frozenset[str]:
    """The parts that a person decided otherwise than the machine suggests, by what a form of the page says of each."""

    def said(part: str, report: Mapping[str, Any]) -> Any:
        form = DECISIONS[part](formdata=None)
        form.show(report)
        return form.decided()

    of_persons = decided(view)
    both = [part for part in DECISIONS if part in of_persons and part in view.suggested]
    return frozenset(part for part in both if said(part, view.suggested) != said(part, {part: of_persons[part].value}))


@dataclass(frozen=True)
class Together:
    """Parts that were decided at once, by one act of one member."""

    parts: tuple[str, ...]
    by: str
    at: datetime


def decided_at_once(view: CaseView) -> Together | None:
    """What was decided last, where that was several parts at once."""
    last = max((each.at for each in view.decisions.values()), default=None)
    found = tuple(part for part in DECISIONS if part in view.decisions and view.decisions[part].at == last)
    return Together(found, view.decisions[found[0]].by, view.decisions[found[0]].at) if len(found) > 1 else None


_AGREE = frozenset({"primary", "categories"})
"""One of the categories is the main one: where one act decided on both, both are undone."""


def undone_with(view: CaseView) -> Mapping[str, tuple[str, ...]]:
    """Which parts are undone with each that was decided; how serious it is, where that is not the first look's."""
    shown = decided(view)

    def at_once(part: str, other: str) -> bool:
        return other == part or ({part, other} <= _AGREE and view.decisions[other].at == view.decisions[part].at)

    return {
        part: tuple(other for other in DECISIONS if other in view.decisions and at_once(part, other))
        for part, decision in view.decisions.items()
        if shown[part] == decision
    }


def decided(view: CaseView) -> Mapping[str, Decision]:
    """What persons decided of the report; how serious it is, in the first look too, where that came later."""
    found, looked = dict(view.decisions), view.first_look
    if looked and ("severity" not in found or looked.at > found["severity"].at):
        found["severity"] = Decision(looked.answers.severity.value, looked.by, looked.at)
    return found


def _references(case_ids: Sequence[str]) -> Mapping[str, str]:
    with parts().database.read() as transaction:
        cards = records.opened_of_subjects(transaction, gate.ring(), case_ids, RecordKind.CARD)
    return {case_id: cards.get(case_id, {}).get("reference", "") for case_id in case_ids}


def _merged_here(case_id: str) -> tuple[str, ...]:
    with parts().database.read() as transaction:
        return merged_here(transaction, gate.ring(), case_id)


def _others(view: CaseView) -> tuple[Other, ...]:
    """Other cases that name a person concerned of this one, as far as they are known yet."""
    persons = [person["name"] for person in view.report.get("concerned") or () if person.get("name")]
    index = gate.search_index_at_hand()
    if not persons or not index.ready:
        return ()
    with parts().database.read() as transaction:
        return index.others_naming(transaction, gate.ring(), view.case_id, persons)


def page(case_id: str, refused: Refused | None = None, translation: Translation | None = None) -> str:
    """The page of a case; a form that was refused stands in it as it was sent, with what is wrong. Who
    reported stands there once the member said why. A translation stands below its message, this once."""
    whole = look(case_id)
    is_open = whole.opens_identity and identity.is_open(case_id)
    view = whole if is_open else whole.without_identity()
    own = parts().settings.own_addresses()
    concerned = view.report["concerned"] if "concerned" in view.decisions else None
    access = grants.of_case(view)
    has_draft = thread.has_draft(case_id)
    mails = [shown(message, own, concerned, identity=view.opens_identity) for message in view.messages]
    return render_template(
        "case.html",
        section="queue",
        view=view,
        here_now=presence.arrive(view, Doing.LOOKING),
        report=view.report,
        suggested=view.suggested,
        suggestions=suggestions(view),
        certainty=sure_of(view.suggested or {}),
        corrected=corrected(view),
        decided_of=decided(view),
        writes=gate.ring().may(May.WRITE) and view.merged_into is None,
        merged_into=_references([view.merged_into] if view.merged_into else []),
        together=decided_at_once(view),
        undone_with=undone_with(view),
        doubted=doubted(view),
        marks=marks_in(text for mail in mails for text in mail.texts),
        is_open=view.status in OPEN,
        by_hand=BY_HAND,
        looks=LOOKS,
        mails=mails,
        longest=LONGEST_TEXT,
        translates=bool(parts().settings.translation.command),
        translation=translation,
        waits=_why_mails_wait(view),
        letters=thread.in_thread(view),
        has_draft=has_draft,
        next_step=next_step(view, has_draft=has_draft),
        bounces={mail.message.id: mail.undelivered for mail in mails},
        lines=lines(view),
        by_machines=_by_machines(view),
        known=_known(view),
        odd_phone=not looks_like_a_number(_known(view).get("phone") or "") and bool(_known(view).get("phone")),
        linked=_references(view.linked_case_ids),
        refer_to=referrals.choices(),
        likely_place={"klacht": "complaints", "advies": "advice"}.get(view.report.get("kind") or ""),
        ways={way_of(each.content) for each in view.messages} - {""},
        has_minutes=held_at(whole) is not None,
        minutes=_minutes(view, refused),
        receipt_is_due=any(each.kind is DueKind.RECEIPT for each in view.dues),
        opens_all=whole.opens_identity,
        merged_here=_references(_merged_here(case_id)),
        others=_others(view),
        refused=refused,
        identity_closed=whole.opens_identity and not is_open,
        identity=refused.form
        if refused and refused.place == "contact" and isinstance(refused.form, ReasonForm)
        else ReasonForm(formdata=None),
        identity_minutes=parts().settings.web.identity_minutes,
        decisions={part: _decision(part, view, refused) for part in DECISIONS},
        contact=contact_form(view, refused),
        first_look=first_look_form(view, refused),
        status_form=_status(view, refused),
        status_means=STATUSES_MEAN,
        closing=Status.CLOSED in TRANSITIONS[view.status],
        retention=retention.of_case(view),
        access=access,
        holding=taking.of_case(view, access),
        note=_note(case_id, refused),
    )


def _decision(part: str, view: CaseView, refused: Refused | None) -> CaseForm:
    if refused and refused.place == f"field-{part}" and isinstance(refused.form, CaseForm):
        return refused.form
    form = DECISIONS[part](formdata=None)
    form.show(view.report)
    if part in doubted(view):
        form.value.data = None  # nothing is chosen beforehand
    return form


def _note(case_id: str, refused: Refused | None) -> NoteForm:
    """The note that the member is writing, as it was sent or as it is kept."""
    if refused and isinstance(refused.form, NoteForm):
        return refused.form
    form = NoteForm(formdata=None)
    if gate.ring().may(May.WRITE):
        with parts().database.read() as transaction:
            kept = note_drafts.begun(transaction, gate.ring(), case_id)
        form.text.data, form.draft.data = kept.text, kept.version
    return form


def _why_mails_wait(view: CaseView) -> Mapping[str, str]:
    """The reason (a slug) of each receipt that waits: it is decided on in the transaction that writes it."""
    held = [event for event in view.timeline if event.action is Action.RECEIPT_DECIDED and event.detail.get("held")]
    reasons = {event.at: event.detail.get("reason", "") for event in held}
    return {mail.id: reasons[mail.created_at] for mail in view.outgoing if mail.created_at in reasons}


def _by_machines(view: CaseView) -> bool:
    return bool(view.messages) and all(message.content.get("automatic") for message in view.messages)


def _known(view: CaseView) -> Mapping[str, Any]:
    """Who the reporter is. A machine that sent a message is none: of such a case only what a person wrote down."""
    if not _by_machines(view):
        return view.contact
    of_machines = {(part, value) for message in view.messages for part, value in message.contact.items()}
    return {part: None if (part, value) in of_machines else value for part, value in view.contact.items()}


def contact_form(view: CaseView, refused: Refused | None = None) -> ContactForm:
    if refused and isinstance(refused.form, ContactForm):
        return refused.form
    return ContactForm(formdata=None, data=_known(view))


def _minutes(view: CaseView, refused: Refused | None) -> MinutesForm:
    if refused and isinstance(refused.form, MinutesForm):
        return refused.form
    form = MinutesForm(formdata=None)
    if view.minutes:
        form.answer.data, form.answered.data = view.minutes.answer.value, view.minutes.on
        form.corrections.data = view.minutes.corrections
    return form


def first_look_form(view: CaseView, refused: Refused | None = None) -> FirstLookForm:
    if refused and isinstance(refused.form, FirstLookForm):
        return refused.form
    form = FirstLookForm(formdata=None)
    if view.first_look:
        answers = view.first_look.answers
        form.clear.data = "yes" if answers.clear else "no"
        form.breach.data = "yes" if answers.breach else "no"
        form.severity.data = answers.severity.value
    if "severity" in view.decisions:  # else the answer would take back unseen what a person decided
        form.severity.data = view.report["severity"]
    return form


def _status(view: CaseView, refused: Refused | None) -> StatusForm:
    form = refused.form if refused and isinstance(refused.form, StatusForm) else StatusForm(formdata=None)
    form.offer(TRANSITIONS[view.status])
    if refused is None and len(form.status.choices) == 1:
        form.status.data = form.status.choices[0].value  # there is nothing to choose
    return form
