"""A new generation of the mailer's key, while mail comes in and goes out.

`begin` writes its public half, proven by the index key. From then on there are two, and each process seals to the one
that its configuration pins; who holds the seeds opens both. `resume` seals anew, a batch a transaction, what waits and
is sealed to those before, and may be killed and taken up again. In the transaction that proves that nothing waits for
an older one any more that one ends: whoever pins it still seals nothing from then on, and takes nothing in.

What no seed opens is given up: it would stay closed, and nobody would hear of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from store import audit, mailer_contact, outbox, rows
from store.audit import Action
from store.database import Database, clock
from store.frame import SealError
from store.keypairs import KeyKind, PrivateKey, PublicKey
from store.keyring import NoSuchKey, PublicPair, add_pair, in_force, newest_proven, pair
from store.locks import end_desk_keys
from store.lookups import IndexKey
from store.schema import Desk, KeyPair, MailerContact, Outbox
from store.sealing import open_sealed

BATCH = 100


@dataclass(frozen=True)
class Unfinished:
    """A new key that was begun. `left` is sealed to the one before and waits; `last`: when something was sealed to that
    one since the new one is there, for the last time."""

    before: int
    after: int
    since: datetime
    left: int
    last: datetime | None


@dataclass(frozen=True)
class Progress:
    """How much was sealed anew, of how much. `lost` of these no seed at hand opened: they were given up."""

    done: int
    total: int
    lost: int


def one_at_a_time(session: Session, desk: str) -> None:
    """Whoever makes keys of this desk anew waits for who does so already."""
    session.execute(select(Desk.slug).where(Desk.slug == desk).with_for_update(key_share=True))


def live(session: Session, desk: str) -> tuple[PublicPair, ...]:
    """The mailer's pairs to which something may be sealed, oldest first. Raises NoSuchKey where there are none."""
    found = in_force(session, desk, KeyKind.MAILER)
    if not found:
        raise NoSuchKey(f"Desk {desk} has no {KeyKind.MAILER} key. Run `meldpost doctor`.")
    return found


def begun(session: Session, desk: str, index: IndexKey) -> PublicPair | None:
    """The new key of a rotation that is not finished; None where there is none. Raises UnprovenKey for one that
    somebody else wrote."""
    if len(live(session, desk)) < 2:
        return None
    return newest_proven(session, index, desk, KeyKind.MAILER, "")


def begin(session: Session, desk: str, index: IndexKey, public: PublicKey, now: datetime) -> PublicPair:
    """Write down the public half of the mailer's next key. Its seed is on the disk already."""
    generation = live(session, desk)[-1].generation + 1
    added = add_pair(session, desk, KeyKind.MAILER, "", public, now, index, generation)
    rows.write(session)
    audit.write(session, desk, Action.MAILER_KEY_ANEW, now, subject_id=added.id)
    return added


def unfinished(session: Session, desk: str) -> Unfinished | None:
    """The rotation that was begun and not finished, if there is one."""
    *old, new = live(session, desk)
    if not old:
        return None
    since, ids = session.get_one(KeyPair, new.id).created_at, [each.id for each in old]
    written = (
        select(func.max(Outbox.created_at)).where(Outbox.key_pair_id.in_(ids)),
        select(func.max(MailerContact.updated_at)).where(MailerContact.key_pair_id.in_(ids)),
    )
    times = [at for query in written if (at := session.scalars(query).one()) is not None and at > since]
    return Unfinished(old[-1].generation, new.generation, since, _left(session, ids), max(times, default=None))


def resume(db: Database, desk: str, index: IndexKey, privates: Mapping[str, PrivateKey]) -> Iterator[Progress]:
    """Seal to the newest key what waits for those before, and end those. Nothing to do is no error.

    `privates`: those before, by the id of their pair. What the missing ones would open is given up. Raises UnprovenKey.
    """
    total = lost = 0
    while True:
        with db.begin() as session:
            one_at_a_time(session, desk)
            to = begun(session, desk, index)
            if to is None:
                return
            ids = _older(session, to)
            total = total or _left(session, ids)
            lost += _batch(session, to, ids, privates)
            left = _left(session, ids)
        yield Progress(max(0, total - left), total, lost)
        if not left and _ended(db, to):
            return


def _ended(db: Database, to: PublicPair) -> bool:
    """End the keys before this one, if nothing waits for them; False where something does again."""
    with db.begin() as session:
        one_at_a_time(session, to.desk)
        end_desk_keys(session, to.desk)  # who sealed to an old one has committed now
        ids, now = _older(session, to), clock(session)
        if _left(session, ids):
            return False
        session.execute(update(KeyPair).where(KeyPair.id.in_(ids)).values(retired_at=now))
        for each in ids:
            audit.write(session, to.desk, Action.MAILER_KEY_ENDED, now, subject_id=each)
    return True


def _older(session: Session, to: PublicPair) -> list[str]:
    return [each.id for each in live(session, to.desk) if each.generation < to.generation]


def _batch(session: Session, to: PublicPair, old: Collection[str], privates: Mapping[str, PrivateKey]) -> int:
    """Seal a batch anew; tells how much of it no seed opens."""
    now, lost = clock(session), 0
    waiting = select(Outbox.id, Outbox.key_pair_id, Outbox.frame).where(*_waiting(old)).order_by(Outbox.id)
    for row in session.execute(waiting.limit(BATCH).with_for_update()).all():
        context = outbox.frame_context(to.desk, row.id, pair(session, row.key_pair_id).generation)
        try:
            content = open_sealed(row.frame, privates[row.key_pair_id], context)
        except (KeyError, SealError):
            outbox.give_up(session, to.desk, row.id, now)
            lost += 1
        else:
            outbox.seal_anew(session, row.id, content, to)
    known = select(MailerContact.case_id, MailerContact.key_pair_id).where(MailerContact.key_pair_id.in_(old))
    known = known.order_by(MailerContact.case_id).limit(BATCH).with_for_update()
    for case_id, key_pair_id in session.execute(known).all():
        try:
            contact = mailer_contact.read(session, privates[key_pair_id], case_id)
        except (KeyError, SealError):
            mailer_contact.forget(session, case_id)
            lost += 1
        else:
            if contact is not None:
                mailer_contact.write(session, to, case_id, contact, now)
    rows.write(session)
    return lost


def _left(session: Session, old: Collection[str]) -> int:
    contacts = select(func.count()).select_from(MailerContact).where(MailerContact.key_pair_id.in_(old))
    mails = select(func.count()).select_from(Outbox).where(*_waiting(old))
    return session.scalars(contacts).one() + session.scalars(mails).one()


def _waiting(old: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return Outbox.key_pair_id.in_(list(old)), Outbox.frame.is_not(None)
