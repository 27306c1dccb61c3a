"""Passkeys and security keys as a second factor: Web Authentication, Level 3 (W3C).

A passkey signs our question together with the address of the page that asked, so that it is of no use to a page that
only looks like ours, and says that it knew its owner (by a finger, a face or a number of its own). What it is checked
by is sealed to the member's own key, as the secret of an app for codes is.

`py_webauthn` takes answers apart and checks their signatures, type, origin, domain and flags; that a question counts
once (`store.challenges`), and a counter only upwards, is ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from store import audit, challenges, second_factor
from store.audit import Action
from store.challenges import Purpose
from store.database import changed_rows
from store.keyring import KeyRing, PublicPair
from store.schema import SecondFactor
from store.second_factor import Kind, WrongCode

MOST = 10
"""Passkeys of one member."""
NAME_LENGTH = 60
_PATIENCE = int(challenges.LIFE.total_seconds() * 1000)


class WrongPasskey(WrongCode):
    """This is no answer of a passkey of this member to what was asked, or one that was given already."""


class TooManyPasskeys(Exception):
    """The member has as many passkeys as one may have."""


@dataclass(frozen=True)
class Party:
    """Who asks: the domain that passkeys are made for, the address that a browser has to name, and a name to show."""

    domain: str
    origin: str
    name: str


@dataclass(frozen=True)
class Passkey:
    """A passkey as its owner sees it. `unlocks`: it opens their access by itself."""

    id: str
    name: str
    domain: str
    created_at: datetime
    used_at: datetime | None
    unlocks: bool


@dataclass(frozen=True)
class Answer:
    """What a browser sent, whose question was ours and is not asked any more."""

    text: str
    challenge: bytes


@dataclass(frozen=True)
class Kept:
    """A passkey of a member, opened."""

    row: SecondFactor
    content: Mapping[str, Any]

    @property
    def credential(self) -> bytes:
        """The name that the passkey gave itself."""
        return bytes.fromhex(self.content["credential"])

    @property
    def described(self) -> PublicKeyCredentialDescriptor:
        transports = [AuthenticatorTransport(each) for each in self.content["transports"]]
        return PublicKeyCredentialDescriptor(id=self.credential, transports=transports)


def listed(session: Session, ring: KeyRing) -> tuple[Passkey, ...]:
    """The passkeys of who opened this ring, the oldest first."""
    return tuple(
        Passkey(
            *(each.row.id, each.content["name"], each.content["domain"], each.row.created_at, each.row.used_at),
            unlocks=each.row.wrapped_seed is not None,
        )
        for each in _kept(session, ring)
    )


def ask_for_new(
    session: Session, ring: KeyRing, party: Party, asked: bytes, now: datetime, *, may_unlock: bool = False
) -> dict[str, Any]:
    """What the browser is to ask a passkey that is made now: arguments of `navigator.credentials.create`.

    One that may open its member's access by itself later has to be found without being named, and to have the PRF
    extension from the start; where it can do neither, it is a second factor like others.
    """
    discoverable = ResidentKeyRequirement.PREFERRED if may_unlock else ResidentKeyRequirement.DISCOURAGED
    options = generate_registration_options(
        rp_id=party.domain,
        rp_name=party.name,
        user_id=bytes.fromhex(ring.member_id),
        user_name=ring.login,
        challenge=challenges.ask(session, Purpose.ADD, asked, now),
        timeout=_PATIENCE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=discoverable, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[each.described for each in _kept(session, ring, party)],
    )
    return options_to_json_dict(options) | ({"extensions": {"prf": {}}} if may_unlock else {})


def ask_for_one(session: Session, ring: KeyRing, party: Party, asked: bytes, now: datetime) -> dict[str, Any]:
    """What the browser is to ask a passkey of who logs in: arguments of `navigator.credentials.get`."""
    known = [each.described for each in _kept(session, ring, party)]
    return request(party, challenges.ask(session, Purpose.LOG_IN, asked, now), known)


def request(party: Party, challenge: bytes, known: list[PublicKeyCredentialDescriptor]) -> dict[str, Any]:
    """The question to one of these passkeys, or to any that the person has for this domain where none is known."""
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=party.domain,
            challenge=challenge,
            timeout=_PATIENCE,
            allow_credentials=known,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def answer_to(session: Session, purpose: Purpose, asked: bytes, text: str, now: datetime) -> Answer:
    """What a browser sent, if it answers what was asked of it for this purpose. Commit this before it is checked.

    Raises WrongPasskey.
    """
    with _refusing():
        client_data = base64url_to_bytes(json.loads(text)["response"]["clientDataJSON"])
        challenge = parse_client_data_json(client_data).challenge
    if not challenges.take(session, purpose, asked, challenge, now):
        raise WrongPasskey("This was not asked, or was answered already, or too long ago.")
    return Answer(text, challenge)


def add(session: Session, ring: KeyRing, party: Party, name: str, answer: Answer, now: datetime) -> str:
    """Keep a new passkey under this name; gives its id. Raises WrongPasskey, TooManyPasskeys."""
    kept = _kept(session, ring)
    if len(kept) >= MOST:
        raise TooManyPasskeys(f"You have {MOST} passkeys. Take one away first.")
    verified, transports = _verified_new(party, answer)
    if verified.credential_id in {each.credential for each in kept}:
        raise WrongPasskey("You have added this passkey already.")
    content = {
        "name": name[:NAME_LENGTH],
        "domain": party.domain,
        "credential": verified.credential_id.hex(),
        "public_key": verified.credential_public_key.hex(),
        "transports": transports,
    }
    return second_factor.add_sealed(
        session, ring, Kind.PASSKEY, content, verified.sign_count, now, Action.PASSKEY_ADDED
    )


def check(session: Session, ring: KeyRing, party: Party, answer: Answer, now: datetime) -> Kept:
    """Take the answer of one of the member's passkeys, and tell which it was. Raises WrongPasskey."""
    credential = credential_of(answer)
    kept = next((each for each in _kept(session, ring, party) if each.credential == credential), None)
    if kept is None:
        raise WrongPasskey("You have no such passkey here.")
    with _refusing():
        verified = verify_authentication_response(
            credential=answer.text,
            expected_challenge=answer.challenge,
            expected_rp_id=party.domain,
            expected_origin=party.origin,
            credential_public_key=bytes.fromhex(kept.content["public_key"]),
            credential_current_sign_count=kept.row.counter,
            require_user_verification=True,
        )
    if not _count(session, kept.row.id, verified.new_sign_count, now):
        raise WrongPasskey("This passkey counts backwards: there may be a copy of it.")
    audit.write(*(session, ring.desk, Action.PASSKEY_USED, now), member_id=ring.member_id, subject_id=kept.row.id)
    session.flush()
    return kept


