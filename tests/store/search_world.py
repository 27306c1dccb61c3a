"""Members of a desk who do not all open the same, and an index for each, as the tests of the search want them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from store import changes
from store.intake import NewMessage
from store.keypairs import KeyKind, generate
from store.keyring import KeyRing, PublicPair, add_pair, newest_proven, pair, seal_seed
from store.schema import SealedSeed
from store.search import Found, Hit, Query, SearchIndex, note_shown
from tests.store.world import INDEX, NOW, World, mail


def about(text: str, *persons: str, language: str | None = "nl", **report: Any) -> NewMessage:
    """A mail with this (masked) text, about these persons."""
    concerned = [{"name": person, "function": None} for person in persons]
    told = {**mail().report, "language": language, "concerned": concerned, **report}
    return mail(masked_text=text, report=told)


def ready(world: World, ring: KeyRing | None = None, now: datetime = NOW) -> SearchIndex:
    index = SearchIndex()
    assert index.refresh(world.db, ring or world.ring, now=now) == 0
    return index


def find(world: World, index: SearchIndex, text: str = "", ring: KeyRing | None = None, **more: Any) -> Found:
    with world.db.read() as session:
        return index.search(session, ring or world.ring, Query(text, **more))


def show(world: World, index: SearchIndex, text: str, ring: KeyRing | None = None) -> tuple[Hit, ...]:
    with world.db.begin() as session:
        member = ring or world.ring
        hits = index.present(session, member, index.search(session, member, Query(text)), 1)
        note_shown(session, member, hits, NOW)
        return hits


def note(world: World, case_id: str, text: str) -> None:
    with world.db.begin() as session:
        changes.add_note(session, world.ring, INDEX, case_id, text, NOW)


def another_member(world: World, *, holds_the_desk_key: bool) -> KeyRing:
    """A member with a key of their own, and the desk's where their role has it."""
    private = generate()
    with world.db.begin() as session:
        own = add_pair(
            session, world.ring.desk, KeyKind.MEMBER, "b" * 31 + str(int(holds_the_desk_key)), private.public, NOW
        )
    privates = {own.id: private}
    if holds_the_desk_key:
        privates |= {id_: each for id_, each in world.ring.privates.items() if id_ != world.ring.own}
    return replace(world.ring, member_id="b" * 32, own=own.id, privates=privates, _opened={})


def grant(world: World, case_id: str, to: KeyRing) -> None:
    """Seal a case's key to a member's own."""
    with world.db.begin() as session:
        of = newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, case_id)
        seal_seed(session, world.ring.private(session, of.id), of, _own(session, to))


def keep_from_the_desk(world: World, case_id: str, *members: KeyRing) -> None:
    """Seal a case's key to these members' own keys, and to the desk's no longer; nothing else is done."""
    for member in members:
        grant(world, case_id, member)
    with world.db.begin() as session:
        for kind in (KeyKind.CASE, KeyKind.IDENTITY):
            of = newest_proven(session, INDEX, world.ring.desk, kind, case_id)
            session.execute(
                delete(SealedSeed).where(
                    SealedSeed.key_pair_id == of.id, SealedSeed.recipient_key_pair_id == world.keys.to_desk.id
                )
            )


def _own(session: Session, ring: KeyRing) -> PublicPair:
    return pair(session, ring.own)
