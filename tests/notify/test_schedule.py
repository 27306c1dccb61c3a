import logging
import re
import threading
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial

import pytest

from cases.terms import DueKind
from config.errors import ConfigError
from config.retention import RetentionRow
from config.secrets import write_key
from config.taxonomy import MissingField
from notify import notices
from notify.keys import sender_keys
from notify.schedule import (
    announce_destructions,
    notify_members,
    remind_reporters,
    run_due,
    tell_deputies,
    tell_holders,
)
from store import dues, lookups, mailer_contact, outbox, sending
from store.keypairs import KeyKind
from store.outbox import OutboxState, OutgoingKind
from store.schema import CaseFile, Due, MailCap, Member, Record, new_id
from tests.notify.servers import ScriptedServer
from tests.store.world import forge_key


@pytest.fixture
def keys(box):
    return {"bz": box.keys}


@pytest.fixture
def asked(box):
    """A case whose receipt was sent, and whose reporter was asked for two things that are due to be reminded of."""
    case_id = box.case()
    box.ask(case_id, MissingField.PHONE, MissingField.CONCERNED_FUNCTION)
    receipt = box.queue(case_id=case_id)
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 1
    with box.database.begin() as session:
        dues.set_due(session, "bz", case_id, DueKind.REMINDER, box.database.now() - timedelta(minutes=1))
    return case_id, receipt


def sent_as(box, claimed):
    return box.keys.mailer.opening(partial(sending.open_claim, claimed))


def opened(box, outbox_id):
    """A queued mail, as the sender would open it."""
    claimed = sending.claim(box.database, 600)
    assert claimed.outbox_id == outbox_id
    mail = sent_as(box, claimed)
    return mail, message_from_bytes(mail.mime, policy=default)


def contact(box, case_id):
    with box.database.read() as session:
        return box.keys.mailer.opening(lambda private: mailer_contact.read(session, private, case_id))


def test_a_reporter_is_reminded_once_of_what_is_missing_then_silence(box, keys, asked):
    """mail-cases 88"""
    case_id, receipt = asked
    assert remind_reporters(box.settings, box.database, keys) == 1
    box.pass_time()
    assert remind_reporters(box.settings, box.database, keys) == 0
    (reminder,) = box.mails(OutgoingKind.REMINDER)
    mail, message = opened(box, reminder)
    text = message.get_body(("plain",)).get_content()
    assert mail.recipient == "jan@voorbeeld.nl"
    assert "- uw telefoonnummer" in text
    assert "- de functie" in text
    assert "- uw adres" not in text
    assert message["In-Reply-To"] == f"<{box.keys.token.sign(receipt)}@ministerie.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert contact(box, case_id) is None  # the sender need not know them any more
    assert DueKind.REMINDER not in box.dues(case_id)


def test_a_reminder_that_is_weeks_late_is_sent_exactly_once(box, keys, asked):
    """mail-cases 88: the machine was off when it was due."""
    case_id, _ = asked
    with box.database.begin() as session:
        dues.set_due(session, "bz", case_id, DueKind.REMINDER, box.database.now() - timedelta(days=40))
    assert [remind_reporters(box.settings, box.database, keys) for _ in range(3)] == [1, 0, 0]
    assert len(box.mails(OutgoingKind.REMINDER)) == 1


def test_the_desk_keeps_a_copy_of_a_reminder(box, keys, asked):
    remind_reporters(box.settings, box.database, keys)
    (reminder,) = box.mails(OutgoingKind.REMINDER)
    with box.database.read() as session:
        assert session.query(Record).filter(Record.subject_id == reminder).count() == 1


def test_who_answered_is_not_reminded(box, keys, asked):
    case_id, _ = asked
    with box.database.begin() as session:
        mailer_contact.forget(session, case_id)
    assert remind_reporters(box.settings, box.database, keys) == 0
    assert box.mails(OutgoingKind.REMINDER) == []
    assert DueKind.REMINDER not in box.dues(case_id)


def test_who_answered_while_the_reminder_was_being_written_is_not_reminded(box, keys, asked, monkeypatch):
    case_id, _ = asked
    claim_due = dues.claim_due

    def answered_meanwhile(database, kinds, seconds):
        claim = claim_due(database, kinds, seconds)
        if claim is not None:
            with database.begin() as session:
                dues.cancel_dues(session, case_id, [DueKind.REMINDER])
        return claim

    monkeypatch.setattr(dues, "claim_due", answered_meanwhile)
    assert remind_reporters(box.settings, box.database, keys) == 0
    assert box.mails(OutgoingKind.REMINDER) == []


