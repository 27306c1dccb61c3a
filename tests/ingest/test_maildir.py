"""Rounds over a Maildir on disk, while others read it, and the emptying of its done folder."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from config.settings import MaildirSettings
from ingest import maildir_rounds
from ingest.claims import claimed
from ingest.outgoing import Arrival
from ingest.rounds import RoundResult
from ingest.sources import maildir as source
from ingest.sources.maildir import Maildir, NotAccessible, watch
from ingest.take_in import Outcome
from store.mailboxes import looks
from store.schema import Ledger
from tests.ingest.office import DESK, Founded, Office, mail, open_office


class Box:
    """A Maildir, as the mail server and a mail program see it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        for where in ("new", "cur", "tmp", ".Junk/new", ".Junk/cur", ".Junk/tmp"):
            (path / where).mkdir(parents=True)

    def deliver(self, content: bytes, where: str = "new", name: str = "") -> Path:
        self.count += 1
        unique = name or f"17723520{self.count:02}.M1P1.mx"
        written = self.path / "tmp" / unique
        written.write_bytes(content)
        return written.rename(self.path / where / (f"{unique}:2,S" if where.endswith("cur") else unique))

    def names(self, *wheres: str) -> list[str]:
        found = [(self.path / where).iterdir() for where in wheres if (self.path / where).exists()]
        return sorted(path.name for paths in found for path in paths)

    @property
    def waiting(self) -> list[str]:
        return self.names("new", "cur", ".Junk/new", ".Junk/cur")

    @property
    def done(self) -> list[str]:
        return self.names(".Verwerkt/cur", ".Verwerkt/new")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


@pytest.fixture
def new_desk(tmp_path: Path, founded: Founded, box: Box) -> Iterator[Callable[..., Office]]:
    with ExitStack() as stack:

        def make(**more: Any) -> Office:
            mailbox = {"kind": "maildir", "desk": "desk", "path": str(box.path), **more.pop("mailbox", {})}
            return stack.enter_context(open_office(tmp_path / "office", founded, mailbox, **more))

        yield make


@pytest.fixture
def desk(new_desk: Callable[..., Office]) -> Office:
    return new_desk()


def looked_at(desk: Office) -> list[str]:
    with desk.database.read() as session:
        return [look.account for look in looks(session, DESK)]


def take_in(desk: Office) -> RoundResult:
    return maildir_rounds.take_in(desk.settings, desk.secrets, "main", desk.reader, desk.understander)


def tidy(desk: Office) -> int:
    return maildir_rounds.tidy(desk.settings, desk.secrets, "main")


def test_what_was_delivered_is_a_case_and_lies_in_the_done_folder_afterwards(desk: Office, box: Box) -> None:
    """mail-cases 8"""
    one, other = mail(1), mail(2, sender="b@home.example")
    box.deliver(one)
    box.deliver(other, "cur")  # somebody read it already
    assert take_in(desk) == RoundResult(taken=2, queued=True)
    assert sorted(desk.raws()) == sorted([one, other])
    assert box.waiting == []
    assert box.done == ["1772352001.M1P1.mx:2,", "1772352002.M1P1.mx:2,S"]
    assert len(desk.receipts()) == 2


def test_a_report_in_the_junk_folder_is_a_report(new_desk: Callable[..., Office], box: Box) -> None:
    desk = new_desk(mailbox={"folders": ["", "Junk"]})
    box.deliver(mail(1), ".Junk/new")
    box.deliver(mail(2))
    assert take_in(desk).taken == 2
    assert box.waiting == []
    assert looked_at(desk) == ["main"]


