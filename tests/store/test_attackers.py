"""All that changes who opens what, in any order, against those who hold the database, its past and members' keys.

Members come, go, return and take other roles; cases come in and are granted, withdrawn, kept from a member, destroyed;
the desk's key is made anew, at once or broken off half-way, and the recovery key too; who lost a passphrase is let in
by enough of its pages; members ask for what takes two, agree, and take that back; they set up apps for codes. After
every step each member, past ones too, tries every key that they ever held on everything in the database.

As long as nobody else writes there, they open exactly what they may, and pages open everything where there are enough
of them, and nothing where there are fewer. When somebody has written there, whatever people of the desk do after that,
nobody opens more than they may, no note counts that its author did not write, no consent that two who hold the desk's
key did not sign, and nobody's app lets anybody else in.

`MELDPOST_EXAMPLES` says how many stories are tried; `make soak` tries many.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases.lifecycle import Outcome, Status
from cases.roles import May, Role, holds_the_desk_key, may
from cases.sharing import Scheme
from store import (
    casework,
    changes,
    consent,
    early_destruction,
    grants,
    members,
    membership,
    records,
    recovery,
    renewal,
    rotation,
    second_factor,
)
from store.audit import Action
from store.authentic import Standing
from store.consent import Act
from store.intake import NewMessage, add_message
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import DeskKeyDiffers, DeskPublicKeys, KeyRing, NoSuchKey, NotAllowed, UnprovenKey, desk_keys, newest
from store.members import OwnKey
from store.records import Name, RecordKind
from store.schema import Audit, KeyPair, Record
from store.shares import CannotJoin, Share, join, split
from tests.store.attacker import (
    CASE,
    IDENTITY,
    WRITES,
    Attacker,
    Copy,
    Keys,
    Read,
    copied,
    keep_what_opens,
    reads,
)
from tests.store.destroying import POLICY
from tests.store.world import INDEX, NOW, SECRET, Template, World, folder_in_memory, mail, make_template, new_case

MOST_MEMBERS, MOST_CASES, MOST_WISHES = 5, 3, 4
A_MOMENT = timedelta(minutes=5)
EXAMPLES = int(os.environ.get("MELDPOST_EXAMPLES", "6"))
STEPS = 22
WHY = "Daarom."

NOT_POSSIBLE = (
    *(NotAllowed, membership.LastHolder, membership.NoSuchMember, casework.NotFound, grants.ShutOut),
    *(grants.HasAccess, grants.HasNoAccess, grants.CannotBeGranted, grants.NobodyLeft),
    *(consent.CannotConsent, renewal.CannotRenew),
)
"""What people are told who ask for what cannot be; other state machines test when they are."""

REFUSED = (
    *records.CANNOT_OPEN,
    *(NoSuchKey, UnprovenKey, DeskKeyDiffers, membership.UnprovenMember, rotation.CannotRotate, changes.Changed),
    *(
        recovery.NotRecoverable,
        recovery.NotTheRecoveryKey,
        records.NoSuchRecord,
        records.WrittenAtOnce,
        IntegrityError,
        KeyError,
    ),
)
"""What besides happens to people of the desk where somebody else has written to the database: they notice."""


@dataclass
class Person:
    """A member, present or past, and every private key that they ever had."""

    id: str
    login: str
    role: Role
    own: str
    keys: Keys = field(repr=False)
    present: bool = True
    had: set[Read] = field(default_factory=set, repr=False)
    """All that they could read at some time."""

    @property
    def holds(self) -> bool:
        return self.present and holds_the_desk_key(self.role)


@dataclass
class Case:
    """A case as it should be: who opens which half of it, and by which of the desk's generations."""

    id: str
    by_desk: set[int]
    contents: set[Read] = field(default_factory=set)
    granted: dict[str, bool] = field(default_factory=dict)
    shut_out: set[str] = field(default_factory=set)
    restricted: bool = False
    destroyed: bool = False
    kept: dict[KeyKind, set[str]] = field(default_factory=lambda: {CASE: set(), IDENTITY: set()})
    """Who kept the present key of each half, and so opens what is sealed to it until it is made anew."""
    by_old_pages: dict[KeyKind, set[int]] = field(default_factory=lambda: {CASE: set(), IDENTITY: set()})
    """Which pages of before open each half still: nobody who opens it has sealed it to those of now."""

    def made_anew(self, generation: int) -> None:
        self.by_desk = {generation}
        self.kept = {CASE: set(), IDENTITY: set()}
        self.by_old_pages = {CASE: set(), IDENTITY: set()}


