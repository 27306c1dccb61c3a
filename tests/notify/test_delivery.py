import base64
import logging
import threading
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import update

from cases.terms import DueKind, feedback_due, terms_of
from config.errors import ConfigError
from config.taxonomy import MissingField
from notify.delivery import FAIR_CHANCE, backoff
from store import dues, outbox, sending
from store.outbox import OutboxState, OutgoingKind
from store.schema import Desk
from tests.notify.conftest import NOW
from tests.notify.servers import DRIP, DROP, ScriptedServer


def test_a_mail_is_handed_over_once_and_then_forgotten(box):
    outbox_id = box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 1
        assert box.deliver().handled == 0
    (taken,) = server.taken
    assert box.state(outbox_id) == OutboxState.SENT
    token = box.keys.token.sign(outbox_id)
    assert (taken.recipient, taken.sender) == ("jan@voorbeeld.nl", f"meldpunt+b.{token}@ministerie.example")
    assert taken.message_id == f"<{token}@ministerie.example>"
    assert box.is_forgotten(outbox_id)


def test_many_mails_go_over_one_connection(box):
    for number in range(5):
        box.queue(f"jan{number}@voorbeeld.nl")
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 5
    assert server.verbs().count("EHLO") == 1
    assert {taken.recipient for taken in server.taken} == {f"jan{number}@voorbeeld.nl" for number in range(5)}


def test_a_round_ends_after_so_many_mails_and_says_that_there_are_more(box):
    for _ in range(3):
        box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        first = box.deliver(most=2)
        assert (first.sent, first.more) == (2, True)
        second = box.deliver(most=2)
        assert (second.sent, second.more) == (1, False)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_what_the_server_puts_off_is_tried_again_later_and_taken_then(box, verb):
    """mail-cases 82"""
    outbox_id = box.queue()
    with ScriptedServer({verb: ["451 later", "354 go on" if verb == "DATA" else "250 ok"]}) as server:
        box.use(server.port)
        assert box.deliver().retried == 1
        assert box.state(outbox_id) == OutboxState.QUEUED
        assert box.deliver().handled == 0  # not at once
        box.pass_time()
        assert box.deliver().sent == 1
    assert box.state(outbox_id) == OutboxState.SENT


def test_what_is_put_off_for_five_days_fails_visibly(box):
    outbox_id = box.queue()
    with ScriptedServer({"RCPT": "451 later"}) as server:
        box.use(server.port)
        box.pass_time(created_at=box.database.now() - timedelta(days=5, minutes=1), attempts=FAIR_CHANCE)
        assert box.deliver().failed == 1
    assert box.state(outbox_id) == OutboxState.FAILED


def test_what_waited_long_for_a_persons_word_is_not_given_up_when_it_is_put_off_at_first(box):
    held = box.queue(held=True)
    with ScriptedServer({"RCPT": ["451 later", "250 ok"]}) as server:
        box.use(server.port)
        with box.database.begin() as session:
            outbox.release(session, "bz", [held])
        box.pass_time(created_at=box.database.now() - timedelta(days=9))
        assert box.deliver().retried == 1
        box.pass_time()
        assert box.deliver().sent == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_what_the_server_refuses_for_good_fails_visibly_and_holds_up_nothing(box, verb):
    outbox_id = box.queue("weg@voorbeeld.nl")
    box.pass_time()
    later = box.queue()
    with ScriptedServer({verb: ["550 5.1.1 no", "354 go on" if verb == "DATA" else "250 ok"]}) as server:
        box.use(server.port)
        result = box.deliver()
    assert (result.failed, result.sent) == (1, 1)
    assert (box.state(outbox_id), box.state(later)) == (OutboxState.FAILED, OutboxState.SENT)


