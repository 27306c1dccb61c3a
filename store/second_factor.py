"""What a member shows besides their passphrase: codes of an app, passkeys and security keys, codes for emergencies.

Secrets are sealed to the member's own key, so that nothing can be checked before the passphrase opened their key ring.
A second factor guards the log-in at the desk; it is no key: who has the database, the passphrase and the secret that
lies beside the database needs none.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cases.roles import May
from store import audit, membership
from store.audit import Action
from store.database import changed_rows
from store.frame import Context, SealError
from store.keyring import KeyRing, pair
from store.lookups import IndexKey
from store.schema import Member, SecondFactor, new_id
from store.sealing import open_sealed, seal

SECRET_BYTES = 20  # of a SHA-1 digest, as RFC 4226 §4 (R6) recommends
STEP_SECONDS = 30
WINDOW = 1
"""Time steps before and after this one that count too: clocks differ, and people type slowly (RFC 6238 §5.2)."""
CODES = 10
_CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH = 12  # 59 bits


class Kind(StrEnum):
    TOTP = "totp"
    PASSKEY = "passkey"
    CODE = "code"


class WrongCode(Exception):
    """This code is wrong, too old, or was used already."""


class NoSuchFactor(Exception):
    """The member has no such second factor (any more)."""


@dataclass(frozen=True)
class Factors:
    """What second factors a member has: ids of their TOTPs and passkeys, and how many codes are left."""

    totp: tuple[str, ...]
    passkeys: tuple[str, ...]
    codes: int

    def __bool__(self) -> bool:
        return bool(self.totp or self.passkeys)


def of(session: Session, member_id: str) -> Factors:
    """Needs no key: asked when the passphrase was right, to know whether more is needed."""
    rows = session.execute(select(SecondFactor.id, SecondFactor.kind).where(SecondFactor.member_id == member_id)).all()
    by_kind = {kind: tuple(row.id for row in rows if row.kind == kind) for kind in Kind}
    return Factors(by_kind[Kind.TOTP], by_kind[Kind.PASSKEY], len(by_kind[Kind.CODE]))


def new_secret() -> bytes:
    """The secret of a new TOTP."""
    return os.urandom(SECRET_BYTES)


def readable(secret: bytes) -> str:
    """A TOTP's secret as a person types it into their app."""
    return base64.b32encode(secret).decode()


def address_of(secret: bytes, login: str, issuer: str) -> str:
    """What an app reads from the picture: an otpauth address."""
    return TOTP(secret, 6, SHA1(), STEP_SECONDS).get_provisioning_uri(login, issuer)  # noqa: S303 - RFC 6238's own


def add_totp(session: Session, ring: KeyRing, secret: bytes, code: str, now: datetime) -> None:
    """The member's app makes codes from now on; one of them proves that it does. Raises WrongCode."""
    step = _step_of(secret, code, now)
    if step is None:
        raise WrongCode("This code is not what the app should show now. Check the clock of your telephone.")
    session.execute(
        delete(SecondFactor).where(SecondFactor.member_id == ring.member_id, SecondFactor.kind == Kind.TOTP)
    )
    add_sealed(session, ring, Kind.TOTP, {"secret": secret.hex()}, step, now)


def check_totp(session: Session, ring: KeyRing, code: str, now: datetime) -> None:
    """Take a code of the member's app, once. Raises WrongCode."""
    rows = select(SecondFactor).where(SecondFactor.member_id == ring.member_id, SecondFactor.kind == Kind.TOTP)
    for row in session.scalars(rows).all():
        step = _step_of(bytes.fromhex(opened(session, ring, row)["secret"]), code, now)
        if step is not None and _count(session, row.id, step, now):
            return
    raise WrongCode("This code is wrong, too old, or was used already.")


def new_codes(session: Session, ring: KeyRing, index: IndexKey, now: datetime) -> tuple[str, ...]:
    """Ten codes for emergencies, shown this once, in the place of those before."""
    session.execute(
        delete(SecondFactor).where(SecondFactor.member_id == ring.member_id, SecondFactor.kind == Kind.CODE)
    )
    codes = tuple("".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH)) for _ in range(CODES))
    for code in codes:
        digest = _digest(index, ring.member_id, code)
        session.add(_row(ring, Kind.CODE, now, digest=digest))
    session.flush()
    return tuple("-".join(code[at : at + 4] for at in range(0, _CODE_LENGTH, 4)) for code in codes)


def use_code(session: Session, ring: KeyRing, index: IndexKey, code: str, now: datetime) -> None:
    """Take one of the codes for emergencies, once. Raises WrongCode."""
    digest = _digest(index, ring.member_id, "".join(each for each in code.lower() if each in _CODE_LETTERS))
    of_theirs = (SecondFactor.member_id == ring.member_id, SecondFactor.kind == Kind.CODE)
    used = update(SecondFactor).where(*of_theirs, SecondFactor.digest == digest, SecondFactor.used_at.is_(None))
    if not changed_rows(session, used.values(used_at=now)):
        raise WrongCode("This code is wrong, or was used already.")
    session.execute(delete(SecondFactor).where(*of_theirs, SecondFactor.used_at.is_not(None)))
    audit.write(session, ring.desk, Action.RECOVERY_CODE_USED, now, member_id=ring.member_id)


