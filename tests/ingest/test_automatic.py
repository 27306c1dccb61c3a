import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.taxonomy import Automatic
from ingest.automatic import Inside, Own, Verdict, inside, judge, without_our_fields
from ingest.parse import parse_bytes

OWN = Own(frozenset({"desk@ministry.example"}), frozenset({"<ours@ministry.example>"}))


def kind(*fields: tuple[str, str], sender: str | None = "someone@reporter.example") -> Automatic | None:
    return judge(fields, sender, OWN).kind


def test_what_a_person_writes_is_not_automatic() -> None:
    fields = [
        ("From", "Someone <someone@reporter.example>"),
        ("Subject", "Out of office"),
        ("Content-Type", "text/plain"),
    ]
    assert judge(fields, "someone@reporter.example", OWN) == Verdict(None, False, "person")


@pytest.mark.parametrize("value", ["no", "No", " no ", "no (really (no))", "no; owner-email=x", ""])
def test_auto_submitted_no_is_not_automatic(value: str) -> None:
    assert kind(("Auto-Submitted", value)) is None


@pytest.mark.parametrize(
    "value", ["auto-replied", "AUTO-GENERATED", "auto-notified; owner-email=x", "(a) auto-replied (b)", "yes"]
)
def test_any_other_auto_submitted_is_an_auto_reply(value: str) -> None:
    assert kind(("AUTO-submitted", value)) is Automatic.AUTO_REPLY


@pytest.mark.parametrize("value", ["All", "DR, OOF, AutoReply", "autoreply", "OOF,AutoReply"])
def test_suppressed_answers_are_not_given(value: str) -> None:
    """mail-cases 77"""
    assert kind(("X-Auto-Response-Suppress", value)) is Automatic.AUTO_REPLY


@pytest.mark.parametrize("value", ["OOF", "DR, RN, NRN", "NDR", "None"])
def test_suppression_of_other_answers_does_not_suppress_receipts(value: str) -> None:
    """mail-cases 77"""
    assert kind(("X-Auto-Response-Suppress", value)) is None


@pytest.mark.parametrize(
    "field",
    [
        ("List-Id", "<a.b>"),
        ("List-Unsubscribe", "<mailto:x>"),
        ("Precedence", "list"),
        ("Precedence", "Bulk"),
        ("Precedence", "junk"),
        ("Mailing-List", "x"),
    ],
)
def test_list_mail_is_recognised(field: tuple[str, str]) -> None:
    """mail-cases 72"""
    assert kind(field) is Automatic.LIST


def test_other_precedences_say_nothing() -> None:
    assert kind(("Precedence", "first-class")) is None
    assert kind(("Precedence", "auto_reply")) is Automatic.AUTO_REPLY


@pytest.mark.parametrize("report", ["delivery-status", "disposition-notification", "feedback-report"])
def test_reports_are_bounces(report: str) -> None:
    """mail-cases 70"""
    content_type = f'multipart/report; report-type={report}; boundary="x"'
    assert kind(("Content-Type", content_type), ("Auto-Submitted", "auto-replied")) is Automatic.BOUNCE


def test_bounces_without_their_form_are_recognised() -> None:
    """mail-cases 70"""
    assert kind(("X-Failed-Recipients", "a@b.example")) is Automatic.BOUNCE
    assert kind(sender="MAILER-DAEMON@host.example") is Automatic.BOUNCE
    assert kind(("Return-Path", "<>"), sender="postmaster@host.example") is Automatic.BOUNCE
    assert kind(("Auto-Submitted", "auto-generated"), sender="mailer-daemon@host.example") is Automatic.BOUNCE


FAILURES = [
    "Undelivered Mail Returned to Sender",
    "Delivery Status Notification (Failure)",
    "failure notice",
    "Mail delivery failed: returning message to sender",
    "Returned mail: User unknown",
    "Undeliverable: your message",
    "Onbestelbaar: uw bericht",
    "Uw bericht is niet bezorgd",
    "Unzustellbar: Ihre Nachricht",
    "Mail konnte nicht zugestellt werden",
    "Non remis : votre message",
    "Échec de la remise",
    "No se puede entregar: su mensaje",
    "Mancato recapito",
    "Não foi possível entregar",
    "配信不能",
    "メールエラー通知",
    "系统退信",
]


