"""Nothing readable rests: not on disk, not in the logs, not for whoever holds what the daemon holds.

The mails of this test are full of odd words. The daemon, its workers and readers and the desk run under strace; every
byte that they write to a file is searched for those words in many shapes, and so is every file they leave behind.
"""

import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.error import HTTPError

import pytest

from store.casework import view_case
from tests.system.deskclient import DeskClient
from tests.system.installation import DESK, LOGIN, PASSPHRASE, Installation, letter
from tests.system.marks import Marks
from tests.system.traces import Call, calls, strace

MARKS = Marks(
    (
        "Kwartelzandstraat",  # where the reporter lives
        "Zwaluwenberg",  # who it is about
        "Ooievaarsnest",  # the subject
        "Griezelpudding",  # the text
        "Vlinderstichting",  # the HTML
        "Mosselbankje",  # a file's name
        "Duizendguldenkruid",  # a file's content
        "Bernagie",  # the reporter's name
        "lepelblad-tester",  # the reporter's address
        "0687654329",
    )
)
MAILS = 3
_WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg")
_NAMES = ("openat", "open", "creat", "rename", "renameat", "renameat2", "unlink", "unlinkat")
_UNSEEN = ("copy_file_range", "sendfile", "splice")
_NO_FILES = ("socket:", "pipe:", "UNIX", "TCP", "anon_inode:", "/memfd:", "/dev/null", "/proc/", "/dev/pts", "NETLINK")


@dataclass(frozen=True)
class Observed:
    """One run of everything, with all that it left."""

    installation: Installation
    trace: Path
    logs: str


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory, dovecot, exim):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("observed")
    installation = Installation(folder / "meldpost", dovecot, exim)
    installation.set_up(web={"port": 0})
    try:
        yield _run_everything(installation, folder / "trace")
    finally:
        installation.stop()


def test_no_word_of_a_mail_is_written_to_any_file(observed: Observed, figures: list[str]) -> None:
    written: Counter[str] = Counter()
    for call in calls(observed.trace):
        if call.name in _NAMES:
            assert not _found(call), f"{call.name} of a path that holds {_found(call)}"
        if not _is_to_a_file(call):
            continue
        assert call.name not in _UNSEEN, f"{call.name} to {call.path}: its bytes cannot be seen"
        assert not call.cut, f"{call.name} to {call.path}: strace did not print all of its bytes"
        if call.name in _WRITES:
            written[call.path] += sum(map(len, call.strings))
            assert not _found(call), f"{call.path} was written with {_found(call)}"
    database = str(observed.installation.database)
    assert written[f"{database}-wal"] > 0, f"the trace is blind: {written}"
    assert written[database] > 0
    figures.append(f"strace: {sum(written.values())} bytes to {len(written)} files searched: {_names(written)}")


def test_every_file_that_was_opened_for_writing_is_there_without_a_word_or_gone(observed: Observed) -> None:
    for path in _opened_for_writing(observed.trace):
        if path.is_file():
            assert MARKS.found_in(path.read_bytes()) == [], path


def test_no_file_of_the_installation_holds_a_word(observed: Observed) -> None:
    files = [path for path in observed.installation.folder.rglob("*") if path.is_file()]
    assert observed.installation.database in files
    for path in files:
        assert MARKS.found_in(path.read_bytes()) == [], path


def test_the_search_would_find_the_same_words_if_they_were_not_sealed(observed: Observed) -> None:
    with observed.installation.opened() as (session, ring):
        cases = observed.installation.rows("select id from case_file")
        content = "".join(str(view_case(session, ring, case_id, datetime.now(UTC))) for (case_id,) in cases)
    for shape in (content.encode(), zlib.compress(content.encode()), content.encode("utf-16")):
        assert len({word.split(" ")[0] for word in MARKS.found_in(shape)}) >= 6