@pytest.mark.parametrize(
    "replies",
    [
        {"": "554 go away"},
        {"": DROP},
        {"EHLO": DROP},
        {"MAIL": DROP},
        {"RCPT": "421 closing"},
        {"MAIL": "530 log in"},
        {"DATA": DROP},
    ],
)
def test_a_server_that_cannot_be_used_costs_no_mail(box, replies):
    """mail-cases 82"""
    first, second = box.queue(), box.queue()
    with ScriptedServer(replies) as server:
        box.use(server.port)
        result = box.deliver()
    assert result.unreachable
    assert result.handled == 1  # the others are not tried in vain
    assert {box.state(first), box.state(second)} == {OutboxState.QUEUED}
    box.pass_time()
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 2


def test_a_server_that_is_down_is_said_clearly_and_without_addresses(box, caplog):
    box.queue("geheim@voorbeeld.nl")
    with ScriptedServer() as server:
        port = server.port
    box.use(port)
    with caplog.at_level(logging.DEBUG):
        assert "nothing listens there" in box.deliver().unreachable
    assert "cannot be used: nothing listens there; check [smtp] host and port; next try in 5 s" in caplog.text
    assert "geheim" not in caplog.text


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("code", ["451", "550", "421"])
def test_the_log_never_repeats_what_a_server_says(box, caplog, verb, code):
    box.queue("geheim@voorbeeld.nl")
    with ScriptedServer({verb: f"{code} <geheim@voorbeeld.nl> is integrity report"}) as server, caplog.at_level(0):
        box.use(server.port)
        box.deliver()
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("notify"))
    assert code in ours
    assert "geheim" not in ours
    assert "integrity" not in ours


def test_a_connection_that_ended_between_two_mails_is_opened_anew_at_once(box):
    for _ in range(2):
        box.queue()
    with ScriptedServer({"RSET": [DROP, "250 ok"]}) as server:
        box.use(server.port)
        assert box.deliver().sent == 2
    assert server.verbs().count("EHLO") == 2


def test_a_line_that_breaks_after_data_is_tried_once_more_with_the_same_message_id_and_never_again(box):
    """mail-cases 81"""
    outbox_id = box.queue()
    with ScriptedServer({".": DROP}) as server:
        box.use(server.port)
        assert box.deliver().uncertain == 1
        assert box.state(outbox_id) == OutboxState.UNCERTAIN
        assert box.deliver().handled == 0  # not at once
        box.pass_time()
        assert box.deliver().uncertain == 1
        assert not box.is_forgotten(outbox_id)
        box.pass_time()
        assert box.deliver().handled == 0
    assert box.state(outbox_id) == OutboxState.UNCERTAIN
    assert box.is_forgotten(outbox_id)
    assert len({taken.message_id for taken in server.taken}) == 1
    assert len(server.taken) == 2


def test_an_uncertain_mail_that_the_server_takes_the_second_time_is_sent(box):
    outbox_id = box.queue()
    with ScriptedServer({".": [DROP, "250 taken"]}) as server:
        box.use(server.port)
        box.deliver()
        box.pass_time()
        assert box.deliver().sent == 1
    assert box.state(outbox_id) == OutboxState.SENT


def test_an_answer_to_data_that_makes_no_sense_is_no_yes_and_no_no(box):
    """mail-cases 81"""
    outbox_id = box.queue()
    with ScriptedServer({".": "hello"}) as server:
        box.use(server.port)
        assert box.deliver().uncertain == 1
    assert box.state(outbox_id) == OutboxState.UNCERTAIN


@pytest.mark.parametrize(
    ("verb", "becomes"),
    [
        ("", OutboxState.QUEUED),
        ("EHLO", OutboxState.QUEUED),
        ("RCPT", OutboxState.QUEUED),
        (".", OutboxState.UNCERTAIN),
    ],
)
def test_a_server_that_answers_byte_by_byte_is_left_when_the_time_of_a_mail_is_over(box, verb, becomes):
    outbox_id = box.queue()
    with ScriptedServer({verb: DRIP}) as server:
        box.use(server.port, transaction_seconds=1)
        result = box.deliver()
    assert result.sent == 0
    assert box.state(outbox_id) == becomes


