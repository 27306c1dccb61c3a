"""What the doctor says of each way by which mail comes in."""

import socket
import threading
from pathlib import Path

import pytest
from imapclient import IMAPClient

from config.settings import LmtpSettings, MaildirSettings
from meldpost import ways_examined
from meldpost.doctor import examine
from meldpost.findings import Finding, Verdict
from meldpost.init import initialise
from meldpost.postoffice import HOST, PostOffice
from tests.meldpost.plans import MAILBOX, plan_in


def maildir(path: Path, **more: object) -> dict[str, Finding]:
    settings = MaildirSettings.model_validate({"kind": "maildir", "desk": "d", "path": path, **more})
    return {finding.what: finding for finding in ways_examined.maildir("box", settings)}


def test_of_a_maildir_it_says_what_waits_and_what_lies_there_readable(tmp_path: Path) -> None:
    """mail-cases 35, 36"""
    for where in ("new", "cur", "tmp", ".Verwerkt/new", ".Verwerkt/cur"):
        (tmp_path / where).mkdir(parents=True)
    for path in ("new/1", "cur/2:2,S", ".Verwerkt/cur/3:2,"):
        (tmp_path / path).write_bytes(b"From: a@b.example\n\n")
    before = sorted(tmp_path.rglob("*"))
    found = maildir(tmp_path)
    assert found["mailbox box"] == Finding("mailbox box", Verdict.FINE, "Maildir, waiting to be taken in: 2")
    assert found["readable mails of box"].text == "1 lie in .Verwerkt; each is removed after 7 days"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_maildir_that_is_not_there_or_cannot_be_changed_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "check path and `folders`" in maildir(tmp_path)["mailbox box"].text
    assert "not there: INBOX, Junk;" in maildir(tmp_path, folders=["", "Junk"])["mailbox box"].text
    for where in ("new", "cur"):
        (tmp_path / where).mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may do everything
    found = maildir(tmp_path)["mailbox box"]
    assert (found.verdict, "cannot be moved away" in found.text) == (Verdict.WRONG, True)


def test_where_nobody_takes_lmtp_it_says_so(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    for where in (f"{HOST}:{port}", str(tmp_path / "lmtp")):
        found = ways_examined.lmtp("box", LmtpSettings(listen=where))
        assert (found.verdict, "Does `meldpost run` run?" in found.text) == (Verdict.WRONG, True)


def test_where_lmtp_is_answered_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"

    def answer(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line, line.makefile("rb") as commands:
            line.sendall(b"220 x\r\n")
            for command in commands:
                line.sendall(b"221 2.0.0 Bye\r\n" if command.startswith(b"QUIT") else b"250 2.0.0 OK\r\n")
                if command.startswith(b"QUIT"):
                    return

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        answering = threading.Thread(target=answer, args=(listener,))
        answering.start()
        found = ways_examined.lmtp("box", LmtpSettings(listen=str(path)))
        answering.join(10)
    assert found.verdict is Verdict.FINE


def test_a_junk_folder_that_nobody_looks_into_is_told_of(tmp_path: Path) -> None:
    with PostOffice(imap_port=0, smtp_port=0) as post:
        post.open_mailbox("desk@demo.example")
        with IMAPClient(HOST, post.imap_port, ssl=False) as client:
            client.login("desk@demo.example", post.password)
            if not client.folder_exists("Junk"):
                client.create_folder("Junk")
        box = {**MAILBOX, "port": post.imap_port, "security": "plain"}
        smtp = {"host": HOST, "port": post.smtp_port, "security": "plain"}
        for folders, told in ((["INBOX"], True), (["INBOX", "Junk"], False)):
            plan = plan_in(
                tmp_path / str(told), post.password, mailboxes={"box": {**box, "folders": folders}}, smtp=smtp
            )
            found = {finding.what: finding for finding in examine(initialise(plan).config)}
            assert ("junk of box" in found) is told
        assert found["mailbox box"].verdict is Verdict.FINE
