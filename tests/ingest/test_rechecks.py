"""After a restore, on a real Dovecot and a Maildir: what was taken in since the backup is taken in again, what was
destroyed is not, and nothing goes out by itself. And when mails leave the done folder early."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from cases.lifecycle import Status
from config.settings import MailboxSettings
from ingest import maildir_rounds
from ingest.housekeeping import tidy
from ingest.mail import ParsedMail
from ingest.raw import RawMail
from ingest.rounds import RoundResult
from meldpost import backup
from store import backups, destroyed_list, destruction, ledger, outbox
from store.lookups import IndexKey
from store.outbox import OutboxState
from store.schema import CaseFile, Ledger, MailboxRecheck, Message, Outbox
from tests.ingest.conftest import Dovecot, NewOffice
from tests.ingest.office import DESK, Founded, Office, Reader, mail, open_office
from tests.system.disk import other_disk, small_disk

Disk = Callable[[Path, int], AbstractContextManager[Path]]


def back_up_on_monday(office: Office, folder: Path) -> Path:
    target = folder / "backups" / "monday"
    target.parent.mkdir()
    backup.back_up(office.settings, target)
    return target


def restore(office: Office, target: Path) -> None:
    office.database.close()
    backup.restore(office.settings, target, replace=True)


def destroy(office: Office, case_id: str) -> None:
    index = IndexKey(office.secrets.key(f"index-key-{DESK}"))
    with office.database.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == case_id).values(status=Status.SET_ASIDE))
        session.execute(update(Message).where(Message.case_id == case_id).values(seen_at=datetime.now(UTC)))
        session.execute(update(Outbox).where(Outbox.case_id == case_id).values(state=OutboxState.SENT, frame=None))
        destruction.begin(session, DESK, case_id, index, datetime.now(UTC))
    destruction.finish_begun(office.database, {DESK: index})
    destruction.sweep(office.database)


def asked(office: Office) -> list[str]:
    with office.database.read() as session:
        return list(session.scalars(select(MailboxRecheck.account)))


def test_what_was_taken_in_since_the_backup_is_taken_in_again_once_and_is_not_answered(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path
) -> None:
    dovecot.deliver(account, mail(1))
    office.take_in()
    target = back_up_on_monday(office, tmp_path)
    dovecot.deliver(account, mail(2, sender="b@home.example"), mail(3, sender="c@home.example"))
    office.take_in()
    assert len(office.receipts()) == 3
    restore(office, target)
    assert len(office.case_ids()) == 1
    dovecot.deliver(account, mail(4, sender="d@home.example"))
    assert office.take_in().taken == 3
    assert sorted(office.raws()) == sorted(dovecot.bodies(account, "Verwerkt"))
    assert len(office.raws()) == 4
    assert office.outgoing() == []
    assert asked(office) == []
    assert office.take_in() == RoundResult()
    with office.database.read() as session:
        assert session.scalars(select(Ledger.moved_at).where(Ledger.moved_at.is_(None))).all() == []


def test_what_is_taken_in_again_waits_for_a_word_also_when_mail_goes_out_again(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path
) -> None:
    """Its receipt may have gone out before the database was lost."""
    target = back_up_on_monday(office, tmp_path)
    dovecot.deliver(account, mail(2))
    office.take_in()
    restore(office, target)
    office.take_in()
    with office.database.begin() as session:
        outbox.resume(session, DESK, office.ring.member_id, datetime.now(UTC))
    assert office.outgoing() == []


def test_the_mail_of_a_case_that_was_destroyed_is_not_taken_in_again_and_leaves_the_server(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path
) -> None:
    """It came after the backup and was destroyed before the restore: the backup never heard of it."""
    target = back_up_on_monday(office, tmp_path)
    dovecot.deliver(account, mail(2), mail(3, sender="c@home.example", text="Iets anders, over een kasverschil."))
    office.take_in()
    gone, _kept = office.case_ids()
    gone_mail = dovecot.bodies(account, "Verwerkt")[0]
    destroy(office, gone)
    restore(office, target)
    assert office.take_in().taken == 1
    assert gone_mail not in office.raws()
    tidy(office.settings, office.secrets, "main")
    assert gone_mail not in dovecot.bodies(account, "Verwerkt")
    dovecot.deliver(account, gone_mail)  # as somebody would who moves everything back to the inbox
    assert office.take_in().taken == 0
    assert len(office.case_ids()) == 1


def test_the_list_beside_the_backups_knows_the_mails_of_destroyed_cases_too(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path
) -> None:
    target = back_up_on_monday(office, tmp_path)
    dovecot.deliver(account, mail(2))
    office.take_in()
    destroy(office, office.case_ids()[0])
    backup.back_up(office.settings, target.with_name("tuesday"))
    office.database.close()
    Path(office.settings.database.url.removeprefix("sqlite:///")).unlink()
    restore(office, target)
    assert office.take_in().taken == 0
    assert office.case_ids() == []
    (tmp_path / "elsewhere").mkdir()
    backup.back_up(office.settings, tmp_path / "elsewhere" / "wednesday")  # and it is known for ever after
    assert len((tmp_path / "elsewhere" / destroyed_list.NAME).read_text().splitlines()) == 3


def test_a_second_copy_in_the_done_folder_is_no_second_case_and_leaves_in_its_time(
    dovecot: Dovecot, new_office: NewOffice, tmp_path: Path
) -> None:
    account = dovecot.account(keep_days=0)
    office = new_office(account)
    target = back_up_on_monday(office, tmp_path)
    dovecot.deliver(account, mail(2), mail(2))
    office.take_in()
    restore(office, target)
    result = office.take_in()
    assert (result.taken, result.duplicates) == (1, 1)
    assert tidy(office.settings, office.secrets, "main") == 2


def test_a_recheck_that_breaks_off_goes_on(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = back_up_on_monday(office, tmp_path)
    dovecot.deliver(account, mail(1), mail(2, sender="b@home.example"))
    office.take_in()
    restore(office, target)
    original, calls = ledger.mark_moved, []

    def crash(*arguments: object) -> None:
        calls.append(arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "mark_moved", crash)
        with pytest.raises(KeyboardInterrupt):
            office.take_in()
    assert calls
    assert asked(office) == ["main"]
    assert ledger.mark_moved is original
    office.take_in()
    assert len(office.case_ids()) == 2
    assert asked(office) == []


def test_a_mail_without_a_result_has_the_done_folder_looked_through_again(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = back_up_on_monday(office, tmp_path)
    dovecot.deliver(account, mail(1), mail(2, sender="b@home.example", text="trouble"))
    office.take_in()
    restore(office, target)
    original = Reader.read

    def read(self: Reader, raw: RawMail) -> ParsedMail:
        if b"trouble" in b"".join(raw.chunks()):
            raise RuntimeError
        return original(self, raw)

    with monkeypatch.context() as patch:
        patch.setattr(Reader, "read", read)
        result = office.take_in()
    assert (result.taken, result.left) == (1, 1)
    assert asked(office) == ["main"]
    assert office.take_in().taken == 1
    assert asked(office) == []


def test_a_maildir_is_looked_through_too(founded: Founded, tmp_path: Path) -> None:
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "box" / folder).mkdir(parents=True)
    mailbox = {"kind": "maildir", "desk": DESK, "path": str(tmp_path / "box")}
    with open_office(tmp_path / "office", founded, mailbox) as desk:
        target = back_up_on_monday(desk, tmp_path)
        for number, name in ((2, "1772352002.M1P1.mx"), (3, "1772352003.M1P1.mx")):
            (tmp_path / "box/new" / name).write_bytes(mail(number, sender=f"{number}@home.example"))
        take_in = (desk.settings, desk.secrets, "main", desk.reader, desk.understander)
        maildir_rounds.take_in(*take_in)
        destroy(desk, desk.case_ids()[0])
        restore(desk, target)
        assert maildir_rounds.take_in(*take_in).taken == 1
        assert len(desk.raws()) == 1
        assert asked(desk) == []
        assert maildir_rounds.tidy(desk.settings, desk.secrets, "main") == 1  # what was destroyed


# leaving the done folder


def test_the_mails_of_a_destroyed_case_leave_the_server_at_once_and_no_others(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail(1), mail(2, sender="b@home.example", text="Iets anders, over een kasverschil."))
    office.take_in()
    gone, kept = dovecot.bodies(account, "Verwerkt")
    destroy(office, office.case_ids()[0])
    assert tidy(office.settings, office.secrets, "main") == 1
    assert dovecot.bodies(account, "Verwerkt") == [kept]
    assert gone != kept


def test_what_a_checked_backup_on_another_disk_holds_leaves_the_server_and_what_came_since_stays(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail(1))
    office.take_in()
    begun = office.database.now()
    dovecot.deliver(account, mail(2))
    office.take_in()
    with office.database.begin() as session:
        backups.note(session, begun)
    assert tidy(office.settings, office.secrets, "main") == 1
    assert len(dovecot.uids(account, "Verwerkt")) == 1


def _same_disk(folder: Path, _: int) -> AbstractContextManager[Path]:
    folder.mkdir()
    return nullcontext(folder)


@pytest.mark.parametrize(
    ("disk", "elsewhere"),
    [(other_disk, True), (small_disk, False), (_same_disk, False)],
    ids=["another", "in memory", "the same"],
)
def test_only_a_backup_on_another_disk_counts(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path, disk: Disk, elsewhere: bool
) -> None:
    dovecot.deliver(account, mail(1))
    office.take_in()
    with disk(tmp_path / "other", 20) as folder:
        assert backup.back_up(office.settings, folder / "monday").elsewhere is elsewhere
    assert tidy(office.settings, office.secrets, "main") == int(elsewhere)
