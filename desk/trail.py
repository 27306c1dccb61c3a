"""The audit trail for who may read it: what stands in clear, a page at a time; and the proof that nobody changed it."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from cases.references import references_in
from cases.roles import May
from desk import gate
from desk.forms import TrailForm
from desk.language import zone
from desk.parts import parts
from desk.words import name
from store import lookups, records, trail
from store.audit import Action
from store.keyring import pins_of, trail_key_of
from store.records import RecordKind
from store.trail import Wanted
from store.verification import Verdict, verify

blueprint = Blueprint("trail", __name__, url_prefix="/trail")
blueprint.before_request(gate.require(May.READ_TRAIL))

PAGE_SIZE = 100
_ID = re.compile("[0-9a-f]{32}")
_MOST_ID = 2**63 - 1
"""Of a row: both databases count no further."""
MOST_FAULTS = 50
"""Shown of what is wrong: the first is what counts."""


@blueprint.get("/")
def show() -> str:
    """The newest rows; `?action=`, `member=`, `case=`, `since=` and `until=` choose, `before=` goes on."""
    return _page(_filled_in())


@blueprint.post("/")
def choose() -> Response | tuple[str, int]:
    """Go to the rows that are asked for. A reference is typed in, and stands in no address: the id of its case does."""
    form = _offered(TrailForm())
    form.look_up = _case_of
    if not form.validate():
        return _page(form), 400
    return redirect(url_for("trail.show", **form.asked()), 303)


@blueprint.post("/verify")
def prove() -> str:
    """Look at the whole trail, as `meldpost audit verify` does without a copy from outside."""
    desk = gate.ring().desk
    settings = parts().settings.desks[desk]
    public = trail_key_of(settings)
    with parts().database.read() as transaction:
        verdict = verify(transaction, desk, public, root=pins_of(settings).signing)
    return _page(_filled_in(), verdict, with_key=public is not None)


def _page(form: TrailForm, verdict: Verdict | None = None, *, with_key: bool = True) -> str:
    ring, asked = gate.ring(), request.args
    before = asked.get("before", None, type=int)
    if before is not None and not 0 < before <= _MOST_ID:
        abort(404)
    with parts().database.read() as transaction:
        members = trail.members(transaction, ring)
        page = trail.page(transaction, ring, _wanted(), PAGE_SIZE, before)
        references = _references(transaction, [*(line.case_id for line in page.lines), asked.get("case")])
    chosen = {name: asked[name] for name in ("action", "member", "case", "since", "until") if asked.get(name)}
    return render_template(
        "trail.html",
        section="trail",
        page=page,
        members=members,
        chosen=chosen,
        form=form,
        references=references,
        further=before is not None,
        verdict=verdict,
        faults=verdict.faults[:MOST_FAULTS] if verdict else (),
        with_key=with_key,
        leaves_out=ring.may(May.OPEN_THE_DESK),
    )


def _filled_in() -> TrailForm:
    """The form, as the address says."""
    form, asked = _offered(TrailForm(formdata=None)), request.args
    form.action.data, form.member.data = asked.get("action", ""), asked.get("member", "")
    form.since.data, form.until.data = _day("since"), _day("until")
    case_id = _id("case")
    if case_id:
        with parts().database.read() as transaction:
            form.case.data = _references(transaction, [case_id]).get(case_id, case_id)
    return form


def _offered(form: TrailForm) -> TrailForm:
    """The form, with what can be chosen."""
    with parts().database.read() as transaction:
        members = trail.members(transaction, gate.ring())
    actions = sorted(((slug.value, name(slug, "action")) for slug in Action), key=lambda action: action[1])
    form.action.choices = [("", gettext("everything")), *actions]
    form.member.choices = [("", gettext("everybody")), *((each, login or each[:8]) for each, login in members.items())]
    return form


def _references(session: Session, case_ids: Iterable[str | None]) -> Mapping[str, str]:
    """What these cases are called, of those that the member opens. That tells nothing of what is in them."""
    ids = {case_id for case_id in case_ids if case_id}
    cards = records.opened_of_subjects(session, gate.ring(), sorted(ids), RecordKind.CARD)
    return {case_id: card["reference"] for case_id, card in cards.items() if card.get("reference")}


def _case_of(typed: str) -> str | None:
    """The case of a reference, or of an id as the trail has it. Who opens no case finds those that nobody is kept out
    of; of the others they know the id alone."""
    if _ID.fullmatch(typed):
        return typed
    ring = gate.ring()
    with parts().database.read() as transaction:
        for reference in references_in(typed) or (typed,):
            found = lookups.case_by_reference(transaction, ring.desk, gate.index().reference(reference))
            if found and trail.may_find(transaction, ring, found):
                return found
    return None


def _wanted() -> Wanted:
    asked, until = request.args, _day("until")
    action = asked.get("action") or None
    if action is not None and action not in set(Action):
        abort(404)
    return Wanted(
        action=action,
        member_id=_id("member"),
        case_id=_id("case"),
        since=_midnight(_day("since")),
        until=_midnight(until + timedelta(days=1) if until else None),
    )


def _id(name: str) -> str | None:
    """Nothing but ids: what is asked stands in the address, and a name or a word of a case has no place there."""
    given = request.args.get(name, "").strip()
    if given and not _ID.fullmatch(given):
        abort(404)
    return given or None


def _day(name: str) -> date | None:
    given = request.args.get(name)
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        abort(404)


def _midnight(day: date | None) -> datetime | None:
    """The beginning of a day where the desk is."""
    return None if day is None else datetime.combine(day, time.min, zone())
