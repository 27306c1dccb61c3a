"""Who opens a case: shown on its page, given to a member, taken away, and kept from one whom the case is about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import gate
from desk.faults import NotFilledIn
from desk.forms import AccessForm
from desk.parts import parts
from store import casework, grants
from store.audit import Action
from store.casework import CaseView, Event
from store.changes import Changed
from store.database import Database
from store.grants import (
    CannotBeGranted,
    HasAccess,
    HasNoAccess,
    NobodyLeft,
    Person,
    ShutOut,
)
from store.keyring import DeskPublicKeys, KeyRing, NoSuchKey, UnprovenKey
from store.lookups import IndexKey
from store.membership import NoSuchMember, UnprovenMember

blueprint = Blueprint("grants", __name__, url_prefix="/cases/<case_id>/access")
blueprint.before_request(gate.require(May.MANAGE_ACCESS))

REFUSALS = (CannotBeGranted, HasAccess, HasNoAccess, NobodyLeft, ShutOut, NoSuchMember, UnprovenMember, NoSuchKey)


@dataclass(frozen=True)
class Line:
    """A member, and when and by whom it was last said that they open the case, or must not; None: from its start."""

    person: Person
    since: datetime | None
    by: str | None


@dataclass(frozen=True)
class OnPage:
    """What the page of a case shows. `may_be_given`: members to whom the case, or who reported, can be opened yet."""

    restricted: bool
    open_to: tuple[Line, ...]
    closed_to: tuple[Line, ...]
    may_be_given: tuple[Person, ...]
    may_be_kept_out: tuple[Person, ...]
    form: AccessForm


def of_case(view: CaseView) -> OnPage | None:
    """Who opens a case; None for who does not manage that, or lacks the key that the list is signed with, and where a
    key of the case is none of Meldpost's."""
    ring = gate.ring()
    if not ring.may(May.MANAGE_ACCESS):
        return None
    try:
        with parts().database.read() as transaction:
            access = grants.who_has_access(transaction, ring, gate.index(), view.case_id)
    except (NoSuchKey, UnprovenKey):  # the case is there to be read all the same
        return None
    said = {str(event.detail["member"]): event for event in _about_members(view.timeline)}

    def line(person: Person) -> Line:
        event = None if person.by_desk_key else said.get(person.member.id)
        return Line(person, event.at if event else None, event.by if event else None)

    return OnPage(
        restricted=access.restricted,
        open_to=tuple(line(each) for each in access.people if each.opens),
        closed_to=tuple(line(each) for each in access.people if each.shut_out),
        may_be_given=tuple(
            each for each in access.people if not each.shut_out and not each.identity and grants.may_open(each.member)
        ),
        may_be_kept_out=tuple(each for each in access.people if not each.shut_out),
        form=AccessForm(formdata=None),
    )


def _about_members(timeline: Iterable[Event]) -> Iterable[Event]:
    about = (Action.ACCESS_GRANTED, Action.SHUT_OUT)
    return (event for event in timeline if event.action in about and event.detail.get("member"))


@blueprint.post("/grant")
def grant(case_id: str) -> Response:
    """Let a member open the case, and if meant who reported."""
    return _give(case_id, again=False)


@blueprint.post("/let-in")
def let_in(case_id: str) -> Response:
    """Let a member open the case who was kept out of it."""
    return _give(case_id, again=True)


@blueprint.post("/withdraw")
def withdraw(case_id: str) -> Response:
    """Take a member's own key away: the case gets new ones."""

    def change(here: "_Here", form: AccessForm) -> None:
        about = (case_id, form.member.data, form.reason.data)
        list(grants.withdraw(here.database, here.ring, here.index, here.keys, *about, version=form.version.data))

    return _carry_out(case_id, change, gettext("The case has new keys, and is closed to this member."))


@blueprint.post("/shut-out")
def shut_out(case_id: str) -> Response:
    """Keep a member out whom the case is about, or near to: nobody opens it by the desk's key any more."""

    def change(here: "_Here", form: AccessForm) -> None:
        about = (case_id, form.member.data, form.reason.data)
        asked, version = form.by_request.data, form.version.data
        list(
            grants.shut_out(here.database, here.ring, here.index, here.keys, *about, by_request=asked, version=version)
        )

    return _carry_out(case_id, change, gettext("The case has new keys, and is closed to this member."))


@dataclass(frozen=True)
class _Here:
    """What a change of access takes."""

    database: Database
    ring: KeyRing
    index: IndexKey
    keys: DeskPublicKeys


def _give(case_id: str, *, again: bool) -> Response:
    def change(here: _Here, form: AccessForm) -> None:
        with here.database.begin() as transaction:
            grants.grant(
                *(transaction, here.ring, here.index, case_id, form.member.data),
                identity=form.identity.data,
                reason=form.reason.data,
                now=parts().clock(),
                again=again,
                version=form.version.data,
            )

    return _carry_out(case_id, change, gettext("This member can open the case now."))


def _carry_out(case_id: str, change: Callable[[_Here, AccessForm], None], said: str) -> Response:
    """Raises NotFound."""
    form, ring, here = AccessForm(), gate.ring(), parts()
    with here.database.read() as transaction:
        casework.case_row(transaction, ring, case_id)
        keys = here.public_keys(transaction, ring.desk)
    if not form.validate():
        raise NotFilledIn(case_id, "access", form, _reason_of(form))
    try:
        change(_Here(here.database, ring, gate.index(), keys), form)
    except Changed:
        flash(gettext("Somebody changed the case. Look at it again before you decide."), "warn")
    except REFUSALS as error:
        flash(_why(error), "warn")
    else:
        flash(said, "good")
    return _back(case_id)


def _reason_of(form: AccessForm) -> str:
    """The id of the field for the reason of the form that was sent (`_access.html`)."""
    sent = (request.endpoint or "").rpartition(".")[2].replace("_", "-")
    return f"{sent}-{form.member.data}" if sent in ("withdraw", "let-in") else f"{sent}-reason"


def _back(case_id: str) -> Response:
    """To the case; who kept themselves out has none to go back to."""
    with parts().database.read() as transaction:
        try:
            casework.case_row(transaction, gate.ring(), case_id)
        except casework.NotFound:
            return redirect(url_for("queue.show"), 303)
    return redirect(url_for("case.show", case_id=case_id, _anchor="access"), 303)


def _why(error: Exception) -> str:
    match error:
        case NobodyLeft():
            return str(
                gettext(
                    "Nobody would be left who opens this case and may say who else does. Give it to another member, "
                    "with who reported, first."
                )
            )
        case HasAccess():
            return str(gettext("This member opens the case already."))
        case HasNoAccess():
            return str(gettext("This member has no key of their own to this case."))
        case ShutOut():
            return str(gettext("This member is kept out of the case. Let them in again only by saying so."))
        case CannotBeGranted():
            return str(gettext("Members of this role read no case."))
        case UnprovenMember():
            return str(
                gettext(
                    "The key of this member was not certified by the desk. Let them log in once; if that does not "
                    "help, tell your administrator."
                )
            )
        case NoSuchMember():
            return str(gettext("Choose a member of the desk."))
        case _:
            return str(gettext("You lack a key of this case that this takes: only who opens who reported does this."))
