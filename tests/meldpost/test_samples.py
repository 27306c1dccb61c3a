from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime

from meldpost.samples import as_of, as_reply, samples
from tests.ingest.made_files import WORD

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_there_are_a_few_dozen_in_several_languages() -> None:
    assert len(samples()) >= 30
    assert len({sample.file for sample in samples()}) == len(samples())


def test_they_bring_files_scans_sealed_mail_mail_in_mail_and_a_forged_sender() -> None:
    types = {part.get_content_type() for sample in samples() for part in message_from_bytes(sample.mail).walk()}
    assert {WORD, "image/png", "application/pkcs7-mime", "message/rfc822"} <= types
    assert [sample.file for sample in samples() if sample.held] == ["38-vervalste-afzender.eml"]


def test_the_day_in_march_becomes_today_and_nothing_else_changes() -> None:
    for sample in samples():
        shifted = as_of(sample.mail, NOW)
        date = parsedate_to_datetime(message_from_bytes(shifted)["Date"])
        assert 0 <= (NOW - date).total_seconds() < 3600
        old, new = sample.mail.split(b"\r\n"), shifted.split(b"\r\n")
        assert [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1] and b"Date: " not in pair[0]] == []


def test_a_mail_delivered_twice_stays_the_same_mail() -> None:
    by_name = {sample.file[3:]: sample for sample in samples()}
    first, again = by_name["afdeling.eml"], by_name["tweemaal-bezorgd.eml"]
    assert as_of(first.mail, NOW) == as_of(again.mail, NOW)


def test_a_reply_goes_where_the_receipt_wants_it_and_names_it() -> None:
    receipt = message_from_bytes(
        b"From: d@x\nReply-To: d+t@x\nMessage-ID: <r@x>\nReferences: <a@y>\n <b@y>\n\nThank you.\n"
    )
    (sample,) = (sample for sample in samples() if sample.answers)
    reply = message_from_bytes(as_reply(sample.mail, receipt))
    assert reply["To"] == "d+t@x"
    assert reply["In-Reply-To"] == "<r@x>"
    assert reply["References"] == "<a@y> <b@y> <r@x>"
    assert reply.get_payload() == message_from_bytes(sample.mail).get_payload()
