"""Members change roles, leave and come back, and at each moment exactly their keys open what they may."""

from __future__ import annotations

import atexit
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, update

from cases.roles import May, Role, holds_the_desk_key
from store import members, membership, sessions
from store.audit import Action
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import KeyRing, NoSuchKey, NotAllowed, newest, newest_proven, seal_seed
from store.members import OwnKey, WrongLogin
from store.membership import LastHolder, NoSuchMember, UnprovenMember
from store.passphrase import Params, params_of
from store.passphrase_rules import WeakPassphrase
from store.schema import Audit, KeyPair, Member, SealedSeed, new_id
from tests.store.world import FAST, INDEX, NOW, PASSPHRASE, SECRET, Template, World, folder_in_memory, make_template

LATER = NOW + timedelta(days=1)
ANOTHER = "zolder kreeft anijs motor wilg hengel knoop"


def own_key() -> OwnKey:
    """A key that no passphrase opens: a derivation costs more than all that is tested here."""
    return OwnKey(generate(), b"never opened")


def admit(world: World, login: str, role: Role = Role.COORDINATOR, by: KeyRing | None = None) -> tuple[str, PrivateKey]:
    made = own_key()
    with world.db.begin() as session:
        member_id = members.admit(
            *(session, by or world.ring, made),
            login=login,
            address=f"{login}@desk.example",
            secret=SECRET,
            role=role,
            now=NOW,
        )
    return member_id, made.private


def ring(world: World, member_id: str, private: PrivateKey) -> KeyRing:
    with world.db.read() as session:
        return members.ring_of(session, world.ring.desk, member_id, "", private, world.pins)


def opens(world: World, key_ring: KeyRing, case_id: str) -> bool:
    with world.db.read() as session:
        case = newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, case_id)
        try:
            key_ring.private(session, case.id)
        except NoSuchKey:
            return False
        return True


def actions(world: World, member_id: str) -> list[str]:
    with world.db.read() as session:
        found = select(Audit.action).where(Audit.subject_id == member_id, Audit.action != Action.RECORD)
        return list(session.scalars(found.order_by(Audit.id)))


def test_a_member_who_leaves_opens_nothing_and_says_what_is_to_be_made_anew(world: World) -> None:
    taken = world.open_case()
    bram, private = admit(world, "bram")
    with world.db.begin() as session:
        left = membership.leave(session, world.ring, bram, LATER)
    assert left.desk_key
    with world.db.read() as session:
        assert membership.is_rotation_due(session, world.ring.desk)
        (row,) = session.scalars(select(Member).where(Member.id == bram))
        assert (row.retired_at, row.wrapped_seed) == (LATER, b"")
        with pytest.raises(NoSuchKey):
            members.ring_of(session, world.ring.desk, bram, "", private, world.pins)
    assert not opens(world, KeyRing(bram, world.ring.desk, "bram", {"": private}), taken.case_id)
    assert actions(world, bram) == [Action.MEMBER_ADDED, Action.DESK_KEY_TAKEN, Action.MEMBER_LEFT]


def test_a_member_without_the_desks_key_leaves_nothing_to_be_made_anew(world: World) -> None:
    chris, _ = admit(world, "chris", Role.AUDITOR)
    with world.db.begin() as session:
        assert membership.leave(session, world.ring, chris, LATER) == membership.Taken(False, ())
        assert not membership.is_rotation_due(session, world.ring.desk)


def test_the_sessions_of_who_leaves_end(world: World) -> None:
    bram, private = admit(world, "bram")
    with world.db.begin() as session:
        secret = sessions.start(
            session, members.ring_of(session, world.ring.desk, bram, "bram", private, world.pins), NOW
        )
    assert sessions.resume(world.db, secret, NOW)
    with world.db.begin() as session:
        membership.leave(session, world.ring, bram, NOW)
    assert sessions.resume(world.db, secret, NOW) is None


