"""The members of the desk: who there is, and adding, changing and taking leave of them."""

from collections.abc import Callable, Sequence

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from cases.roles import May, Role, holds_the_desk_key
from config.addresses import BadAddress
from desk import confirming, gate
from desk.forms import NewMemberForm, RoleForm
from desk.parts import parts
from store import consent, members, membership, second_factor
from store.casework import NotFound
from store.consent import ConsentNeeded, NewAccess
from store.keyring import NoSuchKey, pins_of
from store.members import MemberExists, OwnKey
from store.membership import LastHolder, Listed, NoSuchMember, Taken, UnprovenMember
from store.passphrase_rules import WeakPassphrase, offer, refuse_weak
from store.reach import reaches

blueprint = Blueprint("members", __name__, url_prefix="/members")
blueprint.before_request(gate.require(May.MANAGE_ACCESS))

Page = str | tuple[str, int]


@blueprint.get("/")
def show() -> str:
    with parts().database.read() as transaction:
        listed = membership.listed(transaction, gate.ring())
        due = membership.is_rotation_due(transaction, gate.ring().desk)
    by_two = bool(parts().settings.desks[gate.ring().desk].two_members)
    how_far = parts().upkeep.how_far(gate.ring().desk)
    return render_template(
        "members.html", section="members", members=listed, rotation_due=due, by_two=by_two, how_far=how_far
    )


@blueprint.get("/add")
def ask() -> str:
    return _adding(NewMemberForm())


@blueprint.post("/add")
def add() -> Page | Response:
    form = NewMemberForm()
    if not form.validate():
        return _adding(form), 400
    here, ring = parts(), gate.ring()
    login, address, passphrase = form.login.data, form.address.data, form.passphrase.data
    new = NewAccess(login, address, Role(form.role.data))
    try:
        own_key = _own_key(passphrase, [login, address])
        with here.database.begin() as transaction:
            _use_consent(transaction, new)
            members.admit(
                *(transaction, ring, own_key),
                login=login,
                address=address,
                secret=here.passphrase_secret(ring.desk),
                role=Role(form.role.data),
                now=here.clock(),
            )
    except ConsentNeeded:
        return _ask_consent(new)
    except WeakPassphrase:
        form.passphrase.errors = [_too_weak()]
    except MemberExists:
        form.login.errors = [gettext("This name is taken at this desk. Choose another.")]
    except BadAddress:
        form.address.errors = [gettext("Write one plain e-mail address, like name@example.org.")]
    else:
        return render_template("member_key.html", section="members", login=login, passphrase=passphrase, back=False)
    return _adding(form), 400


@blueprint.get("/<member_id>")
def one(member_id: str) -> str:
    return _page(_found(member_id), RoleForm())


@blueprint.post("/<member_id>/role")
def change_role(member_id: str) -> Page | Response:
    form = RoleForm()
    if not form.validate():
        return _page(_found(member_id), form), 400
    role, ring, now, found = Role(form.role.data), gate.ring(), parts().clock(), _found(member_id)
    new = NewAccess(found.login, found.address, role)

    def change(session: Session) -> Taken:
        if holds_the_desk_key(role) and not found.holds_desk_key:
            _use_consent(session, new)
        return membership.change_role(session, ring, member_id, role, now)

    try:
        return _carry_out(found, form, change)
    except ConsentNeeded:
        return _ask_consent(new)


@blueprint.post("/<member_id>/leave")
def leave(member_id: str) -> Page | Response:
    ring, now = gate.ring(), parts().clock()
    return _carry_out(
        _found(member_id), RoleForm(), lambda session: membership.leave(session, ring, member_id, now), leaves=True
    )


@blueprint.post("/<member_id>/return")
def come_back(member_id: str) -> Page | Response:
    form, found = RoleForm(), _found(member_id)
    if not form.validate():
        return _page(found, form), 400
    passphrase, ring, now = offer(), gate.ring(), parts().clock()
    own_key, new = _own_key(passphrase, []), NewAccess(found.login, found.address, Role(form.role.data))
    try:
        with parts().database.begin() as transaction:
            _use_consent(transaction, new)
            membership.take_back(transaction, ring, member_id, own_key, Role(form.role.data), now)
    except ConsentNeeded:
        return _ask_consent(new)
    except (NoSuchMember, NoSuchKey) as error:
        return _page(_found(member_id), form, _why(error)), 409
    return render_template("member_key.html", section="members", login=found.login, passphrase=passphrase, back=True)


