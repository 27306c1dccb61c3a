"""Any text gets an answer, and the same text the same one."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.triage import mails
from triage import MailText, Report, Triage
from triage.text import MAX_OWN

ODD = (
    "",
    " \n\t\r\n ",
    "\x00\x01\x02",
    "\ud800 half een teken \udfff",
    "\u202eomgekeerd\u202c",
    "😀" * 300,
    "السلام عليكم، أكتب إليكم بخصوص ما حدث في القنصلية.",
    "我想举报一位领事。",
    ">" * 5000,
    "," * 5000,
    "06 " * 3000,
    "A. " * 3000,
    "de heer " * 2000,
    "\n" * 20000,
    "a" * 50000,
    "1" * 50000,
    "Straat 1, 1234 AB " * 2000,
    "a@" * 5000,
)


def test_odd_texts_get_an_answer(triage: Triage) -> None:
    for text in ODD:
        for mail in (mails.mail(text), MailText(text, text, text, text, text, text)):
            assert Report.from_wire(triage.understand(mail).to_wire())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    own=st.text(alphabet=st.characters(), max_size=300),
    quoted=st.text(max_size=80),
    subject=st.text(max_size=40),
    name=st.text(max_size=30),
)
def test_any_text_gets_an_answer(triage: Triage, own: str, quoted: str, subject: str, name: str) -> None:
    report = triage.understand(MailText(subject, name, "", own, quoted))
    assert all(0 <= score <= 1 for score in report.missing_scores.values())


def test_of_a_very_long_mail_the_beginning_is_looked_at(triage: Triage) -> None:
    long = mails.DUTCH.own_text + "En toen gebeurde er weer iets bij de balie. " * 25_000
    report = triage.understand(mails.mail(long))
    assert len(long) > 1_000_000
    assert "Diederik Stokvis" in [c.name for c in report.concerned]


def test_a_person_is_found_wherever_the_text_is_looked_at(triage: Triage) -> None:
    before = "En toen gebeurde er weer iets bij de balie. " * 800
    at_the_end, quoted = mails.mail(before + mails.DUTCH.own_text), mails.mail(before, quoted=mails.DUTCH.own_text)
    assert 20_000 < len(before) < MAX_OWN - 1_000
    for mail in (at_the_end, quoted):
        assert "Diederik Stokvis" in [c.name for c in triage.understand(mail).concerned]


def test_the_same_mail_gets_the_same_answer_in_any_order(triage: Triage) -> None:
    forwards = [triage.understand(m) for m in mails.ALL]
    backwards = [triage.understand(m) for m in reversed(mails.ALL)]
    assert forwards == backwards[::-1]
