"""What clamd says is kept as it says it; whatever else happens is no "clean", and the mail is taken in all the same."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.settings import ScannerSettings
from ingest import scanning
from ingest.mail import ParsedMail, Scan
from ingest.parse import parse_bytes
from ingest.raw import RawMail
from ingest.scanning import UNSCANNED, NoAnswer, Scanner, scanned
from tests.ingest import made_files as made
from tests.ingest.clamd import BAD, NAME, STREAM_LIMIT, Clamd, running_clamd
from tests.ingest.conftest import Dovecot, NewOffice

CLEAN = Scan("clean")
FOUND = Scan("found", f"{NAME}.UNOFFICIAL")  # no signature of ClamAV's own


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with running_clamd() as clamd:
        yield clamd


def _scan(settings: ScannerSettings, data: bytes) -> Scan:
    return Scanner(settings).scan((data,), len(data))


def _mail(settings: ScannerSettings | None, raw: bytes) -> ParsedMail:
    with RawMail.from_bytes(raw) as held:
        return scanned(parse_bytes(raw), held, Scanner.of(settings) if settings else None)


@pytest.mark.parametrize("tcp", [False, True], ids=["socket", "tcp"])
def test_clamd_is_asked_and_its_word_is_kept(clamd: Clamd, tcp: bool) -> None:
    settings = clamd.settings(tcp=tcp)
    Scanner(settings).ping()
    assert _scan(settings, b"nothing bad") == CLEAN
    assert _scan(settings, b"some " + BAD + b" here") == FOUND
    assert _scan(settings, b"") == CLEAN


def test_each_file_and_the_whole_mail_are_scanned(clamd: Clamd) -> None:
    raw = made.mail(("a.bin", "application/octet-stream", BAD), ("b.txt", "text/plain", b"fine"))
    mail = _mail(clamd.settings(), raw)
    assert mail.scan == FOUND  # clamd undoes base64 itself
    assert [each.scan for each in mail.attachments] == [FOUND, CLEAN]


def test_what_came_out_of_a_file_is_scanned_too(clamd: Clamd) -> None:
    raw = made.mail(("a.txt", "text/plain", b"fine"))
    mail = parse_bytes(raw)
    (file,) = mail.attachments
    mail = replace(mail, attachments=(file, replace(file, inside=0)))
    with RawMail.from_bytes(raw) as held:
        assert [each.scan for each in scanned(mail, held, Scanner(clamd.settings())).attachments] == [CLEAN, CLEAN]


@pytest.mark.parametrize("size", [STREAM_LIMIT + 1, 5_000_000])
def test_what_is_beyond_the_limit_of_clamd_is_unscanned(clamd: Clamd, size: int) -> None:
    """mail-cases 59: the limit shows as an answer or as a broken pipe, by how fast it comes"""
    assert _scan(clamd.settings(), bytes(size)) == UNSCANNED
    assert _scan(clamd.settings(), b"after that clamd still answers") == CLEAN


def test_what_is_beyond_our_own_limit_is_not_sent(clamd: Clamd) -> None:
    """mail-cases 59"""
    assert _scan(clamd.settings(max_bytes=10), BAD) == UNSCANNED


def test_without_a_scanner_nothing_is_said(clamd: Clamd) -> None:
    mail = _mail(None, made.mail(("a.bin", "application/octet-stream", BAD)))
    assert mail.scan is None
    assert mail.attachments[0].scan is None
    assert Scanner.of(ScannerSettings()) is None


def test_a_clamd_that_is_gone_leaves_all_unscanned(tmp_path: Path) -> None:
    mail = _mail(ScannerSettings(socket=tmp_path / "none"), made.mail(("a.bin", "application/octet-stream", BAD)))
    assert mail.scan == UNSCANNED
    assert mail.attachments[0].scan == UNSCANNED


class _Odd:
    """A server that reads a whole stream and answers as it is told; None hangs up, "" says nothing at all."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self.asked = 0
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def settings(self) -> ScannerSettings:
        return ScannerSettings(host="127.0.0.1", port=self._listening.getsockname()[1], timeout_seconds=1)

    def _serve(self) -> None:
        while True:
            line, _ = self._listening.accept()
            self.asked += 1
            if self._answer is None:
                line.close()
                continue
            if self._answer == b"":
                self._held.append(line)
                continue
            received = b""
            while not received.endswith(b"\0\0\0\0"):
                received += line.recv(65536)
            line.sendall(self._answer)
            line.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"stream: OK",
        b"stream: OK OK\0",
        b"stream: OK\n\0",
        b"stream: OK\0stream: OK\0",
        b"stream: ERROR\0",
        b"OK\0",
        b"\xff\xff\0",
        b"x" * 10_000,
        b"INSTREAM size limit exceeded. ERROR\0",
    ],
)
def test_no_answer_but_clamds_own_word_is_clean(answer: bytes) -> None:
    assert _scan(_Odd(answer).settings, b"x") == UNSCANNED


def test_a_clamd_that_takes_its_time_for_each_file_has_one_deadline_for_the_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = _Odd(b"stream: OK\0")
    monkeypatch.setattr(scanning, "time", SimpleNamespace(monotonic=lambda: 0.6 * slow.asked))
    mail = _mail(slow.settings, made.mail(*[(f"{n}.txt", "text/plain", b"x") for n in range(5)]))
    assert mail.scan == CLEAN
    assert {each.scan for each in mail.attachments[1:]} == {UNSCANNED}
    assert slow.asked == 2


def test_the_name_of_what_was_found_is_no_way_in() -> None:
    assert _scan(_Odd(b"stream: <script>\n FOUND\0").settings, b"x") == UNSCANNED
    assert _scan(_Odd(b"stream: <script> FOUND\0").settings, b"x") == Scan("found")
    assert _scan(_Odd(b"stream: Win.Test.EICAR_HDB-1 FOUND\0").settings, b"x") == Scan("found", "Win.Test.EICAR_HDB-1")


def test_a_clamd_that_hangs_up_or_is_silent_leaves_a_file_unscanned_and_is_not_asked_again() -> None:
    raw = made.mail(*[(f"{n}.txt", "text/plain", b"x") for n in range(5)])
    silent = _Odd(b"")
    mail = _mail(silent.settings, raw)
    assert {each.scan for each in (mail, *mail.attachments)} == {UNSCANNED}
    assert silent.asked == 1
    with pytest.raises(NoAnswer):
        Scanner(silent.settings).ping()
    assert _mail(_Odd(None).settings, raw).scan == UNSCANNED


def test_a_mail_is_taken_in_with_what_clamd_says_and_without_clamd_too(
    clamd: Clamd, dovecot: Dovecot, new_office: NewOffice
) -> None:
    for settings, expected in ((clamd.settings(), FOUND), (ScannerSettings(socket=Path("/nowhere")), UNSCANNED)):
        account = dovecot.account()
        dovecot.deliver(account, made.mail(("a.bin", "application/octet-stream", BAD)))
        office = new_office(account, clamd=settings.model_dump())
        assert office.take_in().taken == 1
        (case,) = office.cases()
        content = case.messages[0].content
        assert content["scan"] == {"result": expected.result, "name": expected.name}
        assert content["attachments"][0]["scan"] == content["scan"]