@blueprint.post("/<member_id>/reset-second-factor")
@confirming.first
def reset_second_factor(member_id: str) -> Response:
    found = _found(member_id)
    with parts().database.begin() as transaction:
        second_factor.reset(transaction, gate.ring(), member_id, parts().clock())
    flash(
        gettext("%(name)s has no second factor any more, and can set one up after logging in.", name=found.login),
        "good",
    )
    return redirect(url_for("members.show"), 303)


def _carry_out(
    found: Listed, form: RoleForm, change: Callable[[Session], Taken], *, leaves: bool = False
) -> Page | Response:
    try:
        with parts().database.begin() as transaction:
            taken = change(transaction)
    except (NoSuchMember, LastHolder, UnprovenMember, NoSuchKey) as error:
        return _page(_found(found.id), form, _why(error)), 409
    if leaves:
        flash(gettext("%(name)s is no member of the desk any more.", name=found.login), "good")
    else:
        flash(gettext("%(name)s has another role now, and has to log in again.", name=found.login), "good")
    if taken.case_ids:
        _renew(taken.case_ids)
    return redirect(url_for("members.show"), 303)


def _renew(case_ids: Sequence[str]) -> None:
    """Have the keys of these cases made anew beside the requests, as far as this member opens them."""
    here, ring = parts(), gate.ring()
    with here.database.read() as transaction:
        reached = [each for each in case_ids if reaches(transaction, ring, each)]
    if reached:
        here.upkeep.renew(ring, gate.index(), pins_of(here.settings.desks[ring.desk]), reached)
    if len(reached) < len(case_ids):
        flash(
            gettext(
                "This member had keys of cases that you do not open. They get new ones when somebody logs in who does."
            ),
            "warn",
        )


def _use_consent(session: Session, new: NewAccess) -> None:
    """Raises ConsentNeeded."""
    settings = parts().settings.desks[gate.ring().desk]
    consent.use_for_access(session, settings, gate.ring(), gate.index(), new, parts().clock())


def _ask_consent(new: NewAccess) -> Response:
    """Nothing was changed: another member has to agree, and is asked on the page where all consents stand."""
    with parts().database.begin() as transaction:
        consent.ask_for_access(transaction, gate.ring(), gate.index(), new, parts().clock())
    flash(gettext("This takes the consent of another member. When it is given, do the same again."), "warn")
    return redirect(url_for("consents.show"), 303)


def _own_key(passphrase: str, known: list[str]) -> OwnKey:
    """Raises WeakPassphrase, TooManyDerivations."""
    here, desk = parts(), gate.ring().desk
    refuse_weak(passphrase, [*known, desk, here.settings.desks[desk].organisation])
    return OwnKey.make(passphrase, here.passphrase_secret(desk), here.cost, here.derivations)


def _found(member_id: str) -> Listed:
    """Raises NotFound."""
    with parts().database.read() as transaction:
        listed = membership.listed(transaction, gate.ring())
    found = next((each for each in listed if each.id == member_id), None)
    if found is None:
        raise NotFound("There is no such member.")
    return found


def _adding(form: NewMemberForm) -> str:
    """With other words each time: what was typed for a passphrase is never sent back."""
    form.passphrase.data = offer()
    return render_template("member_add.html", section="members", form=form)


def _page(found: Listed, form: RoleForm, refused: str | None = None) -> str:
    if form.role.data is None and found.role is not None:
        form.role.data = found.role
    return render_template("member.html", section="members", member=found, form=form, refused=refused)


def _too_weak() -> str:
    return str(
        gettext("This passphrase is too easy to guess. Take seven words that have nothing to do with each other.")
    )


def _why(error: Exception) -> str:
    match error:
        case LastHolder():
            return str(
                gettext(
                    "Without this member nobody could open the cases, or some of them. Add somebody else who holds the "
                    "desk's key, or give those cases to another member, first."
                )
            )
        case UnprovenMember():
            return str(
                gettext(
                    "The key of this member was not certified by the desk. Let them log in once; if that does not "
                    "help, tell your administrator."
                )
            )
        case NoSuchMember():
            return str(gettext("Somebody else was first: look at the members as they are now."))
        case _:
            return str(gettext("The desk has newer keys than you had when you logged in. Log out, and in again."))
