"""Nothing readable rests of what a mail server hands over, either: by LMTP and by a pipe, under strace."""

import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import test_nothing_readable as by_imap
from tests.system.dovecot import Dovecot
from tests.system.exim import Exim
from tests.system.installation import TOP, Installation
from tests.system.test_nothing_readable import Observed
from tests.system.traces import strace
from tests.system.waiting import free_port


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, exim: Exim) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("observed")
    installation = Installation(folder / "meldpost", dovecot, exim)
    port = free_port()
    installation.set_up(
        mailboxes={"desk": {"kind": "lmtp", "desk": "integriteit"}}, lmtp={"listen": f"127.0.0.1:{port}"}
    )
    try:
        yield _run_everything(installation, port, folder / "trace")
    finally:
        installation.stop()


def test_no_word_of_a_mail_is_written_to_any_file(observed: Observed, figures: list[str]) -> None:
    by_imap.test_no_word_of_a_mail_is_written_to_any_file(observed, figures)


def test_no_file_that_was_written_holds_a_word(observed: Observed) -> None:
    by_imap.test_every_file_that_was_opened_for_writing_is_there_without_a_word_or_gone(observed)
    by_imap.test_no_file_of_the_installation_holds_a_word(observed)


def test_no_log_line_at_any_level_holds_a_name_an_address_a_subject_or_a_text(observed: Observed) -> None:
    assert "case" in observed.logs
    assert by_imap.MARKS.found_in(observed.logs.encode()) == []
    for address in (observed.installation.reporter("lepelblad-tester"), observed.installation.address):
        assert address not in observed.logs


def _run_everything(installation: Installation, port: int, trace: Path) -> Observed:
    sender = installation.reporter("lepelblad-tester")
    marked = [by_imap._marked_mail(installation, number).as_bytes() for number in range(3)]
    daemon = installation.start(wrapper=strace(trace), debug=True)
    installation.wait_for_log(daemon, "started")
    with smtplib.LMTP("127.0.0.1", port, local_hostname="mx.example", timeout=240) as line:
        for mail in (*marked[:2], by_imap._broken_mail()):
            assert line.sendmail(sender, [installation.address], mail) == {}
    daemon.stop()
    pipe_trace = trace.with_name("pipe-trace")
    command = [*strace(pipe_trace), sys.executable, "-m", "meldpost", "--verbose", "ingest"]
    delivered = subprocess.run(
        [*command, "--config", str(installation.config), "-"],
        input=f"From {sender} Mon Mar  2 08:00:00 2026\n".encode() + marked[2],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(TOP)},
        timeout=240,
        check=False,
    )
    assert delivered.returncode == 0, delivered.stderr
    assert installation.count("message") == 4
    with trace.open("ab") as whole:
        whole.write(pipe_trace.read_bytes())
    return Observed(installation, trace, installation.log() + delivered.stderr.decode())
