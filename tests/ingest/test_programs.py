"""A file that a computer would run is told from a letter, in an archive and out of it (mail-cases 57, 61)."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import pytest

from ingest.attachments.reading import read_files
from ingest.attachments.task import Budget
from ingest.mail import Finding, ParsedAttachment
from ingest.parse import parse_bytes
from tests.ingest import made_files as made
from tests.ingest.answers import with_files


def _file(data: bytes, name: str = "brief.pdf", content_type: str = "application/octet-stream") -> ParsedAttachment:
    mail = parse_bytes(made.mail((name, content_type, data)))
    return with_files(mail, read_files(mail, Budget.of(60), None)).attachments[0]


def _archive_with_zeros(size: int, name: str, more: dict[str, str] | None = None) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in (more or {}).items():
            archive.writestr(other, content)
        with archive.open(name, "w") as member:
            for _ in range(size // 1_000_000):
                member.write(bytes(1_000_000))
    return held.getvalue()


def test_an_archive_that_would_unpack_to_too_much_says_so_though_it_is_not_unpacked_here() -> None:
    """mail-cases 57"""
    bomb = _archive_with_zeros(400_000_000, "b.bin")
    tracemalloc.start()
    try:
        found = _file(bomb, "b.zip", "application/zip")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert found.findings == (Finding.BOUNDS,)
    assert found.text == "b.bin"


def test_a_document_with_a_bomb_beside_its_words_is_read_and_says_so() -> None:
    """mail-cases 57"""
    with zipfile.ZipFile(io.BytesIO(made.docx("Geachte heer"))) as document:
        members = {name: document.read(name).decode() for name in document.namelist()}
    found = _file(_archive_with_zeros(300_000_000, "word/media/x.bin", members), "brief.docx")
    assert found.findings == (Finding.BOUNDS,)
    assert found.text == "Geachte heer"


def test_an_archive_of_many_members_that_are_too_much_together_says_so() -> None:
    """mail-cases 57"""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(200):
            archive.writestr(f"{number}.txt", (b"%06d" % number) * 150_000)
    assert _file(held.getvalue(), "b.zip").findings == (Finding.BOUNDS,)


def test_an_archive_of_ordinary_files_is_none_of_that() -> None:
    data = made.archive({"logboek.txt": "regel\n" * 100_000, "foto.jpg": bytes(range(256)) * 100})
    assert _file(data, "b.zip").findings == ()


@pytest.mark.parametrize("name", ["setup.exe", "map/Factuur.PDF.js", "a.scr", "brief.lnk", "x.hta", "y.ps1"])
def test_an_archive_with_a_program_in_it_says_so(name: str) -> None:
    """mail-cases 57"""
    assert _file(made.archive({"lees mij.txt": "x", name: "x"}), "b.zip").findings == (Finding.PROGRAM,)


@pytest.mark.parametrize("name", ["brief.docm", "map/cijfers.XLSM", "x.pptm"])
def test_an_archive_with_a_document_that_may_hold_macros_says_so(name: str) -> None:
    """mail-cases 57"""
    assert _file(made.archive({name: "x"}), "b.zip").findings == (Finding.MACROS,)


@pytest.mark.parametrize(
    "data",
    [b"MZ\x90\x00" + bytes(500), b"\x7fELF\x02\x01\x01" + bytes(500), b"#!/bin/sh\nrm -r ~\n"],
    ids=["windows", "linux", "script"],
)
def test_a_program_is_one_whatever_it_is_called(data: bytes) -> None:
    """mail-cases 57"""
    found = _file(data, "brief.pdf", "application/pdf")
    assert Finding.PROGRAM in found.findings


def test_a_script_says_so_by_its_name() -> None:
    found = _file(b"WScript.Echo 1", "factuur.vbs", "text/plain")
    assert (found.findings, found.text) == ((Finding.PROGRAM,), "WScript.Echo 1")


@pytest.mark.parametrize("data", [b"MZ is hoe zij tekent.\n", b"#! zo begint mijn brief\n"])
def test_words_that_begin_like_a_program_are_words(data: bytes) -> None:
    assert Finding.PROGRAM not in _file(data, "brief.txt", "text/plain").findings


def test_a_pdf_with_a_script_in_it_says_so() -> None:
    """mail-cases 57"""
    found = _file(made.pdf("Geachte heer", more=b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"))
    assert (found.findings, found.text) == ((Finding.MACROS,), "Geachte heer")


def test_a_pdf_that_starts_a_program_says_so() -> None:
    """mail-cases 57"""
    found = _file(made.pdf("Geachte heer", more=b"/OpenAction << /S /Launch /F (cmd.exe) >>"))
    assert (found.findings, found.text) == ((Finding.PROGRAM,), "Geachte heer")


def test_a_pdf_with_a_program_attached_to_it_says_so() -> None:
    """mail-cases 57"""
    spec = b"<< /Type /Filespec /F (setup.exe) /UF (setup.exe) /EF << /F 9 0 R >> >>"
    found = _file(made.pdf("Geachte heer", more=b"/Names << /EmbeddedFiles << /Names [(setup.exe) %b] >> >>" % spec))
    assert (found.findings, found.text) == ((Finding.PROGRAM,), "Geachte heer")