@dataclass
class Wish:
    """What somebody asked for that takes two."""

    id: str
    act: Act
    subject: bytes
    signed_by: set[str]
    over: bool = False


@cache
def template() -> Template:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return make_template(Path(folder.name))


class Attackers(RuleBasedStateMachine):
    """`world` is what Meldpost does; the people and cases beside it are what should be."""

    @initialize()
    def begin(self) -> None:
        self.folder = folder_in_memory()
        self.world: World = template().copy(Path(self.folder.name))
        self.pins = self.world.pins
        first = self.world.ring
        self.people = [Person(first.member_id, "ada", Role.COORDINATOR, first.own, dict(first.privates))]
        self.cases: list[Case] = []
        self.live = [1]
        self.know: dict[int, set[str]] = {1: {first.member_id}}
        self.notes: set[tuple[str, str, str]] = set()
        self.copies: list[Copy] = []
        self.forged: Keys = {}
        self.written_to = False
        self.number = 0
        self.pages: list[tuple[Share, ...]] = [split(self.world.fresh.recovery_seed, Scheme(2, 3))]
        self.wishes: list[Wish] = []
        self.forgers: set[str] = set()
        self.apps: dict[str, bytes] = {}
        self.now = NOW
        for role in (Role.DEPUTY, Role.INVESTIGATOR):
            self.add(self.people[0], role)
        self.two_want_something()

    def two_want_something(self) -> None:
        """From the beginning, or few stories would come as far as a consent that is used."""
        asked, agreed = self.people[:2]
        subject = consent.subject_of(INDEX, Act.RECOVERY, "a")
        with self.world.db.begin() as session:
            made = consent.ask(session, self.ring(asked), Act.RECOVERY, subject, {}, NOW)
            consent.give(session, self.ring(agreed), made, NOW)
        self.wishes.append(Wish(made, Act.RECOVERY, subject, {asked.id, agreed.id}))

    # members

    @rule(data=st.data(), role=st.sampled_from(Role))
    def a_member_is_added(self, data: st.DataObject, role: Role) -> None:
        if len(self.people) < MOST_MEMBERS:
            self.add(self.holder(data), role)

    def add(self, by: Person, role: Role) -> None:
        made, login = OwnKey(generate(), b"never opened"), f"lid{len(self.people)}"
        with self.tried(), self.world.db.begin() as session:
            member_id = members.admit(
                *(session, self.ring(by), made),
                login=login,
                address=f"{login}@desk.example",
                secret=SECRET,
                role=role,
                now=NOW,
            )
            own = newest(session, self.world.ring.desk, KeyKind.MEMBER, member_id).id
            self.people.append(Person(member_id, login, role, own, {own: made.private}))
            self.learns_the_desk_key(self.people[-1])

    @rule(data=st.data())
    def a_member_leaves(self, data: st.DataObject) -> None:
        by, who = self.holder(data), self.anybody(data)
        with self.tried(), self.world.db.begin() as session:
            membership.leave(session, self.ring(by), who.id, NOW)
            who.present = False
            self.loses_what_was_granted(who)

    @rule(data=st.data(), role=st.sampled_from(Role))
    def a_member_returns(self, data: st.DataObject, role: Role) -> None:
        by, who = self.holder(data), self.anybody(data)
        made = OwnKey(generate(), b"never opened")
        with self.tried(), self.world.db.begin() as session:
            membership.take_back(session, self.ring(by), who.id, made, role, NOW)
            self.has_a_new_key(session, who, made)
            who.present, who.role = True, role
            self.learns_the_desk_key(who)

    @rule(data=st.data(), role=st.sampled_from(Role))
    def a_member_takes_another_role(self, data: st.DataObject, role: Role) -> None:
        by, who = self.holder(data), self.anybody(data)
        with self.tried(), self.world.db.begin() as session:
            membership.change_role(session, self.ring(by), who.id, role, NOW)
            who.role = role
            if not may(role, May.OPEN_GRANTED):
                self.loses_what_was_granted(who)
            self.learns_the_desk_key(who)

    @rule(data=st.data())
    def a_lost_passphrase_is_made_good_by_the_recovery_key(self, data: st.DataObject) -> None:
        who, made = self.anybody(data), OwnKey(generate(), b"never opened")
        if not who.present:
            return
        with self.tried(), self.world.db.begin() as session:
            opened = self.recovered(session, data)
            member = recovery.OfBefore(who.id, who.login, who.role)
            recovery.give_back(session, opened, INDEX, member, made, secret=SECRET, now=NOW)
            self.has_a_new_key(session, who, made)
            self.learns_the_desk_key(who)
            self.apps.pop(who.id, None)

    @rule(data=st.data())
    def a_member_sets_up_an_app(self, data: st.DataObject) -> None:
        who, secret = self.anybody(data), second_factor.new_secret()
        if not who.present:
            return
        with self.tried(), self.world.db.begin() as session:
            second_factor.add_totp(session, self.ring(who), secret, self.code_of(secret), self.a_moment_later())
            self.apps[who.id] = secret

    # the recovery key

    @precondition(lambda self: len(self.pages) < 3)
    @rule(data=st.data())
    def the_recovery_key_is_made_anew(self, data: st.DataObject) -> None:
        by, made = self.holder(data), generate()
        with self.tried():
            ring = self.ring(by)
            with self.world.db.begin() as session:
                renewal.begin(session, ring, INDEX, self.pins, made.public, NOW)
            before = len(self.pages) - 1
            self.pins = replace(self.pins, recovery=made.public)
            self.pages.append(split(made.seed, Scheme(2, 3)))
            opened = {case.id: self.surely_opened(by, case) for case in self.cases}
            for case in self.cases:
                for half in (CASE, IDENTITY):
                    case.by_old_pages[half].add(before)
            list(renewal.resume(self.world.db, ring, self.pins))
            for case in self.cases:
                for half in opened[case.id]:
                    case.by_old_pages[half] = set()

    @rule(data=st.data(), which=st.sets(st.integers(0, 2)))
    def somebody_puts_pages_together(self, data: st.DataObject, which: set[int]) -> None:
        batch = data.draw(st.sampled_from(range(len(self.pages))))
        chosen = [self.pages[batch][each] for each in which]
        if len(chosen) < 2:
            with pytest.raises(CannotJoin):
                join(chosen)
            return
        private = PrivateKey.from_seed(join(chosen))
        with self.world.db.read() as session:
            own = select(KeyPair.id).where(KeyPair.public == private.public.to_bytes())
            keys = dict.fromkeys(session.scalars(own), private)
            keep_what_opens(session, self.world.ring.desk, keys)
            found = reads(session, self.world.ring.desk, keys)
        if not self.written_to:
            newest = batch == len(self.pages) - 1
            there = [case for case in self.cases if not case.destroyed]
            assert found == {
                each for case in there for each in case.contents if newest or batch in case.by_old_pages[each[1]]
            }

    # what takes two

    @rule(data=st.data(), act=st.sampled_from([Act.ADD_MEMBER, Act.RECOVERY]), about=st.sampled_from(["a", "b"]))
    def somebody_asks_for_what_takes_two(self, data: st.DataObject, act: Act, about: str) -> None:
        by, subject = self.anybody(data), consent.subject_of(INDEX, act, about)
        if not by.present or len(self.wishes) == MOST_WISHES:
            return
        with self.tried(), self.world.db.begin() as session:
            made = consent.ask(session, self.ring(by), act, subject, {}, NOW)
            self.wishes.append(Wish(made, act, subject, {by.id}))

    @precondition(lambda self: self.wishes)
    @rule(data=st.data())
    def somebody_agrees(self, data: st.DataObject) -> None:
        by, wish = self.anybody(data), data.draw(st.sampled_from(self.wishes))
        if not by.present:
            return
        with self.tried(), self.world.db.begin() as session:
            consent.give(session, self.ring(by), wish.id, NOW)
            wish.signed_by.add(by.id)

    @precondition(lambda self: self.wishes)
    @rule(data=st.data())
    def somebody_takes_it_back(self, data: st.DataObject) -> None:
        by, wish = self.anybody(data), data.draw(st.sampled_from(self.wishes))
        if not by.present:
            return
        with self.tried(), self.world.db.begin() as session:
            consent.take_back(session, self.ring(by), wish.id, NOW)
            wish.over = True

    @precondition(lambda self: self.wishes)
    @rule(data=st.data(), by_pages=st.booleans())
    def it_is_done(self, data: st.DataObject, by_pages: bool) -> None:
        wish = data.draw(st.sampled_from(self.wishes))
        with self.tried(), self.world.db.begin() as session:
            ring = self.recovered(session, data).ring() if by_pages else self.ring(self.holder(data))
            wanted = self.is_wanted(wish)
            try:
                consent.use(session, ring, wish.act, wish.subject, NOW)
            except consent.ConsentNeeded:
                assert self.written_to or not wanted
                return
            assert wanted
            used = set(session.scalars(select(Audit.subject_id).where(Audit.action == Action.CONSENT_USED)))
            for each in self.wishes:
                each.over = each.over or each.id in used

    # cases

    @rule()
    def a_case_comes_in(self) -> None:
        if len(self.cases) == MOST_CASES:
            return
        with self.tried(), self.world.db.begin() as session:
            keys = desk_keys(session, self.world.ring.desk, self.pins)
            taken = new_case(session, keys, self.a_mail(), f"AAAAA-{len(self.cases):05d}")
            case = Case(taken.case_id, {self.live[-1]}, {(taken.message_id, CASE), (taken.message_id, IDENTITY)})
            self.cases.append(case)

    @rule(data=st.data())
    def mail_joins_a_case(self, data: st.DataObject) -> None:
        if (case := self.a_case(data)) is None:
            return
        with self.tried(), self.world.db.begin() as session:
            keys = desk_keys(session, self.world.ring.desk, self.pins)
            taken = add_message(session, keys, INDEX, case.id, self.a_mail(), sender_is_new=False, now=NOW)
            case.contents |= {(taken.message_id, CASE), (taken.message_id, IDENTITY)}

    @rule(data=st.data())
    def somebody_writes_a_note(self, data: st.DataObject) -> None:
        by, case = self.anybody(data), self.a_case(data)
        if case is None or not by.present or CASE not in self.surely_opened(by, case):
            return
        text = f"Notitie {self.next_number()}."
        with self.tried(), self.world.db.begin() as session:
            note_id = changes.add_note(session, self.ring(by), INDEX, case.id, text, NOW)
            case.contents.add((note_id, CASE))
            self.notes.add((note_id, by.id, text))

    @rule(data=st.data(), identity=st.booleans(), again=st.booleans())
    def a_case_is_granted(self, data: st.DataObject, identity: bool, again: bool) -> None:
        by, who, case = self.holder(data), self.anybody(data), self.a_case(data)
        if case is None:
            return
        with self.tried(), self.world.db.begin() as session:
            asked = (session, self.ring(by), INDEX, case.id, who.id)
            grants.grant(*asked, identity=identity, reason=WHY, now=NOW, again=again)
            case.granted[who.id] = identity
            case.shut_out.discard(who.id)

    @rule(data=st.data())
    def a_grant_is_withdrawn(self, data: st.DataObject) -> None:
        by, who, case = self.holder(data), self.anybody(data), self.a_case(data)
        if case is None:
            return
        with self.tried():
            list(grants.withdraw(self.world.db, self.ring(by), INDEX, self.keys(), case.id, who.id, WHY))
            case.granted.pop(who.id, None)
            case.made_anew(self.live[-1])

    @rule(data=st.data())
    def a_member_is_kept_out(self, data: st.DataObject) -> None:
        by, who, case = self.holder(data), self.anybody(data), self.a_case(data)
        if case is None:
            return
        with self.tried():
            asked = (self.world.db, self.ring(by), INDEX, self.keys(), case.id, who.id, WHY)
            list(grants.shut_out(*asked, by_request=False))
            if not case.restricted:
                case.granted |= {each.id: True for each in self.people if each.holds}
            case.restricted = True
            case.granted.pop(who.id, None)
            case.shut_out.add(who.id)
            case.made_anew(self.live[-1])

    @rule(data=st.data())
    def a_case_is_destroyed(self, data: st.DataObject) -> None:
        by, case = self.holder(data), self.a_case(data)
        if case is None:
            return
        with self.tried():
            ring, db = self.ring(by), self.world.db
            with db.begin() as session:
                seen = casework.view_case(session, ring, case.id, NOW)
            if seen.status is not Status.CLOSED:
                with db.begin() as session:
                    changes.change_status(
                        *(session, ring, INDEX, case.id, Status.CLOSED),
                        version=seen.version,
                        now=NOW,
                        outcome=Outcome.WITHDRAWN,
                        approver="de secretaris-generaal",
                        policy=POLICY,
                    )
                    seen = casework.view_case(session, ring, case.id, NOW)
            asked = (db, ring, INDEX, case.id, WHY, POLICY, {by.id: by.login})
            early_destruction.destroy_now(*asked, version=seen.version, now=NOW)
            case.destroyed = True

    # the desk's key

    @rule(data=st.data())
    def the_desks_key_is_made_anew(self, data: st.DataObject) -> None:
        by = self.holder(data)
        with self.tried():
            if len(self.live) > 1:
                self.a_broken_off_rotation_is_gone_on_with(by)
            with self.world.db.begin() as session:
                self.a_new_key_was_written(rotation.begin(session, self.ring(by), self.pins, NOW).generation)
            self.a_broken_off_rotation_is_gone_on_with(by)

    @rule(data=st.data(), batches=st.integers(0, 6))
    def the_desks_key_is_made_anew_and_that_broken_off(self, data: st.DataObject, batches: int) -> None:
        if len(self.live) > 1:
            return
        by = self.holder(data)
        with self.tried(), pytest.MonkeyPatch.context() as patched:
            patched.setattr(rotation, "BATCH", 1)
            with self.world.db.begin() as session:
                self.a_new_key_was_written(rotation.begin(session, self.ring(by), self.pins, NOW).generation)
            going_on = rotation.resume(self.world.db, self.ring(by), self.pins)
            for _, progress in zip(range(batches), going_on, strict=False):
                if progress.done == progress.total:
                    break
            going_on.close()  # type: ignore[attr-defined]

    @precondition(lambda self: len(self.live) > 1)
    @rule(data=st.data())
    def somebody_goes_on_with_it(self, data: st.DataObject) -> None:
        with self.tried():
            self.a_broken_off_rotation_is_gone_on_with(self.holder(data))

    def a_new_key_was_written(self, generation: int) -> None:
        self.live.append(generation)
        self.know[generation] = {each.id for each in self.people if each.holds}
        for case in self.cases:
            case.by_desk.add(generation)

    def a_broken_off_rotation_is_gone_on_with(self, by: Person) -> None:
        list(rotation.resume(self.world.db, self.ring(by), self.pins))
        self.live = self.live[-1:]
        for case in self.cases:
            case.by_desk = set(self.live)
        with self.world.db.read() as session:
            chain = self.ring(by).chain(session)
            to_desk = desk_keys(session, self.world.ring.desk, self.pins).to_desk
        assert chain.newest
        self.pins = replace(self.pins, to_desk=to_desk.public, signing=chain.newest.signing)

    # who attacks

    @rule()
    def somebody_copies_the_database(self) -> None:
        with self.world.db.read() as session:
            self.copies.append(copied(session))

    @precondition(lambda self: len(self.people) > 1)
    @rule(data=st.data(), writes=st.sampled_from(WRITES))
    def some_members_write_to_the_database(self, data: st.DataObject, writes: object) -> None:
        them = data.draw(st.lists(st.sampled_from(range(len(self.people))), max_size=2, unique=True))
        attackers = [self.people[each] for each in them]
        attacker = Attacker(
            desk=self.world.ring.desk,
            members={each.id: each.own for each in attackers},
            keys={**self.forged, **{id_: key for each in attackers for id_, key in each.keys.items()}},
            victims=[each.id for each in self.people if each not in attackers],
            cases=[each.id for each in self.cases],
            before=data.draw(st.sampled_from(self.copies)) if self.copies else {},
        )
        had = set(attacker.keys)
        with self.world.db.begin() as session:
            writes(session, attacker)  # type: ignore[operator]
        self.forged |= {id_: key for id_, key in attacker.keys.items() if id_ not in had}
        self.forgers |= set(attacker.members)
        self.written_to = True

    # what has to hold

    @invariant()
    def everybody_opens_what_they_may_and_nothing_else(self) -> None:
        for person in getattr(self, "people", ()):
            with self.world.db.read() as session:
                keep_what_opens(session, self.world.ring.desk, person.keys)
                found = reads(session, self.world.ring.desk, {**person.keys, **self.forged})
            may_read = self.may_read(person)
            assert found - person.had <= may_read, person.login
            if not self.written_to:
                assert found >= self.must_read(person), person.login
                assert found <= may_read, person.login
            person.had |= found | (may_read if self.written_to else set())
            for case in self.cases:
                for half in (CASE, IDENTITY):
                    if any(each in found for each in case.contents if each[1] is half):
                        case.kept[half].add(person.id)

    @invariant()
    def no_note_counts_that_its_author_did_not_write(self) -> None:
        if not getattr(self, "written_to", False):
            return
        for person in self.people:
            if not person.holds:
                continue
            ring = KeyRing(person.id, self.world.ring.desk, "", person.keys, person.own, self.pins.signing or b"")
            with self.world.db.read() as session:
                for row in session.scalars(select(Record).where(Record.kind == RecordKind.NOTE)).all():
                    try:
                        found = records.marked(session, ring, Name(row.case_id, row.subject_id, RecordKind.NOTE))
                    except REFUSED:
                        continue
                    if found is not None and found.standing is not Standing.FOREIGN:
                        assert (row.subject_id, found.author_id, found.content["text"]) in self.notes

    @invariant()
    def nothing_counts_as_agreed_that_two_who_hold_the_desks_key_did_not_sign(self) -> None:
        for wish in getattr(self, "wishes", ()):
            for person in self.people:
                if person.holds:
                    with self.tried(), self.world.db.read() as session:
                        given = consent.is_given(session, self.ring(person), wish.act, wish.subject, NOW)
                        assert given <= self.is_wanted(wish)
                        assert self.written_to or given == self.is_wanted(wish)
                    break

    @invariant()
    def no_app_lets_anybody_in_but_who_set_it_up(self) -> None:
        for person in getattr(self, "people", ()) if self.written_to else ():
            for owner, secret in self.apps.items():
                if owner != person.id and person.present:
                    with self.tried(), self.world.db.begin() as session, pytest.raises(second_factor.WrongCode):
                        second_factor.check_totp(
                            session, self.ring(person), self.code_of(secret), self.a_moment_later()
                        )

    def is_wanted(self, wish: Wish) -> bool:
        """Did two who hold the desk's key sign the same, and it is not over? Who writes to the database may sign as
        often as they like, in their own name."""
        holders = {each.id for each in self.people if each.holds}
        same = [each for each in self.wishes if (each.act, each.subject) == (wish.act, wish.subject) and not each.over]
        signed = [each.signed_by | self.forgers for each in same] + [self.forgers]
        return any(len(each & holders) >= 2 for each in signed)

    def must_read(self, person: Person) -> set[Read]:
        return {
            each
            for case in self.cases
            for each in case.contents
            if each[1] in self.surely_opened(person, case) or (person.id in case.kept[each[1]] and not case.destroyed)
        }

    def may_read(self, person: Person) -> set[Read]:
        return self.must_read(person) | {
            each
            for case in self.cases
            if not (case.restricted or case.destroyed) and any(person.id in self.know[each] for each in case.by_desk)
            for each in case.contents
        }

    def surely_opened(self, person: Person, case: Case) -> set[KeyKind]:
        if case.destroyed:
            return set()
        if not case.restricted and all(person.id in self.know[each] for each in case.by_desk):
            return {CASE, IDENTITY}
        if person.id in case.granted:
            return {CASE, IDENTITY} if case.granted[person.id] else {CASE}
        return set()

    # helpers

    @contextmanager
    def tried(self) -> Iterator[None]:
        """What people of the desk do: it may not be possible, and they may notice that somebody wrote there."""
        try:
            yield
        except NOT_POSSIBLE:
            pass
        except REFUSED:
            if not self.written_to:
                raise

    def recovered(self, session: Session, data: st.DataObject) -> recovery.Recovered:
        """By two of the three newest pages."""
        chosen = data.draw(st.permutations(self.pages[-1]))[:2]
        return recovery.open_desk(session, self.world.ring.desk, self.pins, join(chosen))

    def code_of(self, secret: bytes) -> str:
        """What the app shows at the next moment that is looked at."""
        at = int((self.now + A_MOMENT).timestamp())
        return TOTP(secret, 6, SHA1(), second_factor.STEP_SECONDS).generate(at).decode()

    def a_moment_later(self) -> datetime:
        self.now += A_MOMENT
        return self.now

    def ring(self, person: Person) -> KeyRing:
        """As after a log-in."""
        with self.world.db.read() as session:
            private = person.keys[person.own]
            return members.ring_of(session, self.world.ring.desk, person.id, person.login, private, self.pins)

    def keys(self) -> DeskPublicKeys:
        with self.world.db.read() as session:
            return desk_keys(session, self.world.ring.desk, self.pins)

    def holder(self, data: st.DataObject) -> Person:
        return data.draw(st.sampled_from([each for each in self.people if each.holds]))

    def anybody(self, data: st.DataObject) -> Person:
        return data.draw(st.sampled_from(self.people))

    def a_case(self, data: st.DataObject) -> Case | None:
        there = [each for each in self.cases if not each.destroyed]
        return data.draw(st.sampled_from(there)) if there else None

    def learns_the_desk_key(self, person: Person) -> None:
        if person.holds:
            for generation in self.live:
                self.know[generation].add(person.id)

    def loses_what_was_granted(self, person: Person) -> None:
        for case in self.cases:
            case.granted.pop(person.id, None)

    def has_a_new_key(self, session: Session, person: Person, made: OwnKey) -> None:
        person.own = newest(session, self.world.ring.desk, KeyKind.MEMBER, person.id).id
        person.keys[person.own] = made.private

    def a_mail(self) -> NewMessage:
        return mail(message_ids=[f"<{self.next_number()}@x>"], attachments=[])

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.db.close()
            self.folder.cleanup()


TestAttackers = Attackers.TestCase
TestAttackers.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
