"""Mails go out once, and twice only in the one window that no protocol can close."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import select, update

from store import outbox, sending
from store.audit import Action
from store.database import Database, clock
from store.frame import SealError
from store.keypairs import KeyKind, generate
from store.keyring import UnprovenKey
from store.outbox import OutboxState, OutgoingKind
from store.schema import Audit, Desk, MailCap, Outbox
from store.sending import Claim
from tests.store.world import (
    INDEX,
    NOW,
    Template,
    World,
    folder_in_memory,
    forge_key,
    make_template,
    make_world,
    outgoing,
    run_out,
)

LEASE = 600.0


def take(db: Database) -> Claim:
    claimed = sending.claim(db, LEASE)
    assert claimed is not None
    return claimed


def pause(db: Database, desk: str, at: datetime | None) -> None:
    with db.begin() as session:
        session.execute(update(Desk).where(Desk.slug == desk).values(outbox_paused_at=at))


def state(db: Database, outbox_id: str) -> OutboxState:
    with db.read() as session:
        return OutboxState(session.get_one(Outbox, outbox_id).state)


def test_a_queued_mail_is_sent_once_and_its_content_goes(world: World) -> None:
    outbox_id = world.enqueue()
    claimed = take(world.db)
    mail = sending.open_claim(claimed, world.mailer)
    assert (mail.recipient, mail.message_id) == ("sanne@thuis.example", "<token@desk.example>")
    assert mail.mime.endswith(b"Dank.")
    assert sending.claim(world.db, LEASE) is None
    assert sending.mark_sending(world.db, claimed)
    assert sending.mark_sent(world.db, claimed)
    assert sending.claim(world.db, LEASE) is None
    with world.db.read() as session:
        row = session.get_one(Outbox, outbox_id)
        assert (row.state, row.frame) == (OutboxState.SENT, None)
        assert Action.MAIL_SENT in session.scalars(select(Audit.action).where(Audit.subject_id == outbox_id)).all()


def test_what_follows_from_sending_is_in_the_same_transaction(world: World) -> None:
    outbox_id = world.enqueue()
    claimed = take(world.db)
    assert sending.mark_sending(world.db, claimed)

    def fails(*_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        sending.mark_sent(world.db, claimed, also=fails)
    assert state(world.db, outbox_id) is OutboxState.SENDING


def test_nobody_but_the_mailer_opens_a_due_mail(world: World) -> None:
    world.enqueue()
    claimed = take(world.db)
    with pytest.raises(SealError):
        sending.open_claim(claimed, generate())
    with pytest.raises(SealError):
        sending.open_claim(claimed, next(iter(world.fresh.privates.values())))


def test_a_claim_that_was_not_yet_sending_is_simply_taken_again(world: World) -> None:
    outbox_id = world.enqueue()
    take(world.db)
    run_out(world.db, Outbox)
    assert sending.sweep(world.db) == 0
    again = take(world.db)
    assert (again.outbox_id, again.sends) == (outbox_id, 0)


def test_a_sender_whose_lease_ran_out_may_not_begin_to_send(world: World) -> None:
    world.enqueue()
    claimed = take(world.db)
    run_out(world.db, Outbox)
    assert not sending.mark_sending(world.db, claimed)


def test_a_sender_whose_mail_another_took_may_not_begin_to_send(world: World) -> None:
    world.enqueue()
    slow = take(world.db)
    run_out(world.db, Outbox)
    quick = take(world.db)
    assert not sending.mark_sending(world.db, slow)
    assert sending.mark_sending(world.db, quick)
    assert not sending.mark_sent(world.db, slow)
    assert sending.mark_sent(world.db, quick)


def test_a_mail_found_sending_after_its_lease_is_sent_once_more_at_most(world: World) -> None:
    outbox_id = world.enqueue()
    for sends in (0, 1):
        claimed = take(world.db)
        assert claimed.sends == sends
        assert sending.mark_sending(world.db, claimed)
        assert sending.sweep(world.db) == 0
        run_out(world.db, Outbox)
        assert sending.sweep(world.db) == 1
        assert state(world.db, outbox_id) is OutboxState.UNCERTAIN
    assert sending.claim(world.db, LEASE) is None
    with world.db.read() as session:
        actions = session.scalars(select(Audit.action).where(Audit.subject_id == outbox_id)).all()
    assert actions.count(Action.MAIL_UNCERTAIN) == 2


def test_a_paused_sender_that_wakes_up_after_the_sweep_still_tells_that_it_sent(world: World) -> None:
    outbox_id = world.enqueue()
    claimed = take(world.db)
    assert sending.mark_sending(world.db, claimed)
    run_out(world.db, Outbox)
    assert sending.sweep(world.db) == 1
    assert not sending.mark_sending(world.db, claimed)
    assert sending.mark_sent(world.db, claimed)
    assert state(world.db, outbox_id) is OutboxState.SENT
    assert sending.claim(world.db, LEASE) is None


def test_a_mail_that_was_surely_not_taken_is_tried_again_later_and_does_not_count(world: World) -> None:
    outbox_id = world.enqueue()
    for attempt in range(1, 5):
        claimed = take(world.db)
        assert (claimed.attempt, claimed.sends) == (attempt, 0)
        assert sending.mark_sending(world.db, claimed)
        assert sending.mark_retry(world.db, claimed, 3600)
        assert sending.claim(world.db, LEASE) is None
        with world.db.begin() as session:
            session.execute(update(Outbox).values(not_before=NOW))
    assert state(world.db, outbox_id) is OutboxState.QUEUED


def test_a_mail_that_may_have_been_taken_stays_uncertain_when_its_second_try_is_deferred(world: World) -> None:
    outbox_id = world.enqueue()
    first = take(world.db)
    assert sending.mark_sending(world.db, first)
    assert sending.mark_uncertain(world.db, first, -1)
    second = take(world.db)
    assert sending.mark_sending(world.db, second)
    assert sending.mark_retry(world.db, second, -1)
    assert state(world.db, outbox_id) is OutboxState.UNCERTAIN
    assert take(world.db).sends == 1


def test_a_refused_mail_is_not_tried_again(world: World) -> None:
    outbox_id = world.enqueue()
    assert sending.mark_failed(world.db, take(world.db), INDEX, "refused")
    assert state(world.db, outbox_id) is OutboxState.FAILED
    assert sending.claim(world.db, LEASE) is None


def test_a_held_mail_waits_for_one_word(world: World) -> None:
    outbox_id = world.enqueue(held=True)
    assert sending.claim(world.db, LEASE) is None
    with world.db.begin() as session:
        assert outbox.release(session, "another-desk", [outbox_id]) == []
        assert outbox.release(session, world.ring.desk, [outbox_id]) == [outbox_id]
        assert outbox.release(session, world.ring.desk, [outbox_id]) == []
    assert take(world.db).outbox_id == outbox_id


def test_nothing_of_a_paused_desk_goes_out_not_even_what_was_claimed(world: World) -> None:
    world.enqueue()
    world.enqueue()
    claimed = take(world.db)
    pause(world.db, world.ring.desk, NOW)
    assert sending.claim(world.db, LEASE) is None
    assert not sending.mark_sending(world.db, claimed)
    pause(world.db, world.ring.desk, None)
    assert sending.mark_sending(world.db, claimed)


@pytest.mark.parametrize("with_proof", [False, True])
def test_no_copy_is_sealed_to_a_key_that_somebody_wrote_into_the_database(world: World, with_proof: bool) -> None:
    taken = world.open_case()
    forge_key(world.db, taken.case_id, KeyKind.IDENTITY, with_proof=with_proof)
    with pytest.raises(UnprovenKey):
        world.enqueue(case_id=taken.case_id, copy={"to": "sanne@thuis.example"})
    assert sending.claim(world.db, LEASE) is None


def test_a_mail_is_given_up_without_a_word_of_why_where_no_key_of_its_case_is_proven(world: World) -> None:
    taken = world.open_case()
    outbox_id = world.enqueue(case_id=taken.case_id)
    forge_key(world.db, taken.case_id, KeyKind.CASE)
    assert sending.mark_failed(world.db, take(world.db), INDEX, "refused")
    with world.db.read() as session:
        details = select(Audit.detail).where(Audit.subject_id == outbox_id, Audit.action == Action.MAIL_FAILED)
        assert session.scalars(details).all() == [None]


def test_a_cancelled_mail_is_not_sent_even_by_who_claimed_it(world: World) -> None:
    taken = world.open_case()
    outbox_id = world.enqueue(case_id=taken.case_id, kind=OutgoingKind.REMINDER)
    kept = world.enqueue(case_id=taken.case_id)
    claims = [take(world.db), take(world.db)]
    with world.db.begin() as session:
        assert outbox.cancel(session, taken.case_id, [OutgoingKind.REMINDER], NOW) == 1
    may = {claimed.outbox_id: sending.mark_sending(world.db, claimed) for claimed in claims}
    assert may == {outbox_id: False, kept: True}


def test_a_mail_is_found_at_its_own_desk_alone(world: World) -> None:
    taken = world.open_case()
    outbox_id = world.enqueue(case_id=taken.case_id, kind=OutgoingKind.REMINDER)
    with world.db.read() as session:
        row = outbox.with_id(session, world.ring.desk, outbox_id)
        assert row is not None
        assert (row.case_id, row.kind) == (taken.case_id, OutgoingKind.REMINDER)
        assert outbox.with_id(session, "another", outbox_id) is None


def test_a_member_is_unreachable_for_a_while_after_a_notice_came_back(world: World) -> None:
    desk, member_id = world.ring.desk, world.ring.member_id
    taken = world.open_case()
    came_back, _ = (world.enqueue(kind=OutgoingKind.NOTICE, member_id=each) for each in (member_id, "0" * 32))
    receipt = world.enqueue(case_id=taken.case_id)
    with world.db.begin() as session:
        assert outbox.unreachable_members(session, desk, NOW) == frozenset()
        for outbox_id in (came_back, receipt):
            outbox.note_bounce(session, outbox_id, taken.message_id)
    with world.db.read() as session:
        assert outbox.unreachable_members(session, desk, NOW) == {member_id}
        assert outbox.unreachable_members(session, "another", NOW) == frozenset()
        assert outbox.unreachable_members(session, desk, NOW + timedelta(seconds=1)) == frozenset()


def test_caps_count_by_address_by_case_and_in_all(world: World) -> None:
    """mail-cases 73, 74"""
    taken = world.open_case()
    for address in ("a@x.example", "A@x.example", "b@x.example"):
        world.enqueue(case_id=taken.case_id, caps=INDEX.caps(address, NOW)[0])
    world.enqueue(kind=OutgoingKind.NOTICE)
    tomorrow = NOW + timedelta(hours=20)
    since = NOW - timedelta(hours=1)
    with world.db.read() as session:
        desk = world.ring.desk
        assert outbox.recent_count(session, desk, since, INDEX.caps("a@x.example", tomorrow)) == 2
        assert outbox.recent_count_in_all(session, desk, since) == 3
        assert outbox.recent_count_to_domain(session, desk, since, INDEX.caps("new@X.example", tomorrow)) == 3
        assert outbox.recent_count_to_domain(session, desk, since, INDEX.caps("a@y.example", tomorrow)) == 0
        assert outbox.recent_count_to_domain(session, "another-desk", since, INDEX.caps("a@x.example", NOW)) == 0
        assert outbox.recent_count_in_all(session, desk, tomorrow) == 0
        assert outbox.recent_count_in_all(session, "another-desk", since) == 0
        assert outbox.recent_count_in_case(session, taken.case_id, since) == 3
        assert outbox.recent_count_in_case(session, taken.case_id, tomorrow) == 0


def test_what_waits_for_a_persons_word_or_was_taken_back_counts_against_no_cap(world: World) -> None:
    """mail-cases 73, 74: else whoever writes a reporter's address into From spends that reporter's caps."""
    taken = world.open_case()
    caps = INDEX.caps("a@x.example", NOW)
    world.enqueue(case_id=taken.case_id, caps=caps[0], held=True)
    since = NOW - timedelta(hours=1)
    desk = world.ring.desk

    def counted() -> list[int]:
        with world.db.read() as session:
            return [
                outbox.recent_count(session, desk, since, caps),
                outbox.recent_count_to_domain(session, desk, since, caps),
                outbox.recent_count_in_case(session, taken.case_id, since),
                outbox.recent_count_in_all(session, desk, since),
            ]

    assert counted() == [0, 0, 0, 0]
    with world.db.begin() as session:
        outbox.cancel(session, taken.case_id, [OutgoingKind.RECEIPT], NOW)
    assert counted() == [0, 0, 0, 0]


def test_the_sweep_forgets_who_got_mail_when_no_cap_counts_it_any_more(world: World) -> None:
    world.enqueue(caps=INDEX.caps("a@x.example", NOW)[0])
    with world.db.begin() as session:
        session.execute(update(MailCap).values(at=clock(session) - timedelta(days=1)))
    sending.sweep(world.db)
    with world.db.begin() as session:
        assert len(session.scalars(select(MailCap)).all()) == 1
        session.execute(update(MailCap).values(at=clock(session) - timedelta(days=2, seconds=1)))
    sending.sweep(world.db)
    with world.db.read() as session:
        assert session.scalars(select(MailCap)).all() == []


class Sending(RuleBasedStateMachine):
    """Senders that crash, stall and lose their leases, against a server that counts what it accepted.

    What may happen to a mail: accepted twice at most; never again once a sender's own word that it was sent (or that
    it failed) stands; and a second time only after one that nobody reported in time.
    """

    claims: Bundle[Claim] = Bundle("claims")
    sending: Bundle[Claim] = Bundle("sending")

    @initialize(mails=st.integers(1, 2))
    def begin(self, mails: int) -> None:
        self.folder = folder_in_memory()
        self.world = TEMPLATE.value.copy(Path(self.folder.name))
        self.db = self.world.db
        self.accepted: Counter[str] = Counter()
        self.reported: set[str] = set()
        self.ids = [self.world.enqueue() for _ in range(mails)]

    @rule(target=claims)
    def claim(self) -> Claim:
        claimed = sending.claim(self.db, LEASE)
        if claimed is None:
            return multiple()  # type: ignore[return-value]
        assert claimed.outbox_id not in self.reported
        return claimed

    @rule(claimed=consumes(claims), target=sending)
    def begin_data(self, claimed: Claim) -> Claim:
        if not sending.mark_sending(self.db, claimed):
            return multiple()  # type: ignore[return-value]
        assert claimed.outbox_id not in self.reported
        return claimed

    @rule(claimed=consumes(sending), told=st.booleans())
    def server_accepts(self, claimed: Claim, told: bool) -> None:
        self.accepted[claimed.outbox_id] += 1
        if told and sending.mark_sent(self.db, claimed):
            self.reported.add(claimed.outbox_id)

    @rule(claimed=consumes(sending), answer=st.sampled_from(["refused", "deferred", "nothing"]))
    def server_does_not_accept(self, claimed: Claim, answer: str) -> None:
        if answer == "deferred":
            sending.mark_retry(self.db, claimed, -1)
        elif answer == "nothing":
            sending.mark_uncertain(self.db, claimed, -1)
        elif sending.mark_failed(self.db, claimed, INDEX, answer):
            self.reported.add(claimed.outbox_id)

    @rule(claimed=consumes(claims))
    def server_is_down(self, claimed: Claim) -> None:
        sending.mark_retry(self.db, claimed, -1)

    @rule()
    def leases_run_out(self) -> None:
        run_out(self.db, Outbox)
        sending.sweep(self.db)

    @invariant()
    def nothing_is_sent_more_than_twice(self) -> None:
        assert all(count <= 2 for count in getattr(self, "accepted", {}).values())

    @invariant()
    def no_row_counts_more_than_two(self) -> None:
        if hasattr(self, "db"):
            with self.db.read() as session:
                assert all(sends <= 2 for sends in session.scalars(select(Outbox.sends)))

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        # in the end a sender that works empties the outbox: nothing is stuck, nothing was forgotten
        for _ in range(3 * len(self.ids)):
            run_out(self.db, Outbox)
            sending.sweep(self.db)
            claimed = sending.claim(self.db, LEASE)
            if claimed is None:
                break
            assert sending.mark_sending(self.db, claimed)
            self.accepted[claimed.outbox_id] += 1
            assert sending.mark_sent(self.db, claimed)
        for outbox_id in self.ids:
            end = state(self.db, outbox_id)
            assert end in (OutboxState.SENT, OutboxState.FAILED, OutboxState.UNCERTAIN)
            if end is OutboxState.SENT:
                assert 1 <= self.accepted[outbox_id] <= 2
        self.db.close()
        self.folder.cleanup()


class _Once:
    """The template, made when the first example wants it."""

    def __init__(self) -> None:
        self._made: Template | None = None
        self._folder = folder_in_memory()

    @property
    def value(self) -> Template:
        if self._made is None:
            self._made = make_template(Path(self._folder.name))
        return self._made


TEMPLATE = _Once()
TestSending = Sending.TestCase
TestSending.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_two_senders_at_once_never_hold_the_same_mail(world: World) -> None:
    ids = {world.enqueue() for _ in range(12)}
    barrier = Barrier(2)
    got: list[str] = []

    def sender() -> None:
        barrier.wait()
        while (claimed := sending.claim(world.db, LEASE)) is not None and len(got) <= len(ids):
            got.append(claimed.outbox_id)

    threads = [Thread(target=sender) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(ids)


def test_the_mails_of_two_desks_do_not_hold_each_other_up(db: Database) -> None:
    one, two = make_world(db, "een"), make_world(db, "twee")
    one.enqueue()
    second = two.enqueue()
    pause(db, "een", NOW)
    assert take(db).outbox_id == second


def test_an_outgoing_copy_and_the_mail_itself_tell_nothing_when_printed() -> None:
    assert "sanne" not in repr(outgoing(copy={"text": "sanne"}))
