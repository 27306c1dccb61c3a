import io
import mailbox
from contextlib import closing
from pathlib import Path

import pytest

from ingest.attachments.reading import read_files
from ingest.attachments.task import Budget
from ingest.parse import parse_bytes
from ingest.sources.files import CannotRead, mails
from meldpost.mail_files import find
from tests.ingest import made_files as made
from tests.ingest.answers import with_files

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
    assert contents(path) == [ONE, TWO]


def test_every_mail_of_an_mbox_comes_out_as_it_went_in_the_last_one_too(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    went_in = [ONE, TWO, b"Subject: no body\n\n", b"Subject: ends with empty lines\n\nx\n\n\n"]
    with closing(mailbox.mbox(path)) as box:
        for content in went_in:
            box.add(content)
    assert contents(path) == [content.replace(b"\nFrom here", b"\n>From here") for content in went_in]


def test_an_mbox_with_windows_line_ends_and_a_byte_order_mark_is_one(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    written = (SEPARATOR + ONE + b"\n" + SEPARATOR + TWO + b"\n").replace(b"\n", b"\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + written)
    assert contents(path) == [ONE.replace(b"\n", b"\r\n"), TWO.replace(b"\n", b"\r\n")]


def test_where_a_mail_of_an_mbox_says_how_long_it_is_what_looks_like_a_separator_is_none(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    body = b"I forward their mails.\n\n" + SEPARATOR + b"Subject: inner\n\nx\n"
    inner = b"Subject: outer\nContent-Length: %d\n\n" % len(body) + body
    lies = b"Subject: lies\nContent-Length: 9999\n\ny\n"
    path.write_bytes(SEPARATOR + inner + b"\n" + SEPARATOR + lies + b"\n" + SEPARATOR + inner + SEPARATOR + inner)
    assert contents(path) == [inner, lies, inner, inner]


def test_an_empty_file_is_a_mail_without_content(tmp_path: Path) -> None:
    (tmp_path / "empty.eml").touch()
    assert contents(tmp_path / "empty.eml") == [b""]


def test_a_separator_alone_is_a_mail_without_content(tmp_path: Path) -> None:
    (tmp_path / "mbox").write_bytes(SEPARATOR)
    assert contents(tmp_path / "mbox") == [b""]


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


def test_a_mail_that_windows_kept_with_a_byte_order_mark_has_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bom.eml"
    path.write_bytes(b"\xef\xbb\xbfFrom: a@x.example\r\nSubject: x\r\n\r\nhello\r\n")
    (content,) = contents(path)
    assert content == path.read_bytes()
    parsed = parse_bytes(content)
    assert (parsed.subject, parsed.text.strip()) == ("x", "hello")
    assert parsed.from_ is not None
    assert parsed.from_.address == "a@x.example"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bericht.MSG", made.msg("Melding", "Ik meld iets.", "Ann")),
        ("winmail.dat", made.tnef(b"Ik meld iets.")),
    ],
)
def test_a_message_of_outlooks_is_a_mail_with_its_words(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "cijfers.xls").write_bytes(made.ole({"Workbook": b"x"}))
    found = find([tmp_path])
    assert ([path.name for path in found.paths], found.count) == ([name], 1)
    assert [path.name for path in found.skipped] == ["cijfers.xls"]
    (content,) = contents(*found.paths)
    mail = parse_bytes(content)
    assert b"".join(mail.attachments[0].chunks()) == data
    whole = with_files(mail, read_files(mail, Budget.of(60), None))
    assert whole.own_text.strip() == "Ik meld iets."


def test_a_large_message_of_outlooks_comes_through_whole(tmp_path: Path) -> None:
    data = made.tnef(b"x") + bytes(range(256)) * 1000
    (tmp_path / "a").write_bytes(data)
    mail = parse_bytes(contents(tmp_path)[0])
    assert b"".join(mail.attachments[0].chunks()) == data


def test_a_message_of_outlooks_in_a_mail_of_somebody_is_not_what_they_say() -> None:
    mail = parse_bytes(
        made.mail(("a.msg", "application/vnd.ms-outlook", made.msg("x", "Ik meld iets.", "Ann")), text="")
    )
    assert with_files(mail, read_files(mail, Budget.of(60), None)).own_text.strip() == ""