def test_two_rounds_at_once_send_each_mail_once(box):
    ids = [box.queue(f"jan{number}@voorbeeld.nl") for number in range(12)]
    with ScriptedServer() as server:
        box.use(server.port)
        rounds = [threading.Thread(target=box.deliver) for _ in range(3)]
        for each in rounds:
            each.start()
        for each in rounds:
            each.join()
    assert sorted(taken.recipient for taken in server.taken) == sorted(
        f"jan{number}@voorbeeld.nl" for number in range(12)
    )
    assert {box.state(each) for each in ids} == {OutboxState.SENT}


def test_a_held_mail_and_a_paused_desk_send_nothing(box):
    held = box.queue(held=True)
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().handled == 0
        box.queue()
        with box.database.begin() as session:
            session.execute(update(Desk).values(outbox_paused_at=NOW))
        assert box.deliver().handled == 0
        with box.database.begin() as session:
            session.execute(update(Desk).values(outbox_paused_at=None))
            outbox.release(session, "bz", [held])
        assert box.deliver().sent == 2


def test_a_mail_that_waited_for_a_persons_word_is_dated_when_it_goes_out(box):
    held = box.queue(held=True)
    fresh = box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 1
        with box.database.begin() as session:
            outbox.release(session, "bz", [held])
        box.pass_time(created_at=box.database.now() - timedelta(days=2))
        assert box.deliver().sent == 1
    first, released = (message_from_bytes(each.data, policy=default) for each in server.taken)
    assert first["Date"].datetime == NOW
    assert abs(released["Date"].datetime - box.database.now()) < timedelta(minutes=1)
    assert released["Message-ID"] != first["Message-ID"]
    assert (box.state(fresh), box.state(held)) == (OutboxState.SENT, OutboxState.SENT)


def test_a_mail_that_is_called_off_just_before_data_does_not_go_out(box, monkeypatch):
    case_id = box.case()
    outbox_id = box.queue(case_id=case_id)
    mark_sending = sending.mark_sending

    def too_late(database, claimed):
        with database.begin() as session:
            outbox.cancel(session, case_id, [OutgoingKind.RECEIPT], database.now())
        return mark_sending(database, claimed)

    monkeypatch.setattr(sending, "mark_sending", too_late)
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().handled == 0
    assert "DATA" not in server.verbs()
    assert box.state(outbox_id) == OutboxState.CANCELLED


def test_the_row_is_sending_before_the_server_sees_data(box):
    outbox_id = box.queue()
    seen = []

    class Watching(ScriptedServer):
        def _answer(self, connection, verb):
            if verb == "DATA":
                seen.append(box.state(outbox_id))
            return super()._answer(connection, verb)

    with Watching() as server:
        box.use(server.port)
        box.deliver()
    assert seen == [OutboxState.SENDING]


@pytest.mark.parametrize("name", ["mailer-seed-bz", "token-key-bz", "index-key-bz"])
def test_a_missing_secret_is_said(box, name):
    (box.secrets.directory / name).unlink()
    with pytest.raises(ConfigError, match=name):
        box.deliver()


def test_a_wrong_mailer_seed_loses_no_mail(box, caplog):
    outbox_id = box.queue()
    path = box.secrets.directory / "mailer-seed-bz"
    right = path.read_bytes()
    path.write_bytes(base64.b64encode(b"w" * 32))
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().handled == 0
        assert "mailer-seed-bz" in caplog.text
        path.write_bytes(right)
        assert box.deliver().sent == 1
    assert box.state(outbox_id) == OutboxState.SENT