def remove(session: Session, ring: KeyRing, factor_id: str, now: datetime) -> None:
    """A member takes one of their own away; the codes for emergencies go with the last. Raises NoSuchFactor."""
    row = session.get(SecondFactor, factor_id)
    if row is None or row.member_id != ring.member_id or row.kind == Kind.CODE:
        raise NoSuchFactor("You have no such second factor.")
    kind = row.kind
    session.delete(row)
    session.flush()
    if not of(session, ring.member_id):
        session.execute(delete(SecondFactor).where(SecondFactor.member_id == ring.member_id))
    action = Action.PASSKEY_REMOVED if kind == Kind.PASSKEY else Action.SECOND_FACTOR_REMOVED
    audit.write(session, ring.desk, action, now, member_id=ring.member_id, subject_id=factor_id)
    session.flush()


def reset(session: Session, ring: KeyRing, member_id: str, now: datetime) -> None:
    """A member lost their second factors: all are taken away, and their sessions end.

    Raises NotAllowed, NoSuchMember.
    """
    ring.require(May.MANAGE_ACCESS)
    row = session.get(Member, member_id)
    if row is None or row.desk != ring.desk:
        raise membership.NoSuchMember("This desk has no such member.")
    session.execute(delete(SecondFactor).where(SecondFactor.member_id == member_id))
    membership.end_sessions(session, member_id)
    audit.write(session, ring.desk, Action.SECOND_FACTOR_RESET, now, member_id=ring.member_id, subject_id=member_id)
    session.flush()


def note_failure(session: Session, ring: KeyRing, now: datetime) -> None:
    """The passphrase was right and the second factor was not."""
    audit.write(session, ring.desk, Action.SECOND_FACTOR_FAILED, now, member_id=ring.member_id)
    session.flush()


def add_sealed(
    session: Session,
    ring: KeyRing,
    kind: Kind,
    content: Mapping[str, Any],
    counter: int,
    now: datetime,
    action: Action = Action.SECOND_FACTOR_SET,
) -> str:
    """Keep what a second factor is checked by, sealed to the member's own key; gives its id."""
    row = _row(ring, kind, now, counter=counter)
    to = pair(session, ring.own)
    row.key_pair_id, row.frame = to.id, seal(json.dumps(content).encode(), to.public, _context(row, to.generation))
    session.add(row)
    audit.write(session, ring.desk, action, now, member_id=ring.member_id, subject_id=row.id)
    session.flush()
    return row.id


def opened(session: Session, ring: KeyRing, row: SecondFactor) -> dict[str, Any]:
    """What was kept of a second factor. Raises WrongCode where it cannot be opened."""
    not_theirs = WrongCode("This second factor is not one that your key opens. Ask a coordinator to reset it.")
    if row.frame is None or row.key_pair_id != ring.own:
        raise not_theirs
    generation = pair(session, ring.own).generation
    try:
        content: dict[str, Any] = json.loads(open_sealed(row.frame, ring.privates[ring.own], _context(row, generation)))
    except SealError:  # damaged, or moved by somebody
        raise not_theirs from None
    return content


def _row(ring: KeyRing, kind: Kind, now: datetime, *, digest: bytes | None = None, counter: int = 0) -> SecondFactor:
    return SecondFactor(
        id=new_id(),
        desk=ring.desk,
        member_id=ring.member_id,
        kind=kind,
        digest=digest,
        counter=counter,
        created_at=now,
    )


def _count(session: Session, factor_id: str, counter: int, now: datetime) -> bool:
    """Move the counter up; False where it stands there already: what was seen once is not taken again."""
    moved = update(SecondFactor).where(SecondFactor.id == factor_id, SecondFactor.counter < counter)
    return changed_rows(session, moved.values(counter=counter, used_at=now)) == 1


def _step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step whose code this is, if it is near now."""
    typed = "".join(code.split()).encode()
    step_now = int(now.timestamp()) // STEP_SECONDS
    totp = TOTP(secret, 6, SHA1(), STEP_SECONDS)  # noqa: S303 - RFC 6238's own
    steps = range(step_now - WINDOW, step_now + WINDOW + 1)
    found = [step for step in steps if hmac.compare_digest(totp.generate(step * STEP_SECONDS), typed)]
    return found[-1] if found else None


def _digest(index: IndexKey, member_id: str, code: str) -> bytes:
    return index.login(f"code for emergencies {member_id} {code}")


def _context(row: SecondFactor, generation: int) -> Context:
    return Context(row.desk, "", f"second-factor-{row.kind}", row.id, generation, 1)