def test_an_address_that_bounced_gets_no_reminder(box, keys, asked):
    """mail-cases 87"""
    case_id, receipt = asked
    with box.database.begin() as session:
        outbox.note_bounce(session, receipt, "0" * 32)
        theirs = box.keys.index.recipient(receipt, "jan@voorbeeld.nl")
        lookups.remember_came_back(session, "bz", case_id, [theirs])
    assert remind_reporters(box.settings, box.database, keys) == 0
    assert contact(box, case_id) is None


def test_a_stranger_whose_receipt_is_refused_or_comes_back_ends_no_reminder_of_the_reporter(box, keys, asked):
    case_id, receipt = asked
    past = box.database.now() - timedelta(minutes=1)
    with box.database.begin() as session:
        dues.set_due(session, "bz", case_id, DueKind.REMINDER, past + timedelta(days=1))
    bounced, refused = (box.queue("stranger@elsewhere.example", case_id=case_id) for _ in range(2))
    with ScriptedServer({"RCPT": ["250 ok", "550 no such user"]}) as server:
        box.use(server.port)
        result = box.deliver()
    assert (result.sent, result.failed) == (1, 1)
    with box.database.begin() as session:
        dues.set_due(session, "bz", case_id, DueKind.REMINDER, past)
        for each in (receipt, bounced, refused):  # a bounce of the first, too, that names nobody
            outbox.note_bounce(session, each, "0" * 32)
    assert remind_reporters(box.settings, box.database, keys) == 1


def test_an_address_that_was_refused_gets_no_reminder(box, keys):
    """mail-cases 87"""
    case_id = box.case()
    box.ask(case_id, MissingField.PHONE)
    box.queue(case_id=case_id)
    with ScriptedServer({"RCPT": "550 no such user"}) as server:
        box.use(server.port)
        assert box.deliver().failed == 1
    with box.database.begin() as session:
        dues.set_due(session, "bz", case_id, DueKind.REMINDER, box.database.now() - timedelta(minutes=1))
    assert remind_reporters(box.settings, box.database, keys) == 0
    assert contact(box, case_id) is None


def test_who_had_no_receipt_yet_gets_no_reminder_yet(box, keys):
    case_id = box.case({DueKind.REMINDER: box.database.now() - timedelta(minutes=1)})
    box.ask(case_id, MissingField.PHONE)
    box.queue(case_id=case_id, held=True)
    assert remind_reporters(box.settings, box.database, keys) == 0
    assert box.mails(OutgoingKind.REMINDER) == []
    assert DueKind.REMINDER in box.dues(case_id)
    assert contact(box, case_id) is not None


def test_where_nothing_was_asked_nothing_is_reminded(box, keys, asked):
    case_id, _ = asked
    box.ask(case_id)
    assert remind_reporters(box.settings, box.database, keys) == 0


def test_an_address_that_had_its_share_of_mail_waits_a_day(box, keys, asked):
    case_id, _ = asked
    rules = box.settings.rules.model_copy(update={"per_address_per_day": 1})
    box.settings = box.settings.model_copy(update={"rules": rules})
    caps, _ = box.keys.index.caps("jan@voorbeeld.nl", box.database.now())
    with box.database.begin() as session:
        session.add(MailCap(id=new_id(), desk="bz", digest=caps, at=box.database.now()))
    assert remind_reporters(box.settings, box.database, keys) == 0
    assert DueKind.REMINDER in box.dues(case_id)


def test_a_case_that_nobody_looked_at_in_time_is_told_to_every_member_once(box, keys):
    box.member("een@ministerie.example")
    box.member("twee@ministerie.example")
    overdue = box.database.now() - timedelta(days=1)
    case_id = box.case({DueKind.FIRST_LOOK: overdue, DueKind.FEEDBACK: box.database.now() + timedelta(days=80)})
    assert notify_members(box.settings, box.database, keys) == 2
    box.pass_time()  # beyond the claim: it is the row that remembers
    assert notify_members(box.settings, box.database, keys) == 0
    assert box.dues(case_id)[DueKind.FIRST_LOOK] == overdue  # only a person does what is due
    recipients = set()
    for _ in range(2):
        claimed = sending.claim(box.database, 600)
        mail = sent_as(box, claimed)
        recipients.add(mail.recipient)
        message = message_from_bytes(mail.mime, policy=default)
        assert message["Subject"] == "Er staat iets voor u klaar"
        assert "Zaken die nog niet zijn bekeken: 1." in message.get_body(("plain",)).get_content()
        assert message["Reply-To"] is None
    assert recipients == {"een@ministerie.example", "twee@ministerie.example"}