def test_no_log_line_at_any_level_holds_a_name_an_address_a_subject_or_a_text(observed: Observed) -> None:
    assert "ingest.take_in: desk: uid 1: case" in observed.logs
    assert MARKS.found_in(observed.logs.encode()) == []
    for address in (observed.installation.reporter("lepelblad-tester"), observed.installation.coordinator):
        assert address not in observed.logs


def _run_everything(installation: Installation, trace: Path) -> Observed:
    for number in range(MAILS):
        installation.send(_marked_mail(installation, number), sender=installation.reporter("lepelblad-tester"))
    installation.send(_broken_mail(), sender=installation.reporter("lepelblad-tester"))
    installation.wait_in(MAILS + 1)
    daemon = installation.start(once=True, wrapper=strace(trace), debug=True)
    assert daemon.wait(240) == 0, daemon.text()
    installation.wait_taken(MAILS + 1)
    desk_trace = trace.with_name("desk-trace")
    desk = installation.start_desk(wrapper=strace(desk_trace), debug=True)
    _work_at(DeskClient(installation.desk_port))
    desk.stop()
    with trace.open("ab") as whole:
        whole.write(desk_trace.read_bytes())
    return Observed(installation, trace, installation.log())


def _marked_mail(installation: Installation, number: int) -> EmailMessage:
    text = (
        "Goedemorgen,\n\nIk meld dat Karel Zwaluwenberg, hoofd inkoop, mij heeft bedreigd met een Griezelpudding.\n\n"
        f"Anna Bernagie\nKwartelzandstraat 1{number}, 2511 AB Den Haag\ntel. 0687654329\n"
    )
    reporter = installation.reporter("lepelblad-tester")
    mail = letter(reporter, installation.address, subject="Ooievaarsnest", text=text, name="Anna Bernagie")
    mail.add_alternative(f"<p>{text}</p><p>Vlinderstichting</p>", subtype="html")
    mail.add_attachment(b"Duizendguldenkruid " * 9000, "application", "pdf", filename="Mosselbankje.pdf")
    mail.add_attachment(b"Duizendguldenkruid, short", "text", "plain", filename="Mosselbankje.txt")
    return mail


def _broken_mail() -> bytes:
    return b"From: Bernagie <\xff\xfe\r\nContent-Type: multipart/mixed; boundary=\r\n\r\nGriezelpudding\r\n--\r\n\0\0"


def _work_at(desk: DeskClient) -> None:
    """Everything that a coordinator does with a case."""
    desk.log_in(DESK, LOGIN, PASSPHRASE)
    for case in desk.cases():
        desk.post(f"{case}/identity", {"reason": "Griezelpudding, wie is dat?"}, seen_on=case)
        for link in desk.links(case, rf"{case}/[^\"]+"):
            _look_at(desk, link)
        for attachment in desk.links(case, rf"{case}/attachments/[0-9a-f]+"):
            desk.post(f"{attachment}/original", {}, seen_on=f"{attachment}/original")
        desk.post(f"{case}/notes", {"text": "Griezelpudding besproken met Zwaluwenberg"}, seen_on=case)


def _look_at(desk: DeskClient, link: str) -> None:
    """There is no copy of what is no PDF after all, and a page that says so."""
    try:
        desk.get(link)
    except HTTPError as answer:
        if answer.code != 404 or not link.endswith("/copy.pdf"):
            raise


def _found(call: Call) -> list[str]:
    return MARKS.found_in(b"".join(call.strings)) if call.strings else []


def _is_to_a_file(call: Call) -> bool:
    path = call.path
    return path.startswith("/") and not path.startswith(_NO_FILES) and call.name in (*_WRITES, *_UNSEEN)


def _opened_for_writing(trace: Path) -> set[Path]:
    opened = set()
    for call in calls(trace):
        writes = any(flag in call.arguments for flag in ("O_WRONLY", "O_RDWR", "O_CREAT")) or call.name == "creat"
        if call.name in ("openat", "open", "creat") and writes and call.strings:
            opened.add(Path(call.strings[0].decode(errors="replace")))
    return opened


def _names(written: Counter[str]) -> str:
    return ", ".join(sorted({Path(path).name for path in written}))