def test_where_a_folder_is_missing_the_others_are_read_but_the_mailbox_is_not(
    new_desk: Callable[..., Office], box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    desk = new_desk(mailbox={"folders": ["", "Jnuk"]})
    box.deliver(mail(1))
    assert take_in(desk) == RoundResult(taken=1, queued=True, missing=("Jnuk",))
    assert "main: folders that are not in the Maildir: Jnuk" in caplog.text
    assert looked_at(desk) == []


def test_a_mail_in_a_folder_that_cannot_be_seen_now_is_not_gone(
    desk: Office, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver(mail(1))

    def closed(*_: object) -> Any:
        raise NotAccessible("a mail of the Maildir cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(Maildir, "read", closed)
        assert take_in(desk).left == 1
    box.path.rename(box.path.with_name("away"))
    take_in(desk)
    with desk.database.read() as session:
        assert list(session.scalars(select(Ledger.state))) == ["attempted"]
    box.path.with_name("away").rename(box.path)
    assert take_in(desk) == RoundResult(taken=1, queued=True)


def test_what_is_no_mail_is_left_alone(
    desk: Office, box: Box, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret").write_bytes(mail(9))
    (box.path / "new" / "link").symlink_to(tmp_path / "secret")
    (box.path / "cur" / "folder").mkdir()
    (box.path / "new" / ".hidden").write_bytes(mail(8))
    (box.path / "tmp" / "half").write_bytes(mail(7)[:100])
    os.mkfifo(box.path / "new" / "pipe")
    box.deliver(mail(1))
    assert take_in(desk).taken == 1
    assert "3 entries of a Maildir folder are no mails" in caplog.text
    assert "link" not in caplog.text.replace("(links, folders)", "")
    assert len(box.waiting) == 4


def test_a_mail_that_a_reader_renames_meanwhile_is_taken_in_all_the_same(
    desk: Office, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver(mail(1))
    original = Maildir.read

    def read(self: Maildir, lying: source.Lying) -> Any:
        path = box.path / "new" / lying.name
        if path.exists():
            path.rename(box.path / "cur" / f"{lying.name}:2,RS")
        return original(self, lying)

    monkeypatch.setattr(Maildir, "read", read)
    assert take_in(desk).taken == 1
    assert box.done == ["1772352001.M1P1.mx:2,RS"]


def test_a_mail_that_is_gone_before_it_was_read_ends_as_gone(
    desk: Office, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = box.deliver(mail(1))
    original = Maildir.read

    def read(self: Maildir, lying: source.Lying) -> Any:
        path.unlink(missing_ok=True)
        return original(self, lying)

    monkeypatch.setattr(Maildir, "read", read)
    assert take_in(desk) == RoundResult()
    assert take_in(desk) == RoundResult()
    with desk.database.read() as session:
        assert session.scalars(select(Ledger.state)).all() == ["gone"]


def test_the_same_mail_twice_is_one_case(desk: Office, box: Box) -> None:
    """mail-cases 16"""
    content = mail(1)
    box.deliver(content)
    box.deliver(content)
    assert take_in(desk) == RoundResult(taken=1, duplicates=1, queued=True)
    assert len(box.done) == 2


def test_old_post_at_the_first_look_is_not_answered_and_what_comes_later_is(
    new_desk: Callable[..., Office], box: Box
) -> None:
    desk = new_desk(rules={"first_connection_max": 2})
    for number in range(3):
        os.utime(box.deliver(mail(number, sender=f"r{number}@home.example")), (1_700_000_000, 1_700_000_000))
    assert take_in(desk).taken == 3
    box.deliver(mail(4, sender="r4@home.example"))
    assert take_in(desk).taken == 1
    assert [receipt.recipient for receipt in desk.receipts()] == ["r4@home.example"]


def test_a_mail_that_kills_its_reader_holds_nothing_up_and_is_kept_whole(desk: Office, box: Box) -> None:
    """mail-cases 38, 40"""
    desk.reader.poison = b"poison"
    box.deliver(mail(1, text="poison"))
    box.deliver(mail(2))
    assert take_in(desk) == RoundResult(taken=2, unreadable=1, queued=True)
    assert box.waiting == []


def test_every_mail_has_a_row_in_the_ledger_that_tells_what_became_of_it(desk: Office, box: Box) -> None:
    """mail-cases 35"""
    for number in range(5):
        box.deliver(mail(number))
    take_in(desk)
    with desk.database.read() as session:
        rows = session.execute(select(Ledger.state, Ledger.moved_at, Ledger.done_uid)).all()
    assert len(rows) == 5
    assert all(state == "settled" and moved_at and done_uid for state, moved_at, done_uid in rows)


def test_a_crash_between_commit_and_move_makes_no_second_case(
    desk: Office, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 1"""
    box.deliver(mail(1))

    def crash(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Maildir, "set_aside", crash)
        with pytest.raises(KeyboardInterrupt):
            take_in(desk)
    assert box.waiting
    assert take_in(desk) == RoundResult()
    assert box.waiting == []
    assert len(desk.case_ids()) == 1


def test_a_crash_between_the_move_and_the_note_of_it_leaves_nothing_in_the_done_folder_for_ever(
    new_desk: Callable[..., Office], box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = new_desk(mailbox={"keep_days": 0})
    box.deliver(mail(1))
    original = Maildir.set_aside

    def crash(self: Maildir, *arguments: Any) -> str:
        original(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Maildir, "set_aside", crash)
        with pytest.raises(KeyboardInterrupt):
            take_in(desk)
    assert take_in(desk) == RoundResult()
    assert len(box.done) == 1
    assert tidy(desk) + tidy(desk) == 1
    assert box.done == []


def test_another_mail_under_the_name_of_one_that_was_taken_in_is_not_lost(desk: Office, box: Box) -> None:
    box.deliver(mail(1), name="1772352000.M1P1.mx")
    take_in(desk)
    box.deliver(mail(2, sender="b@home.example"), name="1772352000.M1P1.mx")
    assert take_in(desk).taken == 1
    assert len(desk.case_ids()) == 2
    assert len(box.done) == 2


def test_only_what_is_known_and_old_enough_leaves_the_done_folder(desk: Office, box: Box) -> None:
    box.deliver(mail(1))
    take_in(desk)
    box.deliver(mail(3), ".Verwerkt/cur", "strange")
    assert tidy(desk) == 0
    with desk.database.begin() as session:
        session.execute(update(Ledger).values(moved_at=datetime.now(UTC) - timedelta(days=8)))
    assert tidy(desk) == 1
    assert box.done == ["strange:2,S"]


def test_another_mail_under_a_known_name_stays_in_the_done_folder(desk: Office, box: Box) -> None:
    box.deliver(mail(1))
    take_in(desk)
    (name,) = box.done
    (box.path / ".Verwerkt/cur" / name).write_bytes(mail(2))
    with desk.database.begin() as session:
        session.execute(update(Ledger).values(moved_at=datetime.now(UTC) - timedelta(days=8)))
    assert tidy(desk) == 0
    assert box.done == [name]


def test_where_nothing_was_done_yet_there_is_nothing_to_tidy(desk: Office) -> None:
    assert tidy(desk) == 0


def test_while_another_process_is_at_it_nothing_is_done_and_that_is_said(desk: Office, box: Box) -> None:
    box.deliver(mail(1))
    with claimed(desk.database, "main"):
        assert take_in(desk) == RoundResult(busy=True)
    assert take_in(desk).taken == 1


def test_a_maildir_that_is_not_there_or_closed_is_said(
    desk: Office, box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box.path.rename(box.path.with_name("away"))
    assert take_in(desk) == RoundResult(missing=("INBOX",))
    assert "folders that are not in the Maildir: INBOX" in caplog.text
    assert looked_at(desk) == []
    box.path.with_name("away").rename(box.path)

    def closed(*_: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(NotAccessible, match="Permission denied"):
        take_in(desk)


def test_a_mail_that_cannot_be_moved_is_moved_later_and_is_no_second_case(
    desk: Office, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver(mail(1))

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        result = take_in(desk)
    assert result.left == 1
    assert take_in(desk) == RoundResult()
    assert box.waiting == []
    assert len(desk.case_ids()) == 1


def test_arrival_is_the_time_of_the_file_but_never_yet_to_come(
    desk: Office, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(box.deliver(mail(1)), (1_700_000_000, 1_700_000_000))
    os.utime(box.deliver(mail(2)), (4_000_000_000, 4_000_000_000))
    seen: list[Arrival] = []

    def note(_: object, __: object, ___: object, arrival: Arrival) -> Outcome | None:
        seen.append(arrival)
        return None

    monkeypatch.setattr(maildir_rounds, "take_in_alone", note)
    assert take_in(desk).left == 2
    first, second = seen
    assert first.at is not None
    assert first.at.timestamp() == 1_700_000_000
    assert second.at == second.kept_at


def test_a_change_in_a_folder_wakes_and_a_stop_is_heard(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_GLANCE_SECONDS", 0.01)
    stop, woken = threading.Event(), threading.Semaphore(0)
    settings = MaildirSettings(kind="maildir", desk="desk", path=box.path)
    thread = threading.Thread(target=watch, args=(settings, woken.release, stop))
    thread.start()
    assert woken.acquire(timeout=10)  # at once
    box.deliver(mail(1))
    assert woken.acquire(timeout=10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("length", [249, 253, 255])
def test_a_mail_with_a_name_too_long_for_what_is_put_behind_it_is_moved_all_the_same(
    desk: Office, box: Box, length: int
) -> None:
    for number in range(3):  # three mails of one name, which a Maildir should not have
        box.deliver(mail(number, sender=f"r{number}@home.example"), name="x" * length)
        assert take_in(desk).taken == 1
        assert box.waiting == []
    assert len(box.done) == 3
    assert take_in(desk) == RoundResult()


def test_a_mail_with_a_name_too_long_leaves_the_done_folder_in_its_time(
    new_desk: Callable[..., Office], box: Box
) -> None:
    desk = new_desk(mailbox={"keep_days": 0})
    box.deliver(mail(1), name="x" * 255)
    take_in(desk)
    assert len(box.done) == 1
    assert tidy(desk) == 1
    assert box.done == []
