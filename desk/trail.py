"""The audit trail for who may read it: what stands in clear, a page at a time; and the proof that nobody changed it."""

import re
from datetime import date, datetime, time, timedelta

from flask import Blueprint, abort, render_template, request

from cases.roles import May
from desk import gate
from desk.language import zone
from desk.parts import parts
from desk.words import name
from store import trail
from store.audit import Action
from store.keyring import pins_of, trail_key_of
from store.trail import Wanted
from store.verification import Verdict, verify

blueprint = Blueprint("trail", __name__, url_prefix="/trail")
blueprint.before_request(gate.require(May.READ_TRAIL))

PAGE_SIZE = 100
_ID = re.compile("[0-9a-f]{32}")
MOST_FAULTS = 50
"""Shown of what is wrong: the first is what counts."""


@blueprint.get("/")
def show() -> str:
    """The newest rows; `?action=`, `member=`, `case=`, `since=` and `until=` choose, `before=` goes on."""
    return _page()


@blueprint.post("/verify")
def prove() -> str:
    """Look at the whole trail, as `meldpost audit verify` does without a copy from outside."""
    desk = gate.ring().desk
    settings = parts().settings.desks[desk]
    public = trail_key_of(settings)
    with parts().database.read() as transaction:
        verdict = verify(transaction, desk, public, root=pins_of(settings).signing)
    return _page(verdict, with_key=public is not None)


def _page(verdict: Verdict | None = None, *, with_key: bool = True) -> str:
    ring, asked = gate.ring(), request.args
    before = asked.get("before", None, type=int)
    with parts().database.read() as transaction:
        members = trail.members(transaction, ring)
        page = trail.page(transaction, ring.desk, _wanted(), PAGE_SIZE, before)
    chosen = {name: asked[name] for name in ("action", "member", "case", "since", "until") if asked.get(name)}
    return render_template(
        "trail.html",
        section="trail",
        page=page,
        members=members,
        chosen=chosen,
        actions=sorted(((slug, name(slug, "action")) for slug in Action), key=lambda action: action[1]),
        further=before is not None,
        verdict=verdict,
        faults=verdict.faults[:MOST_FAULTS] if verdict else (),
        with_key=with_key,
    )


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
