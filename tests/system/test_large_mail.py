"""A mail of 50 MB goes through the real daemon, in little memory: it is fetched, read, sealed and kept in pieces."""

import random
from collections.abc import Callable
from email.message import EmailMessage, Message

import pytest

from tests.system.installation import Installation, letter
from tests.system.peaks import Peaks

MEGABYTE = 1024 * 1024
RAW = 50 * MEGABYTE
MOST = 400 * MEGABYTE


def _with_a_file(mail: EmailMessage) -> None:
    """The file is base64 in lines of 76 letters: 57 of its bytes each."""
    data = random.Random(1).randbytes(RAW * 57 // 78)
    mail.add_attachment(data, maintype="application", subtype="octet-stream", filename="dossier.bin")


def _with_a_forwarded_mail(mail: EmailMessage) -> None:
    """What was forwarded has the file, and what a mailing list wrote below its letters."""
    inner = letter("kees@example.org", "anna@example.org")
    _with_a_file(inner)
    file = inner.get_payload()[1]
    assert isinstance(file, Message)
    file.set_payload(f"{file.get_payload()}-- \nLijst: afmelden!\n")
    mail.add_attachment(inner)


def _with_text_alone(mail: EmailMessage) -> None:
    mail.set_content("Hij vroeg geld voor een vergunning, en dat is niet de eerste keer.\n" * (RAW // 68))


def _with_html_alone(mail: EmailMessage) -> None:
    mail.set_content("<p>Hij vroeg geld voor een <b>vergunning</b>.</p>\n" * (RAW // 51), subtype="html")


@pytest.mark.parametrize("fill", [_with_a_file, _with_a_forwarded_mail, _with_text_alone, _with_html_alone])
def test_a_mail_of_50_mb_is_taken_in_with_less_than_400_mb_in_each_process(
    installation: Installation, fill: Callable[[EmailMessage], None]
) -> None:
    """mail-cases 58"""
    installation.set_up()
    mail = letter(installation.reporter(), installation.address)
    fill(mail)
    raw = mail.as_bytes()
    assert len(raw) > 0.98 * RAW
    with installation.dovecot.lmtp() as line:
        line.sendmail(installation.reporter(), [installation.address], raw)
    daemon = installation.start()
    with Peaks(daemon.pid).watching() as peaks:
        installation.wait_taken(1)
        installation.receipts()
    assert installation.rows("select state from message") == [("read",)], installation.log()
    too_large = {peaks.names[pid]: size // MEGABYTE for pid, size in peaks.bytes.items() if size >= MOST}
    assert not too_large
    assert len(peaks.bytes) >= 5  # supervisor, fork server, two nurseries, a round