def test_a_member_whose_address_is_no_good_costs_nobody_else_a_notice(box, keys, caplog):
    box.member("Jan <jan@ministerie.example>")
    box.member("twee@ministerie.example")
    box.case({DueKind.FIRST_LOOK: box.database.now() - timedelta(days=1)})
    assert notify_members(box.settings, box.database, keys) == 1
    (notice,) = box.mails(OutgoingKind.NOTICE)
    assert opened(box, notice)[0].recipient == "twee@ministerie.example"
    assert "desk bz: a member gets no notice" in caplog.text
    assert "jan" not in caplog.text.lower()


def test_members_are_written_to_in_the_language_of_their_desk(box, keys):
    english = box.desk.model_copy(update={"language": "en"})
    box.settings = box.settings.model_copy(update={"desks": {"bz": english}})
    box.member("een@ministerie.example")
    box.case({DueKind.FIRST_LOOK: box.database.now() - timedelta(days=1)})
    assert notify_members(box.settings, box.database, keys) == 1
    (notice,) = box.mails(OutgoingKind.NOTICE)
    assert opened(box, notice)[1]["Subject"] == "Something is waiting for you"


def test_what_is_not_due_yet_is_told_to_nobody(box, keys):
    box.member("een@ministerie.example")
    box.case({DueKind.FIRST_LOOK: box.database.now() + timedelta(hours=1)})
    assert notify_members(box.settings, box.database, keys) == 0


def test_a_hundred_old_cases_are_one_notice(box, keys):
    box.member("een@ministerie.example")
    overdue = box.database.now() - timedelta(days=1)
    for _ in range(100):
        box.case({DueKind.FIRST_LOOK: overdue})
    assert notify_members(box.settings, box.database, keys) == 1
    (notice,) = box.mails(OutgoingKind.NOTICE)
    _, message = opened(box, notice)
    assert "Zaken die nog niet zijn bekeken: 100." in message.get_body(("plain",)).get_content()


def test_a_case_that_a_member_is_kept_out_of_is_told_to_the_others_alone(box, keys):
    inside = box.member("binnen@ministerie.example")
    box.member("buiten@ministerie.example")
    now = box.database.now()
    box.case({DueKind.FIRST_LOOK: now - timedelta(days=1)})
    box.restrict(box.case({DueKind.FIRST_LOOK: now - timedelta(days=9)}), inside)
    assert notify_members(box.settings, box.database, keys) == 2
    assert counted(box) == {"binnen@ministerie.example": 2, "buiten@ministerie.example": 1}


def test_who_is_kept_out_of_all_that_is_overdue_gets_no_notice(box, keys):
    inside = box.member("binnen@ministerie.example")
    box.member("buiten@ministerie.example")
    box.restrict(box.case({DueKind.FEEDBACK: box.database.now() - timedelta(days=1)}), inside)
    assert notify_members(box.settings, box.database, keys) == 1
    (notice,) = box.mails(OutgoingKind.NOTICE)
    assert opened(box, notice)[0].recipient == "binnen@ministerie.example"


def counted(box):
    """How many cases that nobody looked at each notice tells of, by to whom."""
    found = {}
    for _ in box.mails(OutgoingKind.NOTICE):
        mail = sent_as(box, sending.claim(box.database, 600))
        text = message_from_bytes(mail.mime, policy=default).get_body(("plain",)).get_content()
        found[mail.recipient] = int(re.search(r"niet zijn bekeken: (\d+)", text)[1])
    return found


def test_an_overdue_feedback_is_told_too(box, keys):
    box.member("een@ministerie.example")
    box.case({DueKind.FEEDBACK: box.database.now() - timedelta(days=1)})
    assert notify_members(box.settings, box.database, keys) == 1


def with_deputy(box, member_id):
    desk = box.desk.model_copy(update={"look_today": True, "deputy": member_id})
    box.settings = box.settings.model_copy(update={"desks": {"bz": desk}})