def test_the_last_who_holds_the_desks_key_can_neither_leave_nor_lose_it(world: World) -> None:
    admit(world, "chris", Role.ADMINISTRATOR)
    with world.db.begin() as session, pytest.raises(LastHolder):
        membership.leave(session, world.ring, world.ring.member_id, LATER)
    with world.db.begin() as session, pytest.raises(LastHolder):
        membership.change_role(session, world.ring, world.ring.member_id, Role.AUDITOR, LATER)


def test_the_last_who_opens_a_case_cannot_leave(world: World) -> None:
    """A case whose keys are sealed to members alone, not to the desk."""
    taken = world.open_case()
    bram, private = admit(world, "bram", Role.INVESTIGATOR)
    with world.db.begin() as session:
        case = newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, taken.case_id)
        to = newest(session, world.ring.desk, KeyKind.MEMBER, bram)
        seal_seed(session, world.ring.private(session, case.id), case, to)
        desk = newest(session, world.ring.desk, KeyKind.DESK)
        session.delete(session.get_one(SealedSeed, (case.id, desk.id)))
    assert opens(world, ring(world, bram, private), taken.case_id)
    with world.db.begin() as session, pytest.raises(LastHolder):
        membership.leave(session, world.ring, bram, LATER)


def test_the_cases_that_somebody_had_keys_of_are_named_when_they_leave(world: World) -> None:
    taken = world.open_case()
    bram, private = admit(world, "bram", Role.INVESTIGATOR)
    with world.db.begin() as session:
        case = newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, taken.case_id)
        to = newest(session, world.ring.desk, KeyKind.MEMBER, bram)
        seal_seed(session, world.ring.private(session, case.id), case, to)
    assert opens(world, ring(world, bram, private), taken.case_id)
    with world.db.begin() as session:
        left = membership.leave(session, world.ring, bram, LATER)
    assert left == membership.Taken(False, (taken.case_id,))
    assert not opens(world, KeyRing(bram, world.ring.desk, "bram", {to.id: private}), taken.case_id)


def test_who_comes_back_has_new_keys_and_the_name_of_before(world: World) -> None:
    taken = world.open_case()
    bram, old = admit(world, "bram")
    with world.db.begin() as session:
        membership.leave(session, world.ring, bram, LATER)
    made = own_key()
    with world.db.begin() as session:
        membership.take_back(session, world.ring, bram, made, Role.DEPUTY, LATER)
    back = ring(world, bram, made.private)
    assert back.role is Role.DEPUTY
    assert opens(world, back, taken.case_id)
    with world.db.read() as session:
        assert newest(session, world.ring.desk, KeyKind.MEMBER, bram).generation == 2
        listed = membership.find(session, world.ring, "BRAM ")
        assert (listed.id, listed.left_at, listed.role) == (bram, None, Role.DEPUTY)
        assert back.signing_key().public in {
            key.signing for key in members.certificates.member_keys(session, back.chain(session), bram)
        }
    assert not opens(world, KeyRing(bram, world.ring.desk, "bram", {back.own: old}), taken.case_id)
    assert actions(world, bram)[-1] == Action.MEMBER_RETURNED


def test_only_who_left_comes_back_and_only_who_is_there_leaves(world: World) -> None:
    bram, _ = admit(world, "bram")
    with world.db.begin() as session:
        with pytest.raises(NoSuchMember):
            membership.take_back(session, world.ring, bram, own_key(), Role.DEPUTY, LATER)
        membership.leave(session, world.ring, bram, LATER)
        with pytest.raises(NoSuchMember):
            membership.leave(session, world.ring, bram, LATER)
        with pytest.raises(NoSuchMember):
            membership.change_role(session, world.ring, bram, Role.AUDITOR, LATER)


@pytest.mark.parametrize("role", [role for role in Role if not holds_the_desk_key(role)])
def test_who_does_not_manage_access_changes_nothing_of_members(world: World, role: Role) -> None:
    member_id, private = admit(world, "chris", role)
    chris = ring(world, member_id, private)
    assert not chris.may(May.MANAGE_ACCESS)
    with world.db.begin() as session:
        for change in (
            lambda: membership.leave(session, chris, world.ring.member_id, LATER),
            lambda: membership.change_role(session, chris, member_id, Role.COORDINATOR, LATER),
            lambda: membership.take_back(session, chris, member_id, own_key(), Role.COORDINATOR, LATER),
        ):
            with pytest.raises(NotAllowed):
                change()


