"""Who has a case: shown on its page, taken, given to another member, given back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from cases.roles import May
from desk import gate
from desk.forms import CaseForm, HolderForm
from desk.grants import OnPage as Access
from desk.parts import parts
from store import taking
from store.casework import CaseView, case_row
from store.changes import Changed
from store.grants import Person
from store.keyring import KeyRing, NoSuchKey, UnprovenKey
from store.lookups import IndexKey
from store.membership import NoSuchMember
from store.taking import AnothersCase, CannotHaveIt

blueprint = Blueprint("taking", __name__, url_prefix="/cases/<case_id>/holder")
blueprint.before_request(gate.require(May.WRITE))


@dataclass(frozen=True)
class OnPage:
    """What the page of a case offers. `others`: the members to whom it can be given."""

    mine: bool
    may_take: bool
    may_give_back: bool
    others: tuple[Person, ...]


def of_case(view: CaseView, access: Access | None) -> OnPage:
    """`access`: who opens the case, where this member manages that."""
    ring, holder = gate.ring(), view.holder
    mine = holder is not None and holder.member_id == ring.member_id
    may_move = (
        ring.may(May.WRITE) and view.merged_into is None and (holder is None or mine or ring.may(May.MANAGE_ACCESS))
    )
    has_it = {ring.member_id, holder.member_id if holder else ""}
    people = [line.person for line in access.open_to] if access and view.merged_into is None else []
    others = tuple(each for each in people if taking.may_have(each) and each.member.id not in has_it)
    return OnPage(mine, may_move and not mine, may_move and holder is not None, others)


@blueprint.post("/take")
def take(case_id: str) -> Response:
    """Have the case from now on."""
    form = CaseForm()

    def change(transaction: Session) -> None:
        taking.take(*_about(transaction, case_id), version=form.version.data, now=parts().clock())

    return _carry_out(case_id, form, change, gettext("You have this case now."))


@blueprint.post("/give")
def give(case_id: str) -> Response:
    """Let another member have the case. Raises NotAllowed."""
    gate.ring().require(May.MANAGE_ACCESS)
    form = HolderForm()

    def change(transaction: Session) -> None:
        about = (*_about(transaction, case_id), form.member.data)
        taking.give_to(*about, version=form.version.data, now=parts().clock(), tell_after=_tell_after())

    return _carry_out(case_id, form, change, gettext("This member has the case now."))


@blueprint.post("/back")
def give_back(case_id: str) -> Response:
    """Nobody has the case from now on."""
    form = CaseForm()

    def change(transaction: Session) -> None:
        taking.give_back(*_about(transaction, case_id), version=form.version.data, now=parts().clock())

    return _carry_out(case_id, form, change, gettext("Nobody has this case now. Everybody who opens it can take it."))


def _tell_after() -> timedelta | None:
    minutes = parts().settings.desks[gate.ring().desk].given_notice_minutes
    return timedelta(minutes=minutes) if minutes else None


def _about(transaction: Session, case_id: str) -> tuple[Session, KeyRing, IndexKey, str]:
    return transaction, gate.ring(), gate.index(), case_id


def _carry_out(case_id: str, form: CaseForm, change: Callable[[Session], None], said: str) -> Response:
    """Raises NotFound."""
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)
    if not form.validate():
        flash(gettext("Choose a member of the desk."), "warn")
        return _back(case_id)
    try:
        with parts().database.begin() as transaction:
            change(transaction)
    except Changed:
        flash(gettext("Somebody changed the case. Look at it again before you decide."), "warn")
    except AnothersCase:
        flash(gettext("Another member has this case. Ask them, or the coordinator."), "warn")
    except NoSuchMember:
        flash(gettext("Choose a member of the desk."), "warn")
    except (CannotHaveIt, NoSuchKey, UnprovenKey):
        flash(gettext("This member does not open this case, or only reads. Give them access first."), "warn")
    else:
        flash(said, "good")
    return _back(case_id)


def _back(case_id: str) -> Response:
    return redirect(url_for("case.show", case_id=case_id, _anchor="holder"), 303)