def to_whom(box):
    mails = [sent_as(box, sending.claim(box.database, 600)) for _ in box.mails("notice")]
    return {each.recipient for each in mails}


def test_what_nobody_looked_at_today_goes_to_the_deputy_alone_and_once(box, keys):
    box.member("een@ministerie.example")
    with_deputy(box, box.member("plaatsvervanger@ministerie.example"))
    case_id = box.case({DueKind.URGENT_LOOK: box.database.now() - timedelta(minutes=1)})
    assert [run_due(box.settings, box.database, keys).notices for _ in range(3)] == [1, 0, 0]
    (notice,) = box.mails(OutgoingKind.NOTICE)
    mail, message = opened(box, notice)
    assert mail.recipient == "plaatsvervanger@ministerie.example"
    assert message["Subject"] == "Er staat iets voor u klaar"
    assert "Zaken waar vandaag nog naar gekeken moet worden" in message.get_body(("plain",)).get_content()
    assert DueKind.URGENT_LOOK in box.dues(case_id)  # only a person looks


def test_the_deputy_is_told_of_nothing_before_the_hours_are_over(box, keys):
    with_deputy(box, box.member("plaatsvervanger@ministerie.example"))
    box.case({DueKind.URGENT_LOOK: box.database.now() + timedelta(minutes=1)})
    assert tell_deputies(box.settings, box.database, keys) == 0


@pytest.mark.parametrize("deputy", ["", "f" * 32], ids=["none", "gone"])
def test_without_a_deputy_all_are_told_of_what_nobody_looked_at_today(box, keys, deputy):
    for name in ("een", "twee"):
        box.member(f"{name}@ministerie.example")
    with_deputy(box, deputy)
    box.case({DueKind.URGENT_LOOK: box.database.now() - timedelta(minutes=1)})
    assert tell_deputies(box.settings, box.database, keys) == 2
    assert to_whom(box) == {"een@ministerie.example", "twee@ministerie.example"}


def test_a_deputy_whom_a_case_is_kept_from_hears_nothing_and_the_others_do(box, keys):
    inside = box.member("binnen@ministerie.example")
    with_deputy(box, box.member("plaatsvervanger@ministerie.example"))
    box.restrict(box.case({DueKind.URGENT_LOOK: box.database.now() - timedelta(minutes=1)}), inside)
    assert tell_deputies(box.settings, box.database, keys) == 1
    assert to_whom(box) == {"binnen@ministerie.example"}


def test_a_tick_over_what_is_urgent_that_is_killed_is_made_good_by_the_next(box, keys, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    with_deputy(box, box.member("plaatsvervanger@ministerie.example"))
    box.case({DueKind.URGENT_LOOK: box.database.now() - timedelta(minutes=1)})
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "enqueue", killed)
        with pytest.raises(Killed):
            tell_deputies(box.settings, box.database, keys)
    box.pass_time()
    assert tell_deputies(box.settings, box.database, keys) == 1


def give(box, member_id, *case_ids, due_in=timedelta(minutes=-1)):
    """As the desk does when somebody gives a case."""
    with box.database.begin() as session:
        for case_id in case_ids:
            session.get_one(CaseFile, case_id).taken_by_id = member_id
            dues.set_due(session, "bz", case_id, DueKind.GIVEN_NOTICE, box.database.now() + due_in)


def test_a_member_who_was_given_cases_is_told_of_all_by_one_mail_without_content_and_nobody_else_is(box, keys):
    holder = box.member("een@ministerie.example")
    box.member("twee@ministerie.example")
    cases = [box.case() for _ in range(3)]
    give(box, holder, *cases)
    assert [run_due(box.settings, box.database, keys).notices for _ in range(2)] == [1, 0]
    (notice,) = box.mails(OutgoingKind.NOTICE)
    mail, message = opened(box, notice)
    text = message.get_body(("plain",)).get_content()
    assert mail.recipient == "een@ministerie.example"
    assert message["Subject"] == "Er staat iets voor u klaar"
    assert message["Reply-To"] is None
    assert "Zaken die aan u zijn gegeven: 3." in text
    assert "kenmerk" not in text
    assert not any(DueKind.GIVEN_NOTICE in box.dues(each) for each in cases)