def test_the_first_receipt_meets_its_term_and_starts_that_of_the_feedback(box):
    received = box.database.now() - timedelta(hours=1)
    at_last = feedback_due(received, None, terms_of(box.settings, "bz"))
    case_id = box.case({DueKind.RECEIPT: received, DueKind.FEEDBACK: at_last}, received)
    box.queue(case_id=case_id)
    with ScriptedServer() as server:
        box.use(server.port)
        box.deliver()
        expected = feedback_due(received, box.database.now(), terms_of(box.settings, "bz"))
        assert box.dues(case_id) == {DueKind.FEEDBACK: expected}
        with box.database.begin() as session:
            moved = expected + timedelta(days=9)
            dues.set_due(session, "bz", case_id, DueKind.FEEDBACK, moved)
        box.queue(case_id=case_id)  # of a later mail: changes nothing
        assert box.deliver().sent == 1
    assert box.dues(case_id) == {DueKind.FEEDBACK: moved}


def test_a_day_that_a_receipt_promised_holds_when_it_gets_out_later(box):
    received = box.database.now() - timedelta(days=2)
    promised = feedback_due(received, received, terms_of(box.settings, "bz"))
    case_id = box.case({DueKind.RECEIPT: received, DueKind.FEEDBACK: promised}, received)
    box.queue(case_id=case_id)
    with ScriptedServer() as server:
        box.use(server.port)
        box.deliver()
    assert box.dues(case_id) == {DueKind.FEEDBACK: promised}


def test_the_receipt_of_a_mail_of_last_year_makes_nothing_overdue(box):
    received = box.database.now() - timedelta(days=365)
    soon = box.database.now() + timedelta(days=2)
    case_id = box.case({DueKind.RECEIPT: soon, DueKind.FEEDBACK: soon}, received)
    box.queue(case_id=case_id)
    with ScriptedServer() as server:
        box.use(server.port)
        box.deliver()
    assert box.dues(case_id) == {DueKind.FEEDBACK: soon}


def test_the_first_receipt_that_arrives_meets_the_term_when_an_earlier_one_did_not(box):
    case_id = box.case({DueKind.RECEIPT: box.database.now()})
    box.queue("tikfout@voorbeeld.nl", case_id=case_id)
    with ScriptedServer({"RCPT": ["550 no such user", "250 ok"]}) as server:
        box.use(server.port)
        assert box.deliver().failed == 1
        assert DueKind.RECEIPT in box.dues(case_id)
        box.queue(case_id=case_id)
        assert box.deliver().sent == 1
    assert box.dues(case_id) == {}


def test_a_receipt_that_goes_to_another_address_than_the_mail_came_from_meets_the_term_too(box):
    case_id = box.case({DueKind.RECEIPT: box.database.now()})
    box.ask(case_id, to="antwoord@voorbeeld.nl")
    box.queue("antwoord@voorbeeld.nl", case_id=case_id)
    with ScriptedServer() as server:
        box.use(server.port)
        box.deliver()
    assert box.dues(case_id) == {}


def test_a_receipt_to_somebody_whom_the_case_does_not_know_meets_no_term(box):
    case_id = box.case({DueKind.RECEIPT: box.database.now(), DueKind.FEEDBACK: box.database.now()})
    box.ask(case_id, MissingField.PHONE)
    before = box.dues(case_id)
    box.queue("vreemd@voorbeeld.nl", case_id=case_id)
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 1
    assert box.dues(case_id) == before


@pytest.mark.parametrize("held", [False, True])
def test_a_reminder_is_due_from_when_the_receipt_really_went_out(box, held):
    case_id = box.case()
    box.ask(case_id, MissingField.PHONE)
    outbox_id = box.queue(case_id=case_id, held=held)
    assert box.dues(case_id) == {}
    with ScriptedServer() as server:
        box.use(server.port)
        if held:
            assert box.deliver().handled == 0
            with box.database.begin() as session:
                outbox.release(session, "bz", [outbox_id])
        before = box.database.now()
        assert box.deliver().sent == 1
    due_at = box.dues(case_id)[DueKind.REMINDER]
    assert before <= due_at - timedelta(days=box.settings.rules.reminder_days) <= box.database.now()