def test_no_key_that_somebody_wrote_into_the_database_gets_the_desks_key(world: World) -> None:
    """A newer pair in the name of a member, by who has only the database: the next change of role is refused."""
    member_id, _ = admit(world, "chris", Role.INVESTIGATOR)
    theirs = generate()
    with world.db.begin() as session:
        session.execute(update(KeyPair).where(KeyPair.owner == member_id).values(retired_at=NOW))
        session.add(
            KeyPair(
                id=new_id(),
                desk=world.ring.desk,
                owner=member_id,
                kind=KeyKind.MEMBER,
                generation=2,
                public=theirs.public.to_bytes(),
                created_at=NOW,
            )
        )
    with world.db.begin() as session, pytest.raises(UnprovenMember):
        membership.change_role(session, world.ring, member_id, Role.DEPUTY, LATER)


def test_a_new_passphrase_opens_and_the_old_one_does_not_and_sessions_elsewhere_end(world: World) -> None:
    with world.db.begin() as session:
        here, elsewhere = (sessions.start(session, world.ring, NOW) for _ in range(2))
    membership.change_passphrase(
        *(world.db, world.ring, PASSPHRASE, ANOTHER, SECRET, NOW), keep=sessions.id_of(here), params=FAST
    )
    assert sessions.resume(world.db, here, NOW)
    assert sessions.resume(world.db, elsewhere, NOW) is None
    with world.db.read() as session:
        again = members.unlock(session, world.ring.desk, "ada", ANOTHER, SECRET, pins=world.pins)
        assert again == world.ring
        with pytest.raises(WrongLogin):
            members.unlock(session, world.ring.desk, "ada", PASSPHRASE, SECRET, pins=world.pins)
    assert actions(world, world.ring.member_id)[-1] == Action.PASSPHRASE


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [("een andere", ANOTHER, WrongLogin), (PASSPHRASE, "ada1234", WeakPassphrase), (PASSPHRASE, "", WeakPassphrase)],
)
def test_a_passphrase_changes_only_for_who_knows_it_and_to_a_good_one(
    world: World, before: str, after: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        membership.change_passphrase(world.db, world.ring, before, after, SECRET, NOW, params=FAST)
    with world.db.read() as session:
        assert members.unlock(session, world.ring.desk, "ada", PASSPHRASE, SECRET, pins=world.pins)


def test_a_derivation_of_before_is_made_dearer_and_never_cheaper(world: World) -> None:
    dearer = Params(memory_kib=160 * 1024, iterations=1, lanes=4)
    assert membership.raise_cost(world.db, world.ring, PASSPHRASE, SECRET, params=dearer)
    assert not membership.raise_cost(world.db, world.ring, PASSPHRASE, SECRET, params=FAST)
    with world.db.read() as session:
        row = session.get_one(Member, world.ring.member_id)
        assert params_of(row.wrapped_seed) == dearer
        assert members.unlock(session, world.ring.desk, "ada", PASSPHRASE, SECRET, pins=world.pins) == world.ring


@dataclass
class _Once:
    """A desk made once for all examples of the machine."""

    _made: list[Template] = field(default_factory=list)

    def template(self) -> Template:
        if not self._made:
            folder = tempfile.TemporaryDirectory()
            atexit.register(folder.cleanup)
            self._made.append(make_template(Path(folder.name)))
        return self._made[0]


@dataclass
class Person:
    """A member as the test knows them, with every private key that they ever had."""

    id: str
    role: Role
    privates: list[PrivateKey]
    present: bool = True

    @property
    def holds(self) -> bool:
        return self.present and holds_the_desk_key(self.role)


class Members(RuleBasedStateMachine):
    """Anybody tries to change anybody; what opens a case afterwards is told by the roles alone."""

    @initialize()
    def begin(self) -> None:
        self.folder = folder_in_memory()
        self.world = TEMPLATE.template().copy(Path(self.folder.name))
        self.case_id = self.world.open_case().case_id
        first = self.world.ring
        self.people = [Person(first.member_id, Role.COORDINATOR, [first.privates[first.own]])]

    @rule(by=st.integers(0, 9), role=st.sampled_from(Role))
    def add(self, by: int, role: Role) -> None:
        actor, login = self._pick(by), f"lid{len(self.people)}"
        if not actor.present or len(self.people) > 5:
            return
        try:
            member_id, private = admit(self.world, login, role, ring(self.world, actor.id, actor.privates[-1]))
        except NotAllowed:
            assert not actor.holds
            return
        assert actor.holds
        self.people.append(Person(member_id, role, [private]))

    @rule(by=st.integers(0, 9), whom=st.integers(0, 9), role=st.sampled_from(Role))
    def change_role(self, by: int, whom: int, role: Role) -> None:
        actor, other = self._pick(by), self._pick(whom)
        if not actor.present:
            return
        last = other.holds and not any(each.holds for each in self.people if each is not other)
        try:
            with self.world.db.begin() as session:
                taken = membership.change_role(session, self._ring(actor), other.id, role, NOW)
        except NotAllowed:
            assert not actor.holds
        except NoSuchMember:
            assert not other.present
        except LastHolder:
            assert last
            assert not holds_the_desk_key(role)
        else:
            assert taken.desk_key == (other.holds and not holds_the_desk_key(role))
            other.role = role

    @rule(by=st.integers(0, 9), whom=st.integers(0, 9))
    def leave(self, by: int, whom: int) -> None:
        actor, other = self._pick(by), self._pick(whom)
        if not actor.present:
            return
        last = other.holds and not any(each.holds for each in self.people if each is not other)
        try:
            with self.world.db.begin() as session:
                taken = membership.leave(session, self._ring(actor), other.id, NOW)
        except NotAllowed:
            assert not actor.holds
        except NoSuchMember:
            assert not other.present
        except LastHolder:
            assert last
        else:
            assert not last
            assert taken.desk_key == other.holds
            other.present = False

    @rule(by=st.integers(0, 9), whom=st.integers(0, 9), role=st.sampled_from(Role))
    def come_back(self, by: int, whom: int, role: Role) -> None:
        actor, other = self._pick(by), self._pick(whom)
        if not actor.present:
            return
        made = own_key()
        try:
            with self.world.db.begin() as session:
                membership.take_back(session, self._ring(actor), other.id, made, role, NOW)
        except NotAllowed:
            assert not actor.holds
        except NoSuchMember:
            assert other.present
        else:
            assert not other.present
            other.present, other.role = True, role
            other.privates.append(made.private)

    @invariant()
    def roles_alone_tell_who_opens_what(self) -> None:
        for person in self.people:
            if person.present:
                found = self._ring(person)
                assert found.role is person.role
                assert opens(self.world, found, self.case_id) == person.holds

    @invariant()
    def no_key_of_before_opens_anything_that_is_in_the_database(self) -> None:
        with self.world.db.read() as session:
            recipients = set(session.scalars(select(SealedSeed.recipient_key_pair_id)))
            pairs = [pair for pair in session.scalars(select(KeyPair)) if pair.kind == KeyKind.MEMBER]
        for person in self.people:
            now = person.privates[-1].public.to_bytes() if person.holds else None
            sealed_to = {pair.public for pair in pairs if pair.owner == person.id and pair.id in recipients}
            assert sealed_to == ({now} if now else set())

    @invariant()
    def somebody_holds_the_desks_key(self) -> None:
        with self.world.db.read() as session:
            held = set(membership.holders(session, self.world.ring.desk))
        assert held == {person.id for person in self.people if person.holds}
        assert held

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.db.close()
            self.folder.cleanup()

    def _pick(self, number: int) -> Person:
        return self.people[number % len(self.people)]

    def _ring(self, person: Person) -> KeyRing:
        return ring(self.world, person.id, person.privates[-1])


TEMPLATE = _Once()
TestMembers = Members.TestCase
TestMembers.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
