"""A mail is taken in once, whatever happens, and no attempt at it is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule
from sqlalchemy import func, select

from store import ledger
from store.database import Database, open_database
from store.ledger import AlreadyTakenIn, FolderSeen, LedgerEntry, MailPlace, State
from store.schema import Desk, Ledger, MailboxClaim
from tests.store.world import NOW, folder_in_memory, run_out

PLACE = MailPlace("post", "INBOX", 4_294_967_295, 4_294_967_295)
DESK = "integriteit"


@pytest.fixture
def desk(db: Database) -> Database:
    return with_desk(db)


def with_desk(db: Database) -> Database:
    with db.begin() as session:
        session.add(Desk(slug=DESK, created_at=NOW))
    return db


def settle(db: Database, entry: LedgerEntry, mail: int) -> None:
    with db.begin() as session:
        ledger.settle(
            session,
            entry.id,
            raw_digest=bytes([mail]) * 32,
            stable_digest=bytes([mail, 255]) * 16,
            case_id=f"case{mail}",
            message_id=f"message{mail}",
        )


def test_each_attempt_is_committed_before_the_next(desk: Database) -> None:
    for attempt in (1, 2, 3):
        entry = ledger.begin_attempt(desk, DESK, PLACE)
        assert (entry.attempts, entry.state, entry.place) == (attempt, State.ATTEMPTED, PLACE)
        with desk.read() as session:
            found = ledger.find(session, PLACE)
        assert found is not None
        assert found.attempts == attempt


def test_a_mail_that_the_server_would_not_give_was_not_attempted(desk: Database) -> None:
    entry = ledger.begin_attempt(desk, DESK, PLACE)
    ledger.note_fetch_failure(desk, entry.id)
    again = ledger.begin_attempt(desk, DESK, PLACE)
    assert (again.attempts, again.fetch_failures) == (1, 1)


def test_a_settled_mail_is_not_attempted_again(desk: Database) -> None:
    settle(desk, ledger.begin_attempt(desk, DESK, PLACE), 1)
    entry = ledger.begin_attempt(desk, DESK, PLACE)
    assert (entry.state, entry.attempts, entry.case_id) == (State.SETTLED, 1, "case1")
    with pytest.raises(AlreadyTakenIn):
        settle(desk, entry, 2)


def test_a_reused_uid_under_another_uidvalidity_is_another_mail(desk: Database) -> None:
    first = ledger.begin_attempt(desk, DESK, MailPlace("post", "INBOX", 1, 7))
    second = ledger.begin_attempt(desk, DESK, MailPlace("post", "INBOX", 2, 7))
    assert first.id != second.id


def test_a_mail_is_moved_once_and_found_for_expunging_after_its_time(desk: Database) -> None:
    entry = ledger.begin_attempt(desk, DESK, PLACE)
    with desk.begin() as session:
        ledger.mark_moved(session, entry.id, None)
        assert ledger.moved_before(session, "post", datetime.now(UTC) + timedelta(days=1)) == []
    settle(desk, entry, 1)
    done = MailPlace("post", "Verwerkt", 9, 3)
    with desk.begin() as session:
        ledger.mark_copy_started(session, entry.id)
        ledger.mark_moved(session, entry.id, done)
    with desk.begin() as session:
        assert ledger.moved_before(session, "post", NOW) == []
        (moved,) = ledger.moved_before(session, "post", datetime.now(UTC) + timedelta(days=1))
        assert (moved.id, moved.done_place) == (entry.id, done)
        assert ledger.done_uids(session, "post", "Verwerkt", 9) == {3}
        ledger.mark_expunged(session, [entry.id])
    with desk.read() as session:
        assert ledger.moved_before(session, "post", datetime.now(UTC) + timedelta(days=1)) == []


def unfinished(db: Database) -> list[tuple[str, int, int]]:
    with db.read() as session:
        places = [entry.place for entry in ledger.unfinished(session, "post")]
    return [(place.folder, place.uidvalidity, place.uid) for place in places]


def test_mails_without_a_result_are_named_until_they_are_gone(desk: Database) -> None:
    for uid in (1, 2, 3):
        entry = ledger.begin_attempt(desk, DESK, MailPlace("post", "INBOX", 1, uid))
        if uid == 2:
            settle(desk, entry, uid)
    ledger.begin_attempt(desk, DESK, MailPlace("tweede", "INBOX", 1, 1))
    assert unfinished(desk) == [("INBOX", 1, 1), ("INBOX", 1, 3)]
    assert ledger.note_gone(desk, "post", {"INBOX": FolderSeen(1, [3])}) == 1
    assert unfinished(desk) == [("INBOX", 1, 3)]
    assert ledger.note_gone(desk, "post", {"INBOX": FolderSeen(1, [3])}) == 0


def test_mails_of_a_folder_that_is_away_or_was_made_anew_are_gone_and_files_are_not(desk: Database) -> None:
    for folder, uidvalidity in (("INBOX", 1), ("INBOX", 2), ("Away", 1), (ledger.IMPORTS, 1)):
        ledger.begin_attempt(desk, DESK, MailPlace("post", folder, uidvalidity, 7))
    assert ledger.note_gone(desk, "post", {"INBOX": FolderSeen(2, [7])}) == 2
    assert unfinished(desk) == [("INBOX", 2, 7), (ledger.IMPORTS, 1, 7)]


def test_a_mail_that_was_gone_and_is_there_again_is_tried_again(desk: Database) -> None:
    ledger.begin_attempt(desk, DESK, PLACE)
    ledger.note_gone(desk, "post", {})
    entry = ledger.begin_attempt(desk, DESK, PLACE)
    assert (entry.state, entry.attempts) == (State.ATTEMPTED, 2)


def test_a_mail_that_is_taken_in_while_another_finds_it_gone_is_taken_in(desk: Database) -> None:
    entry = ledger.begin_attempt(desk, DESK, PLACE)
    ledger.note_gone(desk, "post", {})
    settle(desk, entry, 1)
    assert ledger.begin_attempt(desk, DESK, PLACE).state is State.SETTLED
    assert ledger.note_gone(desk, "post", {}) == 0


def test_a_mail_in_a_folder_that_is_missing_is_not_gone(desk: Database) -> None:
    ledger.begin_attempt(desk, DESK, PLACE)
    assert ledger.note_gone(desk, "post", {}, missing=[PLACE.folder]) == 0
    assert ledger.note_gone(desk, "post", {}, missing=["Junk"]) == 1


def test_a_mail_that_is_gone_is_not_looked_for_in_the_done_folder(desk: Database) -> None:
    ledger.begin_attempt(desk, DESK, PLACE)
    ledger.note_gone(desk, "post", {})
    with desk.read() as session:
        assert ledger.not_placed(session, "post", [PLACE.folder], "Verwerkt", 1) == []


def first_contact(db: Database, account: str = "post", **folders: range) -> dict[str, int]:
    there = {name: FolderSeen(1, uids) for name, uids in folders.items()}
    return ledger.first_contact(db, account, there, hold_above=20)


def test_mail_that_lay_there_at_first_contact_is_remembered_as_such(desk: Database) -> None:
    assert first_contact(desk, INBOX=range(1, 23)) == {"INBOX": 22}
    assert first_contact(desk, INBOX=range(1, 90)) == {"INBOX": 22}
    assert first_contact(desk, INBOX=range(1, 90), Fresh=range(1, 21)) == {"INBOX": 22, "Fresh": 0}
    assert first_contact(desk, Fresh=range(1, 90)) == {"Fresh": 0}
    assert first_contact(desk, Empty=range(0)) == {"Empty": 0}


def test_the_folders_of_a_mailbox_are_counted_together_at_first_contact(desk: Database) -> None:
    assert first_contact(desk, INBOX=range(1, 12), Junk=range(30, 40), Empty=range(0)) == {
        "INBOX": 11,
        "Junk": 39,
        "Empty": 0,
    }
    assert first_contact(desk, "tweede", INBOX=range(1, 11), Junk=range(30, 40)) == {"INBOX": 0, "Junk": 0}


def test_one_daemon_at_a_time_reads_a_mailbox(desk: Database) -> None:
    assert ledger.claim_mailbox(desk, "post", "one", 60)
    assert not ledger.claim_mailbox(desk, "post", "two", 60)
    assert ledger.claim_mailbox(desk, "tweede", "two", 60)
    assert ledger.claim_mailbox(desk, "post", "one", 60), "its holder extends it"
    ledger.release_mailbox(desk, "post", "two")
    assert not ledger.claim_mailbox(desk, "post", "two", 60)
    ledger.release_mailbox(desk, "post", "one")
    assert ledger.claim_mailbox(desk, "post", "two", 60)
    run_out(desk, MailboxClaim)
    assert ledger.claim_mailbox(desk, "post", "one", 60), "a dead holder's claim runs out"


def test_two_that_find_a_new_mail_at_once_count_two_attempts_at_one_entry(desk: Database) -> None:
    barrier = Barrier(2)
    entries: list[LedgerEntry] = []

    def attempt() -> None:
        barrier.wait()
        entries.append(ledger.begin_attempt(desk, DESK, PLACE))

    _together(attempt, attempt)
    assert {entry.id for entry in entries} == {entries[0].id}
    assert {entry.attempts for entry in entries} == {1, 2}


def test_of_two_that_settle_one_mail_at_once_one_wins(desk: Database) -> None:
    entries = [ledger.begin_attempt(desk, DESK, MailPlace("post", "INBOX", 1, uid)) for uid in (1, 2)]
    barrier = Barrier(2)
    results: list[str] = []

    def take_in(entry: LedgerEntry) -> None:
        barrier.wait()
        try:
            settle(desk, entry, 1)
            results.append("won")
        except AlreadyTakenIn:
            results.append("lost")

    _together(lambda: take_in(entries[0]), lambda: take_in(entries[1]))
    assert sorted(results) == ["lost", "won"]


def _together(*work: object) -> None:
    threads = [Thread(target=each) for each in work]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class TakingIn(RuleBasedStateMachine):
    """Two daemons over a mailbox with copies of the same mails, which crash between any two steps."""

    begun: Bundle[tuple[LedgerEntry, int]] = Bundle("begun")

    @initialize()
    def begin(self) -> None:
        self.folder = folder_in_memory()
        self.db = open_database(f"sqlite:///{self.folder.name}/ledger.db")
        self.db.upgrade()
        with_desk(self.db)
        self.attempts: dict[MailPlace, int] = {}
        self.won: dict[int, str] = {}
        self.done: set[MailPlace] = set()

    @rule(target=begun, uid=st.integers(1, 4), validity=st.integers(1, 2))
    def attempt(self, uid: int, validity: int) -> tuple[LedgerEntry, int]:
        place = MailPlace("post", "INBOX", validity, uid)
        entry = ledger.begin_attempt(self.db, DESK, place)
        if place not in self.done:
            self.attempts[place] = self.attempts.get(place, 0) + 1
        assert entry.attempts == self.attempts.get(place, 0)
        assert (entry.state is not State.ATTEMPTED) == (place in self.done)
        return entry, uid % 3  # UIDs 1 and 4 are the same mail, and so is every UID after the folder was renumbered

    @rule(begun=consumes(begun))
    def take_in(self, begun: tuple[LedgerEntry, int]) -> None:
        entry, mail = begun
        try:
            settle(self.db, entry, mail)
        except AlreadyTakenIn:
            assert mail in self.won or entry.place in self.done
            return
        assert mail not in self.won, "one mail was taken in twice"
        self.won[mail] = entry.id
        self.done.add(entry.place)

    @rule(begun=consumes(begun))
    def find_copy(self, begun: tuple[LedgerEntry, int]) -> None:
        entry, mail = begun
        with self.db.begin() as session:
            found = ledger.find_by_digest(session, "post", bytes([mail]) * 32, b"?" * 32)
            assert (found.id if found else None) == self.won.get(mail)
            if found is None or entry.place in self.done:
                return
            ledger.settle_duplicate(session, entry.id, found.id)
        self.done.add(entry.place)

    @rule(left=st.frozensets(st.integers(1, 4)), validity=st.integers(1, 2))
    def look(self, left: frozenset[int], validity: int) -> None:
        """What a daemon that sees an older or newer state of the mailbox takes for gone."""
        ledger.note_gone(self.db, "post", {"INBOX": FolderSeen(validity, sorted(left))})

    @rule(begun=consumes(begun))
    def crash(self, begun: tuple[LedgerEntry, int]) -> None:
        """The attempt stays without a result."""

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        with self.db.read() as session:
            per_mail = select(func.count()).where(Ledger.raw_digest.is_not(None)).group_by(Ledger.raw_digest)
            assert all(count == 1 for count in session.scalars(per_mail))
        self.db.close()
        self.folder.cleanup()


TestTakingIn = TakingIn.TestCase
TestTakingIn.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
