"""`meldpost ingest -`: what a mail server hands over by a pipe, with the real readers and the real model."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config.settings import load
from meldpost.init import Made
from meldpost.piping import receive
from store.database import open_database
from store.outbox import OutboxState
from store.schema import CaseFile, Ledger, Message, Outbox

TOP = Path(__file__).resolve().parents[2]
MAIL = (TOP / "meldpost" / "samples" / "02-afdeling.eml").read_bytes()


def run(made: Made, content: bytes, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "meldpost", "ingest", "--config", str(made.config), *arguments]
    surroundings = {**os.environ, "PYTHONPATH": str(TOP), **environment}
    return subprocess.run(command, input=content, capture_output=True, env=surroundings, timeout=120, check=False)


def count(made: Made) -> dict[str, int]:
    database = open_database(load(made.config).database.url)
    try:
        with database.read() as session:
            return {
                "cases": session.scalar(select(func.count()).select_from(CaseFile)) or 0,
                "messages": session.scalar(select(func.count()).select_from(Message)) or 0,
                "attempts": session.scalar(select(func.count()).select_from(Ledger)) or 0,
                "receipts": session.scalar(select(func.count()).where(Outbox.kind == "receipt")) or 0,
                "held": session.scalar(select(func.count()).where(Outbox.state == OutboxState.HELD)) or 0,
            }
    finally:
        database.close()


def test_a_mail_from_a_pipe_is_in_when_the_status_is_zero_and_is_answered_once(made: Made) -> None:
    delivered = b"From reporter@home.example  Mon Mar  2 08:00:00 2026\n" + MAIL
    for _ in range(2):  # the mail server did not hear the first time
        result = run(made, delivered, "-")
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert count(made) == {"cases": 1, "messages": 1, "attempts": 1, "receipts": 1, "held": 0}


def test_a_mail_with_the_null_sender_gets_no_receipt(made: Made) -> None:
    """mail-cases 70"""
    assert run(made, MAIL, "-", SENDER="").returncode == 0
    assert count(made)["receipts"] == 0


def test_while_the_database_is_gone_the_mail_server_keeps_the_mail(made: Made) -> None:
    where = made.config.parent / "meldpost.db"
    where.rename(where.with_suffix(".away"))
    result = run(made, MAIL, "-")
    assert result.returncode == 75
    assert result.stderr.startswith(b"4.3.5 The mail was not taken in and has to wait: There is no database")
    where.with_suffix(".away").rename(where)
    assert run(made, MAIL, "-").returncode == 0
    assert count(made)["cases"] == 1


def test_while_the_database_is_damaged_the_mail_server_keeps_the_mail(made: Made) -> None:
    damaged = made.config.parent / "meldpost.db"
    damaged.rename(damaged.with_suffix(".real"))
    damaged.write_bytes(b"this is no database at all" * 100)
    assert run(made, MAIL, "-").returncode == 75
    damaged.unlink()
    damaged.with_suffix(".real").rename(damaged)
    assert run(made, MAIL, "-").returncode == 0
    assert count(made)["cases"] == 1


def test_a_configuration_that_cannot_be_used_makes_no_mail_bounce(made: Made) -> None:
    made.config.write_text(made.config.read_text(encoding="utf-8") + "\n[nonsense]\n", encoding="utf-8")
    result = run(made, MAIL, "-")
    assert result.returncode == 75
    assert result.stderr.startswith(b"4.3.5 ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("--acount", "box", "-"), ("-", "also.eml")])
def test_a_command_line_that_makes_no_sense_is_64_and_says_so_in_a_way_that_postfix_keeps_the_mail(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "also.eml").write_bytes(MAIL)
    result = run(made, MAIL, *arguments)
    assert result.returncode == 64
    assert result.stderr.startswith(b"4.3.5 ")


def test_another_account_is_no_reason_to_lose_the_mail(made: Made) -> None:
    assert run(made, MAIL, "--account", "other", "-").returncode == 75


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 1000])
def test_no_content_is_refused(made: Made, content: bytes) -> None:
    assert run(made, content, "-").returncode == 0
    assert count(made)["cases"] == 1


@pytest.mark.parametrize("point", ["after-attempt", "in-reader", "before-intake-commit", "after-intake-commit"])
def test_killed_at_any_moment_a_mail_that_is_offered_again_is_one_case_with_one_receipt(made: Made, point: str) -> None:
    command = [sys.executable, "-m", "meldpost", "ingest", "--config", str(made.config), "-"]
    surroundings = {**os.environ, "PYTHONPATH": str(TOP), "MELDPOST_FAULT": f"{point}=kill"}
    killed = subprocess.run(
        command, input=MAIL, capture_output=True, env=surroundings, timeout=120, check=False, start_new_session=True
    )
    assert killed.returncode == -signal.SIGKILL
    assert run(made, MAIL, "-").returncode == 0
    assert count(made) == {"cases": 1, "messages": 1, "attempts": 1, "receipts": 1, "held": 0}


def test_killed_twice_in_the_reader_a_mail_is_kept_whole_when_it_is_offered_again(made: Made) -> None:
    """mail-cases 40, 55"""
    command = [sys.executable, "-m", "meldpost", "ingest", "--config", str(made.config), "-"]
    surroundings = {**os.environ, "PYTHONPATH": str(TOP), "MELDPOST_FAULT": "in-reader=kill"}
    for _ in range(2):
        killed = subprocess.run(
            command, input=MAIL, capture_output=True, env=surroundings, timeout=120, check=False, start_new_session=True
        )
        assert killed.returncode == -signal.SIGKILL
    assert run(made, MAIL, "-").returncode == 0
    database = open_database(load(made.config).database.url)
    with database.read() as session:
        assert session.scalars(select(Message.state)).all() == ["unreadable"]
    database.close()


@pytest.mark.parametrize(
    ("content", "environ", "sender", "kept"),
    [
        (b"From a@b.example Mon Mar  2 08:00:00 2026\nSubject: x\n", {}, "a@b.example", b"Subject: x\n"),
        (b"From MAILER-DAEMON Mon Mar  2 08:00:00 2026\r\nSubject: x\r\n", {}, "", b"Subject: x\r\n"),
        (b"From a@b.example\nSubject: x\n", {"SENDER": "c@d.example"}, "a@b.example", b"Subject: x\n"),
        (b"From: a@b.example\n\nx", {"SENDER": "c@d.example"}, "c@d.example", b"From: a@b.example\n\nx"),
        (b"From: a@b.example\n\nx", {"SENDER": "MAILER-DAEMON"}, "", b"From: a@b.example\n\nx"),
        (b"From : a@b.example\n\nx", {}, None, b"From : a@b.example\n\nx"),
        (b"Subject: x\n\n\nFrom a@b.example Mon Mar  2 08:00:00 2026\n>From\n", {}, None, None),
    ],
)
def test_the_line_before_a_mail_is_its_envelope_and_the_rest_is_one_mail(
    content: bytes, environ: dict[str, str], sender: str | None, kept: bytes | None
) -> None:
    raw, envelope = receive(io.BytesIO(content), environ)
    with raw:
        assert b"".join(raw.chunks()) == (content if kept is None else kept)
    assert envelope.sender == sender