def test_who_opens_only_the_case_that_they_were_given_is_told_too_in_the_language_of_the_desk(box, keys):
    english = box.desk.model_copy(update={"language": "en"})
    box.settings = box.settings.model_copy(update={"desks": {"bz": english}})
    investigator = new_id()
    with box.database.begin() as session:
        row = Member(id=investigator, desk="bz", login_digest=b"i" * 32, address="i@ministerie.example")
        row.wrapped_seed, row.created_at = b"", box.database.now()
        session.add(row)
    give(box, investigator, box.case())
    assert tell_holders(box.settings, box.database, keys) == 1
    (notice,) = box.mails(OutgoingKind.NOTICE)
    mail, message = opened(box, notice)
    assert mail.recipient == "i@ministerie.example"
    assert "Cases that were given to you: 1." in message.get_body(("plain",)).get_content()


def test_nobody_is_told_of_a_case_that_they_gave_back_that_ended_or_that_is_kept_from_them(box, keys):
    inside, holder = box.member("binnen@ministerie.example"), box.member("een@ministerie.example")
    given_back, ended, kept, gone = (box.case() for _ in range(4))
    give(box, holder, ended, kept)
    give(box, None, given_back)
    give(box, new_id(), gone)  # of a member who left
    box.restrict(kept, inside)
    with box.database.begin() as session:
        session.get_one(CaseFile, ended).status = "set_aside"
    assert [tell_holders(box.settings, box.database, keys) for _ in range(2)] == [0, 0]
    assert not any(DueKind.GIVEN_NOTICE in box.dues(each) for each in (given_back, ended, kept, gone))


def test_a_member_is_told_of_no_case_before_its_minutes_are_over(box, keys):
    give(box, box.member("een@ministerie.example"), box.case(), due_in=timedelta(minutes=1))
    assert tell_holders(box.settings, box.database, keys) == 0


def test_who_had_a_days_share_of_notices_finds_the_cases_that_they_were_given_in_the_queue(box, keys, monkeypatch):
    monkeypatch.setattr(notices, "A_DAY", 2)
    holder = box.member("een@ministerie.example")
    told = []
    for _ in range(3):
        give(box, holder, box.case())
        told.append(tell_holders(box.settings, box.database, keys))
    assert told == [1, 1, 0]


def test_two_ticks_at_once_write_each_mail_once(box, keys, asked):
    """mail-cases 88"""
    box.member("een@ministerie.example")
    box.case({DueKind.FIRST_LOOK: box.database.now() - timedelta(days=1)})
    ticks = [threading.Thread(target=run_due, args=(box.settings, box.database, keys)) for _ in range(4)]
    for tick in ticks:
        tick.start()
    for tick in ticks:
        tick.join()
    assert len(box.mails(OutgoingKind.REMINDER)) == 1
    assert len(box.mails(OutgoingKind.NOTICE)) == 1


def test_a_tick_that_is_killed_before_it_commits_is_made_good_by_the_next(box, keys, asked, monkeypatch):
    """mail-cases 88, 90"""

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "enqueue", killed)
        with pytest.raises(Killed):
            remind_reporters(box.settings, box.database, keys)
    assert remind_reporters(box.settings, box.database, keys) == 0  # the claim of the dead tick holds yet
    box.pass_time()
    assert remind_reporters(box.settings, box.database, keys) == 1


def test_a_round_writes_and_sends_what_is_due(box, asked):
    box.member("een@ministerie.example")
    box.case({DueKind.FIRST_LOOK: box.database.now() - timedelta(days=1)})
    with ScriptedServer() as server:
        box.use(server.port)
        result = box.deliver()
    assert (result.queued.notices, result.queued.reminders, result.sent) == (1, 1, 2)
    assert {taken.recipient for taken in server.taken} == {"een@ministerie.example", "jan@voorbeeld.nl"}
    assert {box.state(each) for each in box.mails(OutgoingKind.REMINDER)} == {OutboxState.SENT}


def test_nothing_is_sealed_to_a_mailer_key_that_is_not_ours(box, asked):
    box.member("een@ministerie.example")
    box.case({DueKind.FIRST_LOOK: box.database.now() - timedelta(days=1)})
    (box.secrets.directory / "mailer-seed-bz").unlink()
    write_key(box.secrets.directory, "mailer-seed-bz", b"w" * 32)
    with pytest.raises(ConfigError, match="mailer-seed-bz"):
        notify_members(box.settings, box.database, sender_keys(box.settings, box.secrets))
    assert box.mails(OutgoingKind.NOTICE) == []


