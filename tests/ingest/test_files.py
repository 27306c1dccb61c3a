import io
from pathlib import Path

import pytest

from ingest.sources.files import CannotRead, mails

ONE = b"From: a@x.example\nSubject: one\n\nFirst\nFrom here on it is text.\n\nlast line\n"
TWO = b"From: b@x.example\n\n>From quoted\n"
SEPARATOR = b"From a@x.example Mon Mar  2 08:00:00 2026\n"


def contents(*paths: Path) -> list[bytes]:
    found = []
    for mail in mails(paths):
        with mail.open() as raw:
            found.append(b"".join(raw.chunks()))
    return found


def test_a_file_is_one_mail_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(ONE.replace(b"\n", b"\r\n") + b"\x00\xff")
    assert contents(path) == [path.read_bytes()]


def test_an_mbox_is_taken_apart_at_its_separators_only(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(SEPARATOR + ONE + b"\n" + SEPARATOR + TWO + b"\n")
    assert contents(path) == [ONE, TWO + b"\n"]


def test_mails_of_an_mbox_that_nobody_opens_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes((SEPARATOR + ONE + b"\n") * 3 + SEPARATOR + TWO)
    assert len(list(mails([path]))) == 4


def test_a_maildir_gives_what_is_delivered(tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp", ".Sent/cur", ".Sent/new"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "cur" / "2:2,S").write_bytes(TWO)
    (tmp_path / "new" / "1").write_bytes(ONE)
    (tmp_path / "tmp" / "3").write_bytes(b"half")
    (tmp_path / ".Sent" / "cur" / "4").write_bytes(b"From: sent\n\n")
    (tmp_path / "dovecot.index").write_bytes(b"no mail")
    assert sorted(contents(tmp_path)) == sorted([ONE, TWO, b"From: sent\n\n"])


def test_folders_are_walked_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.eml").write_bytes(TWO)
    (tmp_path / "a.eml").write_bytes(ONE)
    assert contents(tmp_path) == [ONE, TWO]


def test_standard_input_is_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(ONE)

    monkeypatch.setattr("sys.stdin", Input)
    assert contents(Path("-")) == [ONE]


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="There is no"):
        contents(tmp_path / "nothing.eml")
