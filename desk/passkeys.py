"""Passkeys on the desk's pages: what a browser is asked, and what becomes of its answer."""

import json
from datetime import datetime

from flask import abort
from flask_babel import gettext
from sqlalchemy.orm import Session

from desk import gate
from desk.forms import NewPasskeyForm
from desk.parts import parts
from desk.tries import TooManyAttempts, counted
from store import passkeys, second_factor
from store.challenges import Purpose
from store.keyring import KeyRing
from store.passkeys import Party, Passkey, TooManyPasskeys, WrongPasskey


def party(desk: str) -> Party | None:
    """In whose name passkeys are asked for; None where the installation has none."""
    web = parts().settings.web
    if not web.passkey_domain:
        return None
    return Party(web.passkey_domain, web.passkey_origin, f"Meldpost {parts().settings.desks[desk].name}")


def asked_here() -> bytes:
    """Whom a question is for, of a member who is logged in: who has this session."""
    return gate.session_id() or abort(403)


def listed(ring: KeyRing) -> tuple[Passkey, ...]:
    with parts().database.read() as transaction:
        return passkeys.listed(transaction, ring)


def question_for_new(ring: KeyRing, asked: bytes) -> str:
    """What the browser asks a passkey that is to be made."""
    with parts().database.begin() as transaction:
        may_unlock = parts().settings.web.passkey_unlocks
        question = passkeys.ask_for_new(transaction, ring, _party(ring), asked, parts().clock(), may_unlock=may_unlock)
    return json.dumps(question)


def question_at_the_door(ring: KeyRing, asked: bytes) -> str | None:
    """What the browser asks the passkeys of who logs in; None where they have none for here."""
    who = party(ring.desk)
    if who is None:
        return None
    with parts().database.begin() as transaction:
        question = passkeys.ask_for_one(transaction, ring, who, asked, parts().clock())
    return json.dumps(question) if question["allowCredentials"] else None


def keep(ring: KeyRing, asked: bytes, form: NewPasskeyForm) -> tuple[str, ...] | None:
    """Add a passkey; gives codes for emergencies for who has none (others get none), or None where the form says what
    is wrong."""
    here, who = parts(), _party(ring)
    if not form.validate():
        return None
    try:
        given = answer(Purpose.ADD, asked, form.credential.data)
        with here.database.begin() as transaction:
            passkeys.add(transaction, ring, who, form.name.data, given, here.clock())
            return _codes_if_none(transaction, ring, here.clock())
    except WrongPasskey:
        note_refused(ring)
        form.credential.errors = [gettext("That did not work. Try once more; if it fails again, use another passkey.")]
    except TooManyPasskeys:
        form.credential.errors = [gettext("You have as many passkeys as one may have. Take one away first.")]
    return None


def refused(ring: KeyRing, asked: bytes, text: str) -> tuple[str, int] | None:
    """Why this answer of a passkey is not taken at the door; None where it is."""
    here, who = parts(), _party(ring)
    try:
        with counted(ring.desk, f"second factor of {ring.member_id}"):
            given = answer(Purpose.LOG_IN, asked, text)
            with here.database.begin() as transaction:
                passkeys.check(transaction, ring, who, given, here.clock())
    except WrongPasskey:
        note_refused(ring)
        return str(gettext("This passkey was not accepted. Try once more, or use another way.")), 403
    except TooManyAttempts:
        return str(gettext("There were too many attempts. Wait a quarter of an hour and try once more.")), 429
    return None


def answer(purpose: Purpose, asked: bytes, text: str) -> passkeys.Answer:
    """The answer to a question that is not asked any more from here on. Raises WrongPasskey."""
    with parts().database.begin() as transaction:
        return passkeys.answer_to(transaction, purpose, asked, text, parts().clock())


def _codes_if_none(transaction: Session, ring: KeyRing, now: datetime) -> tuple[str, ...]:
    if second_factor.of(transaction, ring.member_id).codes:
        return ()
    return second_factor.new_codes(transaction, ring, parts().index(ring.desk), now)


def note_refused(ring: KeyRing) -> None:
    with parts().database.begin() as transaction:
        passkeys.note_refusal(transaction, ring.desk, parts().clock(), ring.member_id)


def _party(ring: KeyRing) -> Party:
    return party(ring.desk) or abort(404)