def test_a_receipt_that_went_out_twice_perhaps_counts_as_sent(box):
    case_id = box.case({DueKind.RECEIPT: box.database.now()})
    box.ask(case_id, MissingField.PHONE)
    outbox_id = box.queue(case_id=case_id)
    with ScriptedServer({".": DROP}) as server:
        box.use(server.port)
        for _ in range(3):
            assert set(box.dues(case_id)) == {DueKind.RECEIPT}
            box.deliver()
            box.pass_time()
    assert box.state(outbox_id) == OutboxState.UNCERTAIN
    assert set(box.dues(case_id)) == {DueKind.REMINDER}


def test_what_cannot_be_opened_is_forgotten_all_the_same_when_it_is_not_sent_again(box):
    outbox_id = box.queue(case_id=box.case())
    with ScriptedServer({".": DROP}) as server:
        box.use(server.port)
        for _ in range(2):
            box.deliver()
            box.pass_time()
        path = box.secrets.directory / "mailer-seed-bz"
        path.write_bytes(base64.b64encode(b"w" * 32))
        box.deliver()
    assert box.state(outbox_id) == OutboxState.UNCERTAIN
    assert box.is_forgotten(outbox_id)


def test_a_closed_case_sends_no_reminder_and_nothing_that_waited_for_a_word(box):
    case_id = box.case()
    held, queued = box.queue(case_id=case_id, held=True), box.queue(case_id=case_id)
    reminder = box.queue(case_id=case_id, kind=OutgoingKind.REMINDER)
    with box.database.begin() as session:
        outbox.cancel_waiting(session, case_id, box.database.now())
        assert outbox.release(session, "bz", [held]) == []
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 1
    assert box.state(queued) == OutboxState.SENT
    assert {box.state(held), box.state(reminder)} == {OutboxState.CANCELLED}
    assert box.is_forgotten(held)


def test_a_reminder_that_may_have_arrived_before_its_case_was_closed_is_not_said_to_be_withdrawn(box):
    case_id = box.case()
    reminder = box.queue(case_id=case_id, kind=OutgoingKind.REMINDER)
    with ScriptedServer({".": [DROP, "250 taken"]}) as server:
        box.use(server.port)
        assert box.deliver().uncertain == 1
        with box.database.begin() as session:
            outbox.cancel_waiting(session, case_id, box.database.now())
        box.pass_time()
        assert box.deliver().handled == 0
    assert box.state(reminder) == OutboxState.UNCERTAIN
    assert box.is_forgotten(reminder)


def test_a_mail_that_another_sender_took_over_is_not_counted_as_sent_by_this_one(box):
    outbox_id = box.queue()

    class Overtaken(ScriptedServer):
        def _next(self, verb):
            if verb == ".":
                with box.database.begin() as session:
                    session.get_one(outbox.Outbox, outbox_id).claim = "another"
            return super()._next(verb)

    with Overtaken() as server:
        box.use(server.port)
        assert box.deliver().sent == 0
    assert len(server.taken) == 1


def test_a_feedback_that_was_given_is_not_due_again_when_the_receipt_goes_out_late(box):
    case_id = box.case({DueKind.RECEIPT: box.database.now()})
    box.queue(case_id=case_id)
    with ScriptedServer() as server:
        box.use(server.port)
        box.deliver()
    assert box.dues(case_id) == {}


def test_the_data_arrives_as_it_was_written_even_with_leading_dots(box):
    texts = box.desk.texts.model_copy(update={"support_point": ".\n..\n. punt"})
    desk = box.desk.model_copy(update={"texts": texts, "complaints": "x"})
    box.settings = box.settings.model_copy(update={"desks": {"bz": desk}})
    box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        box.deliver()
    mail = message_from_bytes(server.taken[0].data, policy=default)
    text, html = mail.iter_parts()
    assert ". .. . punt" in " ".join(text.get_content().split())
    assert ". .. . punt" in " ".join(html.get_content().split())


def test_waiting_doubles_up_to_a_limit():
    assert [backoff(attempt, 5, 300) for attempt in range(1, 9)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert backoff(10_000, 5, 300) == 300