def test_no_copy_of_a_reminder_is_sealed_to_a_key_that_somebody_wrote_into_the_database(box, keys, asked, caplog):
    case_id, _ = asked
    forge_key(box.database, case_id, KeyKind.IDENTITY)
    assert remind_reporters(box.settings, box.database, keys) == 0
    assert box.mails(OutgoingKind.REMINDER) == []
    assert DueKind.REMINDER in box.dues(case_id)
    assert "was not written by Meldpost" in caplog.text


def test_a_wrong_secret_of_one_desk_holds_up_no_other(box, asked, caplog):
    """Here the other "desk" is the rest of the round: it goes on, and the reminder waits for the right secret."""
    (box.secrets.directory / "mailer-seed-bz").unlink()
    write_key(box.secrets.directory, "mailer-seed-bz", b"w" * 32)
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().handled == 0
        assert "mailer-seed-bz" in caplog.text
        (box.secrets.directory / "mailer-seed-bz").unlink()
        write_key(box.secrets.directory, "mailer-seed-bz", box.fresh.mailer_seed)
        box.pass_time()
        assert box.deliver().sent == 1


def test_no_log_line_of_a_tick_names_anybody(box, keys, asked, caplog):
    box.member("een@ministerie.example")
    box.case({DueKind.FIRST_LOOK: box.database.now() - timedelta(days=1)})
    with caplog.at_level(logging.DEBUG):
        run_due(box.settings, box.database, keys)
    assert "@" not in caplog.text


@pytest.fixture
def with_table(box):
    rows = (RetentionRow(term="2 months", ground="Archiefwet 1995"),)
    of_desk = box.desk.model_copy(update={"retention": rows})
    box.settings = box.settings.model_copy(update={"desks": {**box.settings.desks, "bz": of_desk}})
    return box


def to_be_destroyed(box, case_id, in_days=20):
    with box.database.begin() as session:
        now = box.database.now()
        dues.set_due(session, "bz", case_id, DueKind.DESTROY, now + timedelta(days=in_days), asleep=True)
        dues.set_due(session, "bz", case_id, DueKind.DESTROY_NOTICE, now - timedelta(minutes=1))


def destruction_wakes(box, case_id):
    with box.database.read() as session:
        found = session.query(Due).filter(Due.case_id == case_id, Due.kind == DueKind.DESTROY).one()
        return found.wake_at and round((found.wake_at - box.database.now()).total_seconds() / 86400)


def test_members_hear_before_a_destruction_and_only_then_it_wakes(with_table, keys):
    """A month later, though the day itself comes sooner: the notice was late."""
    box = with_table
    box.member("ada@desk.example")
    first, second = box.case(), box.case()
    to_be_destroyed(box, first)
    to_be_destroyed(box, second, in_days=50)
    assert destruction_wakes(box, first) is None
    assert announce_destructions(box.settings, box.database, keys) == 1
    assert announce_destructions(box.settings, box.database, keys) == 0
    (notice,) = box.mails(OutgoingKind.NOTICE)
    _, message = opened(box, notice)
    text = message.get_body(("plain",)).get_content()
    assert "Zaken die worden vernietigd: 2" in text
    assert (destruction_wakes(box, first), destruction_wakes(box, second)) == (30, 50)


def test_where_nobody_can_be_told_nothing_is_destroyed(with_table, keys):
    box = with_table
    case_id = box.case()
    to_be_destroyed(box, case_id)
    assert announce_destructions(box.settings, box.database, keys) == 0
    assert destruction_wakes(box, case_id) is None
    assert DueKind.DESTROY_NOTICE in box.dues(case_id)


def test_a_case_of_which_nobody_may_hear_is_not_destroyed_with_those_that_were_told(with_table, keys):
    box = with_table
    box.member("ada@desk.example")
    kept, told = box.case(), box.case()
    box.restrict(kept)
    to_be_destroyed(box, kept)
    to_be_destroyed(box, told)
    assert announce_destructions(box.settings, box.database, keys) == 1
    assert (destruction_wakes(box, kept), destruction_wakes(box, told)) == (None, 30)
    assert DueKind.DESTROY_NOTICE in box.dues(kept)


def test_without_a_table_nobody_is_told_and_nothing_wakes(box, keys):
    box.member("ada@desk.example")
    case_id = box.case()
    to_be_destroyed(box, case_id)
    assert announce_destructions(box.settings, box.database, keys) == 0
    assert destruction_wakes(box, case_id) is None