@pytest.mark.parametrize("subject", FAILURES)
def test_a_bounce_in_plain_words_is_one_where_no_person_can_have_sent_it_and_never_else(subject: str) -> None:
    """mail-cases 70"""
    says = Inside(subject=subject)
    assert judge([("Return-Path", "<>")], "system@host.example", OWN, says).kind is Automatic.BOUNCE
    assert judge([("From", "MAILER-DAEMON <>")], None, OWN, says).kind is Automatic.BOUNCE
    assert judge([("Auto-Submitted", "auto-replied")], "system@host.example", OWN, says).kind is Automatic.BOUNCE
    assert judge([], "postmaster@host.example", OWN, says).kind is Automatic.BOUNCE
    for whole in (subject, f"Fwd: {subject}", f"Re: {subject}"):
        person = Inside(whole, "550 5.1.1 user unknown. This is the qmail-send program", reports=True)
        assert judge([("Return-Path", "<a@b.example>")], "a@b.example", OWN, person).kind is None


@pytest.mark.parametrize(
    "text",
    [
        "Hi. This is the qmail-send program. I wasn't able to deliver your message.",
        "host mx.b.example said: 550 5.1.1 <a@b.example>: no such mailbox",
        "Your message could not be delivered to the following recipients:",
        "送信先のメールボックスが一杯のため、送信できませんでした。",
    ],
)
def test_words_in_the_text_make_a_bounce_of_what_came_from_the_null_path_only(text: str) -> None:
    says = Inside("Nyaan", text)
    assert judge([("Return-Path", "<>")], "a@host.example", OWN, says).kind is Automatic.BOUNCE
    assert judge([("Auto-Submitted", "auto-replied")], "a@host.example", OWN, says).kind is Automatic.AUTO_REPLY
    assert judge([], "a@host.example", OWN, says).kind is None


def test_a_complaint_is_known_by_its_part_and_a_report_without_its_form_by_who_sent_it() -> None:
    complaint = Inside(parts=frozenset({"message/feedback-report"}))
    assert judge([], "abuse@provider.example", OWN, complaint).kind is Automatic.BOUNCE
    report = Inside(reports=True)
    assert judge([("Return-Path", "<>")], "a@host.example", OWN, report).kind is Automatic.BOUNCE
    assert judge([], "a@host.example", OWN, report).kind is None


def test_who_keeps_a_mail_server_may_report_and_is_not_answered_by_a_machine() -> None:
    verdict = judge([], "postmaster@host.example", OWN, Inside("Melding", "Ik meld dat"))
    assert (verdict.kind, verdict.may_report) == (Automatic.AUTO_REPLY, True)


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Confirmation",
        "Automatisch antwoord: x",
        "Out of office",
        "Automatische Antwort: x",
        "自動応答: x",
    ],
)
def test_the_subject_of_an_answering_machine_counts_where_it_answers_us_and_nowhere_else(subject: str) -> None:
    """mail-cases 73"""
    answering = Own(OWN.addresses, OWN.message_ids, answered=True)
    assert judge([], "a@b.example", answering, Inside(subject)).kind is Automatic.AUTO_REPLY
    assert judge([], "a@b.example", answering, Inside(f"Re: {subject}")).kind is None
    assert judge([], "a@b.example", OWN, Inside(subject)).kind is None


@pytest.mark.parametrize(
    "subject",
    ["Afwezigheid van de controleur", "Out of office hours entry", "Automatic reply that I got", "Abwesend war er oft"],
)
def test_a_subject_about_somebodys_absence_is_a_persons_also_in_an_answer_to_us(subject: str) -> None:
    answering = Own(OWN.addresses, OWN.message_ids, answered=True)
    assert judge([], "a@b.example", answering, Inside(subject)).kind is None


def _calendar(method: str, text: str = "", more: str = "") -> Inside:
    mail = (
        "From: a@b.example\r\nSubject: Accepted: overleg\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=q\r\n\r\n--q\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        f"--q\r\nContent-Type: text/calendar; method={method}\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:{method}\r\n"
        "BEGIN:VEVENT\r\nSUMMARY:overleg\r\nATTENDEE;CN=A. Bos;PARTSTAT=ACCEPTED:mailto:a@b.example\r\n"
        f"{more}END:VEVENT\r\nEND:VCALENDAR\r\n--q--\r\n"
    )
    return inside(parse_bytes(mail.encode()))


def test_the_answer_of_a_calendar_is_a_machines_unless_somebody_wrote_to_it() -> None:
    assert judge([], "a@b.example", OWN, _calendar("REPLY")).kind is Automatic.AUTO_REPLY
    assert judge([], "a@b.example", OWN, _calendar("REPLY", "Ik kom, maar ik wil eerst iets melden.")).kind is None
    assert judge([], "a@b.example", OWN, _calendar("REQUEST")).kind is None