def credential_of(answer: Answer) -> bytes:
    """By what name the passkey goes that gave this answer. Raises WrongPasskey."""
    with _refusing():
        return parse_authentication_credential_json(answer.text).raw_id


def note_refusal(
    session: Session, desk: str, now: datetime, member_id: str | None, to_desk: PublicPair | None = None
) -> None:
    """What a browser sent was no answer of a passkey of this member (None: nobody knows whose it was to be)."""
    audit.write(session, desk, Action.PASSKEY_REFUSED, now, member_id=member_id, to=to_desk)
    session.flush()


def _verified_new(party: Party, answer: Answer) -> tuple[VerifiedRegistration, list[str]]:
    with _refusing():
        made = parse_registration_credential_json(answer.text)
        verified = verify_registration_response(
            credential=made,
            expected_challenge=answer.challenge,
            expected_rp_id=party.domain,
            expected_origin=party.origin,
            require_user_verification=True,
        )
        return verified, [each.value for each in made.response.transports or ()]


def _kept(session: Session, ring: KeyRing, party: Party | None = None) -> list[Kept]:
    """The passkeys of who opened this ring; those that are made for this party's domain, if one is given."""
    rows = (
        select(SecondFactor)
        .where(SecondFactor.member_id == ring.member_id, SecondFactor.kind == Kind.PASSKEY)
        .order_by(SecondFactor.created_at, SecondFactor.id)
    )
    kept = []
    for row in session.scalars(rows).all():
        with suppress(WrongCode):  # damaged, or moved by somebody: it holds no other up
            kept.append(Kept(row, second_factor.opened(session, ring, row)))
    return [each for each in kept if party is None or each.content["domain"] == party.domain]


def _count(session: Session, factor_id: str, counter: int, now: datetime) -> bool:
    """Move the counter up; False where it stands there already. Passkeys that live on several devices count nothing,
    and stay at 0 (§6.1.1)."""
    before = SecondFactor.counter == 0 if counter == 0 else SecondFactor.counter < counter
    moved = update(SecondFactor).where(SecondFactor.id == factor_id, before)
    return changed_rows(session, moved.values(counter=counter, used_at=now)) == 1


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever is wrong with an answer, it is refused. Raises WrongPasskey, which says nothing of what it held."""
    try:
        yield
    except _NOT_AN_ANSWER:
        raise WrongPasskey("This is no answer of a passkey to what was asked.") from None


_NOT_AN_ANSWER = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError)
