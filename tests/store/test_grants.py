"""Who opens a case: exactly those who may, whatever else they hold, and whoever writes to the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, update

from cases.roles import Role, holds_the_desk_key
from store import access_list, casework, changes, grants, membership, records, rekeying
from store.access_list import AccessList
from store.audit import Action
from store.casework import NotFound
from store.intake import CaseKeys, TakenIn, add_message
from store.keypairs import KeyKind, generate
from store.keyring import KeyRing, NotAllowed, newest_proven
from store.members import OwnKey, ring_of
from store.queue import overdue_count, queue_page, status_counts
from store.records import Name, RecordKind
from store.schema import CaseFile, KeyPair, Member, SealedSeed
from tests.store.office import ROLES, Office, OfficeTemplate, opened_kinds
from tests.store.world import INDEX, NOW, folder_in_memory, mail

ALL = {"case", "identity", "trail"}
MEMBERS = ("ada", *ROLES)
HOLDERS = {"ada"} | {name for name, role in ROLES.items() if holds_the_desk_key(role)}
WHY = "Onderzoek naar de kantine."


@pytest.fixture
def taken(office: Office) -> TakenIn:
    taken = office.world.open_case(mail(attachments=[]))
    with office.db.begin() as session:
        changes.decide(session, office.ring("ada"), INDEX, taken.case_id, {"severity": "hoog"}, version=1, now=NOW)
    return taken


def grant(office: Office, by: str, case_id: str, to: str, *, identity: bool = False, again: bool = False) -> None:
    with office.db.begin() as session:
        grants.grant(
            *(session, office.ring(by), INDEX, case_id, office.id(to)),
            identity=identity,
            reason=WHY,
            now=NOW,
            again=again,
        )


def withdraw(office: Office, by: str, case_id: str, member: str) -> None:
    list(grants.withdraw(office.db, office.ring(by), INDEX, office.world.keys, case_id, office.id(member), WHY))


def shut_out(office: Office, by: str, case_id: str, member: str, *, by_request: bool = False) -> None:
    list(
        grants.shut_out(
            *(office.db, office.ring(by), INDEX, office.world.keys, case_id, office.id(member), WHY),
            by_request=by_request,
        )
    )


def opens(office: Office, name: str, case_id: str) -> set[str]:
    return opened_kinds(office.db, office.ring(name), case_id)


def listed(office: Office, name: str) -> list[str]:
    with office.db.read() as session:
        return [row.case_id for row in queue_page(session, office.ring(name)).rows]


def test_an_investigator_opens_what_is_granted_and_nothing_else(office: Office, taken: TakenIn) -> None:
    other = office.world.open_case(mail(message_ids=["<2@x>"]), reference="CCCCC-DDDDD")
    assert opens(office, "ivo", taken.case_id) == set()
    grant(office, "ada", taken.case_id, "ivo")
    assert opens(office, "ivo", taken.case_id) == {"case", "trail"}
    assert opens(office, "ivo", other.case_id) == set()
    assert opens(office, "isa", taken.case_id) == set()
    assert listed(office, "ivo") == [taken.case_id]
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    assert opens(office, "ivo", taken.case_id) == ALL


def test_who_was_granted_a_case_counts_that_one_and_finds_no_other(office: Office, taken: TakenIn) -> None:
    other = office.world.open_case(mail(message_ids=["<2@x>"]), reference="CCCCC-DDDDD")
    grant(office, "ada", taken.case_id, "ivo")
    with office.db.read() as session:
        ring = office.ring("ivo")
        assert sum(status_counts(session, ring).values()) == 1
        assert overdue_count(session, ring, NOW.replace(year=2030)) == 1
        with pytest.raises(NotFound):
            casework.case_row(session, ring, other.case_id)


def test_later_mail_and_notes_are_open_to_who_was_granted(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    with office.db.begin() as session:
        add_message(session, office.world.keys, INDEX, taken.case_id, mail(), sender_is_new=False, now=NOW)
        changes.add_note(session, office.ring("ivo"), INDEX, taken.case_id, "Gehoord.", NOW)
        view = casework.view_case(session, office.ring("ivo"), taken.case_id, NOW)
    assert (len(view.messages), len(view.notes), view.damaged) == (2, 1, 0)


def test_without_the_identity_key_a_case_is_seen_without_its_reporter(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo")
    with office.db.begin() as session:
        view = casework.view_case(session, office.ring("ivo"), taken.case_id, NOW)
    assert view.report["primary"] == "pesten"
    assert [(message.masked_text, message.content, message.contact) for message in view.messages] == [
        ("Zwanenzang in de ▇▇▇.", {}, {})
    ]
    assert view.damaged == 0
    assert not view.opens_identity


def test_what_is_withdrawn_is_closed_and_stays_closed(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    grant(office, "ada", taken.case_id, "isa")
    withdraw(office, "ada", taken.case_id, "ivo")
    assert opens(office, "ivo", taken.case_id) == set()
    assert listed(office, "ivo") == []
    assert opens(office, "isa", taken.case_id) == {"case", "trail"}
    assert opens(office, "ben", taken.case_id) == ALL
    with pytest.raises(grants.HasNoAccess):
        withdraw(office, "ada", taken.case_id, "ivo")


def test_what_is_withdrawn_is_closed_from_the_first_moment_on_wherever_it_breaks_off(
    office: Office, taken: TakenIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    monkeypatch.setattr(rekeying, "BATCH_RECORDS", 1)
    asked = (office.db, office.ring("ada"), INDEX, office.world.keys, taken.case_id, office.id("ivo"), WHY)
    withdrawing = grants.withdraw(*asked)
    next(withdrawing)
    withdrawing.close()  # type: ignore[attr-defined]
    assert opens(office, "ivo", taken.case_id) == set()
    assert opens(office, "ada", taken.case_id) == ALL


def test_who_is_shut_out_opens_lists_and_counts_nothing_with_the_whole_key_ring(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo")
    shut_out(office, "ada", taken.case_id, "ben")
    assert opens(office, "ben", taken.case_id) == set()
    assert opens(office, "ada", taken.case_id) == opens(office, "cas", taken.case_id) == ALL
    assert opens(office, "ivo", taken.case_id) == {"case", "trail"}
    assert listed(office, "ben") == []
    assert listed(office, "cas") == [taken.case_id]
    with office.db.read() as session:
        ring = office.ring("ben")
        assert sum(status_counts(session, ring).values()) == 0
        assert overdue_count(session, ring, NOW.replace(year=2030)) == 0
        with pytest.raises(NotFound):
            casework.case_row(session, ring, taken.case_id)


def test_one_shuts_oneself_out(office: Office, taken: TakenIn) -> None:
    shut_out(office, "ada", taken.case_id, "ada", by_request=True)
    assert opens(office, "ada", taken.case_id) == set()
    assert opens(office, "ben", taken.case_id) == ALL
    with office.db.read() as session:
        assert rekeying.unfinished(session, office.world.ring.desk) == ()


def test_mail_of_a_restricted_case_is_kept_from_who_is_shut_out(office: Office, taken: TakenIn) -> None:
    shut_out(office, "ada", taken.case_id, "ben")
    with office.db.begin() as session:
        add_message(session, office.world.keys, INDEX, taken.case_id, mail(), sender_is_new=False, now=NOW)
    assert opens(office, "ben", taken.case_id) == set()
    with office.db.begin() as session:
        assert len(casework.view_case(session, office.ring("cas"), taken.case_id, NOW).messages) == 2


def test_somebody_is_always_left_who_may_manage_access(office: Office, taken: TakenIn) -> None:
    shut_out(office, "ada", taken.case_id, "ben")
    shut_out(office, "ada", taken.case_id, "cas")
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    with pytest.raises(grants.NobodyLeft):
        shut_out(office, "ada", taken.case_id, "ada")
    assert opens(office, "ada", taken.case_id) == ALL


def test_who_was_shut_out_is_let_in_again_only_by_saying_so(office: Office, taken: TakenIn) -> None:
    shut_out(office, "ada", taken.case_id, "ben")
    with pytest.raises(grants.ShutOut):
        grant(office, "ada", taken.case_id, "ben", identity=True)
    grant(office, "ada", taken.case_id, "ben", identity=True, again=True)
    assert opens(office, "ben", taken.case_id) == ALL


@pytest.mark.parametrize("name", ["ivo", "sam", "aud"])
def test_only_who_may_manage_access_changes_it(office: Office, taken: TakenIn, name: str) -> None:
    if name != "aud":
        grant(office, "ada", taken.case_id, name, identity=True)
    with pytest.raises(NotAllowed):
        grant(office, name, taken.case_id, "isa")
    with pytest.raises(NotAllowed):
        shut_out(office, name, taken.case_id, "ada")


def test_a_case_is_granted_to_nobody_who_reads_none(office: Office, taken: TakenIn) -> None:
    with pytest.raises(grants.CannotBeGranted):
        grant(office, "ada", taken.case_id, "aud")
    with pytest.raises(grants.HasAccess):
        grant(office, "ada", taken.case_id, "ben")


def test_every_change_stands_on_the_trail_with_its_reason(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo")
    withdraw(office, "ada", taken.case_id, "ivo")
    shut_out(office, "ada", taken.case_id, "ben", by_request=True)
    with office.db.begin() as session:
        told = casework.view_case(session, office.ring("ada"), taken.case_id, NOW).timeline
    found = {event.action: event.detail for event in told if event.detail.get("reason")}
    assert {each["reason"] for each in found.values()} == {WHY}
    assert found[Action.ACCESS_GRANTED]["member"] == office.id("ivo")
    assert found[Action.ACCESS_WITHDRAWN]["member"] == office.id("ivo")
    assert found[Action.SHUT_OUT]["by_request"] is True
    with pytest.raises(grants.NoReason), office.db.begin() as session:
        grants.grant(
            *(session, office.ring("ada"), INDEX, taken.case_id, office.id("isa")), identity=False, reason=" ", now=NOW
        )


def test_the_keys_are_sealed_to_no_key_that_the_desk_did_not_certify(office: Office, taken: TakenIn) -> None:
    with office.db.begin() as session:
        of_ivo = select(KeyPair).where(KeyPair.owner == office.id("ivo"))
        session.scalars(of_ivo).one().public = generate().public.to_bytes()
    with pytest.raises(grants.UnprovenMember):
        grant(office, "ada", taken.case_id, "ivo")


def keys_of(office: Office, case_id: str) -> CaseKeys:
    desk = office.world.ring.desk
    with office.db.read() as session:
        return CaseKeys(
            *(newest_proven(session, INDEX, desk, kind, case_id) for kind in (KeyKind.CASE, KeyKind.IDENTITY))
        )


def forge_access(office: Office, case_id: str, attacker: str) -> None:
    """What somebody does who writes to the database: rows, a column and a list that say they have access."""
    keys, own = keys_of(office, case_id), office.rings[attacker].own
    with office.db.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == case_id).values(restricted=False))
        for pair in (keys.case, keys.identity):
            if session.get(SealedSeed, (pair.id, own)) is None:
                session.add(SealedSeed(key_pair_id=pair.id, recipient_key_pair_id=own, frame=b"forged"))
        forged = AccessList({office.id(attacker): True, office.id("ada"): True})
        access_list.write(session, keys, generate(), forged, NOW, office.rings[attacker].author)


def test_who_writes_to_the_database_puts_nobody_on_the_list(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "isa")
    shut_out(office, "ada", taken.case_id, "ben")
    for attacker in ("ben", "ivo"):
        forge_access(office, taken.case_id, attacker)
    shut_out(office, "ada", taken.case_id, "cas")
    assert opens(office, "ben", taken.case_id) == opens(office, "ivo", taken.case_id) == set()
    assert opens(office, "isa", taken.case_id) == {"case", "trail"}
    assert opens(office, "ada", taken.case_id) == ALL


def test_a_list_of_before_the_keys_were_made_anew_counts_for_nothing(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo")
    with office.db.read() as session:
        name = Name(taken.case_id, taken.case_id, RecordKind.ACCESS)
        before = records.opened_json(session, office.ring("ada"), name)
    withdraw(office, "ada", taken.case_id, "ivo")
    keys = keys_of(office, taken.case_id)
    with office.db.begin() as session:
        records.write_json(session, name, before, keys.case, NOW, version=9, by=office.ring("ivo").author)
    withdraw_nobody = grants.renew(office.db, office.ring("ada"), INDEX, office.world.keys, taken.case_id)
    list(withdraw_nobody)
    assert opens(office, "ivo", taken.case_id) == set()


def renew(office: Office, case_id: str) -> None:
    list(grants.renew(office.db, office.ring("ada"), INDEX, office.world.keys, case_id))


def test_who_left_gets_no_new_keys_of_a_case_by_rows_that_say_that_they_are_there(
    office: Office, taken: TakenIn
) -> None:
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    with office.db.begin() as session:
        membership.leave(session, office.ring("ada"), office.id("ivo"), NOW)
        session.execute(update(Member).values(retired_at=None))
        session.execute(update(KeyPair).values(retired_at=None))
    renew(office, taken.case_id)
    assert opens(office, "ivo", taken.case_id) == set()


def test_who_came_back_is_granted_a_case_anew_or_does_not_open_it(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    made = OwnKey(generate(), b"never opened")
    with office.db.begin() as session:
        membership.leave(session, office.ring("ada"), office.id("ivo"), NOW)
        membership.take_back(session, office.ring("ada"), office.id("ivo"), made, Role.INVESTIGATOR, NOW)
    with office.db.read() as session:
        back = ring_of(session, office.world.ring.desk, office.id("ivo"), "ivo", made.private, office.world.pins)
    renew(office, taken.case_id)
    assert opened_kinds(office.db, back, taken.case_id) == set()
    grant(office, "ada", taken.case_id, "ivo")
    assert opened_kinds(office.db, KeyRing.from_bytes(back.to_bytes()), taken.case_id) == {"case", "trail"}


def test_who_has_a_role_that_reads_no_case_gets_no_new_keys_of_one(office: Office, taken: TakenIn) -> None:
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    with office.db.begin() as session:
        membership.change_role(session, office.ring("ada"), office.id("ivo"), Role.AUDITOR, NOW)
    renew(office, taken.case_id)
    assert opens(office, "ivo", taken.case_id) == set()


def test_who_has_a_role_that_reads_no_case_gets_none_by_rows_that_say_that_they_have_a_key(
    office: Office, taken: TakenIn
) -> None:
    grant(office, "ada", taken.case_id, "ivo", identity=True)
    with office.db.begin() as session:
        membership.change_role(session, office.ring("ada"), office.id("ivo"), Role.AUDITOR, NOW)
    keys = keys_of(office, taken.case_id)
    with office.db.begin() as session:
        for each in (keys.case, keys.identity):
            session.add(SealedSeed(key_pair_id=each.id, recipient_key_pair_id=office.rings["ivo"].own, frame=b"x"))
    renew(office, taken.case_id)
    assert opens(office, "ivo", taken.case_id) == set()


class Shares(RuleBasedStateMachine):
    """Grants, withdrawals, shut-outs and mail in any order, with somebody who writes to the database."""

    template: OfficeTemplate

    @initialize()
    def a_case(self) -> None:
        self.folder = folder_in_memory()
        self.office = self.template.copy(Path(self.folder.name))
        self.case_id = self.office.world.open_case(mail(attachments=[])).case_id
        self.restricted = False
        self.own: dict[str, bool] = {}
        self.out: set[str] = set()
        self.mails = 1

    def may_open(self, name: str) -> set[str]:
        full = name in HOLDERS and not self.restricted
        if name not in self.own and not full:
            return set()
        return {"case", "identity"} if full or self.own[name] else {"case"}

    def manager(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(name for name in HOLDERS if self.may_open(name))))

    @rule(data=st.data(), to=st.sampled_from(MEMBERS), identity=st.booleans(), again=st.booleans())
    def granted(self, data: st.DataObject, to: str, identity: bool, again: bool) -> None:
        by, has = self.manager(data), self.may_open(to)
        try:
            grant(self.office, by, self.case_id, to, identity=identity, again=again)
        except (grants.ShutOut, grants.HasAccess, grants.CannotBeGranted):
            assert to == "aud" or has >= {"case", *(["identity"] if identity else [])} or (to in self.out and not again)
        else:
            self.own[to] = identity
            self.out.discard(to)

    @rule(data=st.data(), member=st.sampled_from(MEMBERS))
    def withdrawn(self, data: st.DataObject, member: str) -> None:
        by = self.manager(data)
        managers = {name for name in HOLDERS if self.own.get(name)} - {member}
        try:
            withdraw(self.office, by, self.case_id, member)
        except (grants.HasNoAccess, grants.NobodyLeft):
            assert member not in self.own or (self.restricted and not managers)
        else:
            self.own.pop(member, None)

    @rule(data=st.data(), member=st.sampled_from(MEMBERS), by_request=st.booleans())
    def kept_out(self, data: st.DataObject, member: str, by_request: bool) -> None:
        by = self.manager(data)
        left = {name for name in HOLDERS if "identity" in self.may_open(name)} - {member}
        try:
            shut_out(self.office, by, self.case_id, member, by_request=by_request)
        except (grants.ShutOut, grants.NobodyLeft):
            assert member in self.out or not left
        else:
            if not self.restricted:
                self.own |= dict.fromkeys(HOLDERS, True)
            self.restricted = True
            self.own.pop(member, None)
            self.out.add(member)

    @rule()
    def mail_comes(self) -> None:
        with self.office.db.begin() as session:
            new = mail(message_ids=[f"<{self.mails}@x>"], attachments=[])
            add_message(session, self.office.world.keys, INDEX, self.case_id, new, sender_is_new=False, now=NOW)
        self.mails += 1

    @rule(attacker=st.sampled_from(MEMBERS))
    def somebody_writes_to_the_database(self, attacker: str) -> None:
        if not self.may_open(attacker):
            forge_access(self.office, self.case_id, attacker)
            with self.office.db.begin() as session:  # as it was: the pages go by this column
                session.execute(update(CaseFile).values(restricted=self.restricted))

    @rule(names=st.sets(st.sampled_from(MEMBERS), max_size=4))
    def a_set_of_members_opens_what_its_members_may(self, names: set[str]) -> None:
        may: set[str] = set().union(*(self.may_open(name) for name in names))
        found = opened_kinds(self.office.db, self.office.everything_of(names), self.case_id)
        assert found - {"trail"} == may

    @invariant()
    def each_member_opens_what_they_may(self) -> None:
        if not hasattr(self, "own"):
            return
        for name in MEMBERS:
            assert opens(self.office, name, self.case_id) - {"trail"} == self.may_open(name), name

    def teardown(self) -> None:
        if hasattr(self, "office"):
            self.office.db.close()
            self.folder.cleanup()


def test_exactly_those_open_who_may(office_template: OfficeTemplate) -> None:
    Shares.template = office_template
    run_state_machine_as_test(
        Shares,
        settings=settings(
            max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_the_roles_of_this_office_are_told_apart() -> None:
    assert {"ada", "ben", "cas"} == HOLDERS
    assert Role.AUDITOR in ROLES.values()