@pytest.mark.parametrize(
    "text",
    [
        "A. Bos heeft de uitnodiging geaccepteerd",
        "a@b.example has accepted this invitation.",
        "A. Bos has tentatively accepted your invitation: overleg",
        "A. Bos hat diese Einladung abgelehnt.\r\n\r\noverleg",
        "A. Bos a accepté cette invitation",
        "Accepted: overleg",
        "Geaccepteerd: overleg",
    ],
)
def test_what_a_calendar_program_says_beside_its_answer_is_its_own(text: str) -> None:
    """mail-cases 66"""
    assert judge([], "a@b.example", OWN, _calendar("REPLY", text)).kind is Automatic.AUTO_REPLY
    assert judge([], "a@b.example", OWN, _calendar("REQUEST", text)).kind is None
    for own in ("Ik meld dat mijn chef steelt.", "Mijn chef heeft de uitnodiging geaccepteerd"):
        assert judge([], "a@b.example", OWN, _calendar("REPLY", f"{text}\r\n\r\n{own}")).kind is None


@pytest.mark.parametrize(
    "text",
    [
        "Mijn chef neemt geld aan en hij heeft de uitnodiging geaccepteerd",
        "A. Bos heeft de uitnodiging geaccepteerd: ik durf niet te komen",
        "Hij heeft de uitnodiging geaccepteerd",
        "overleg",
    ],
)
def test_words_beside_the_answer_of_a_calendar_that_it_does_not_say_are_a_persons(text: str) -> None:
    """mail-cases 66"""
    assert judge([], "a@b.example", OWN, _calendar("REPLY", text)).kind is None


def test_a_comment_in_the_answer_of_a_calendar_is_a_persons() -> None:
    """mail-cases 66"""
    answer = _calendar("REPLY", more="COMMENT:Ik durf niet te komen.\r\n")
    assert judge([], "a@b.example", OWN, answer).kind is None


def test_a_list_that_marks_its_loop_is_a_list_and_a_mark_of_another_alone_is_a_robots() -> None:
    loop = ("X-Loop", "list@lists.example")
    assert kind(loop, ("Precedence", "list")) is Automatic.LIST
    assert kind(loop) is Automatic.AUTO_REPLY


def test_the_null_return_path_is_never_answered_and_only_the_topmost_counts() -> None:
    """mail-cases 70"""
    for null in ("<>", "< >", " <(nobody)> (x)", "<MAILER-DAEMON>"):
        assert kind(("Return-Path", null)) is Automatic.AUTO_REPLY
    assert kind(("Return-Path", "<a@b.example>"), ("Return-Path", "<>")) is None


@pytest.mark.parametrize(
    "local",
    [
        "no-reply",
        "noreply",
        "donotreply",
        "do_not_reply",
        "service-noreply",
        "noreply+abc",
        "bounces+1=2",
        "x-request",
        "owner-x",
    ],
)
def test_robots_are_known_by_their_address(local: str) -> None:
    """mail-cases 73"""
    assert kind(sender=f"{local}@robot.example") is Automatic.AUTO_REPLY


@pytest.mark.parametrize("local", ["norbert.reply", "j.bounce", "root.vegetables", "r.owner.jansen", "requestor"])
def test_people_with_names_like_robots_are_people(local: str) -> None:
    assert kind(sender=f"{local}@people.example") is None


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        ([("X-Loop", "desk@ministry.example")], "someone@reporter.example"),
        ([("Message-ID", "<ours@ministry.example>")], "someone@reporter.example"),
        ([], "Desk@ministry.example"),
        ([], "desk+token@ministry.example"),
    ],
)
def test_our_own_mail_is_recognised_when_it_comes_back(fields: list[tuple[str, str]], sender: str) -> None:
    """mail-cases 75"""
    verdict = judge(fields, sender, OWN)
    assert (verdict.kind, verdict.own_mail) == (Automatic.AUTO_REPLY, True)


def test_control_fields_that_look_like_ours_are_taken_out() -> None:
    """mail-cases 99"""
    fields = [("X-Meldpost-Case", "1"), ("x-meldpost-anything", "2"), ("Subject", "s")]
    assert without_our_fields(fields) == (("Subject", "s"),)


def test_a_mail_without_sender_or_fields_is_judged_too() -> None:
    assert judge((), None, OWN).kind is None


names = st.sampled_from(
    ["Auto-Submitted", "Precedence", "Return-Path", "Content-Type", "X-Auto-Response-Suppress", "List-Id", "From", ""]
)


@given(st.lists(st.tuples(names, st.text(max_size=60))), st.none() | st.text(max_size=40))
def test_no_header_breaks_the_judgement(fields: list[tuple[str, str]], sender: str | None) -> None:
    verdict = judge(fields, sender, OWN)
    assert (verdict.kind is None) == (verdict.reason == "person")
