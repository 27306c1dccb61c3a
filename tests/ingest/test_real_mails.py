"""Real and torture mails of other projects, where they lie beside the project: none crashes or hangs a reader."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from config.settings import OcrSettings
from ingest.attachments.reading import read_files
from ingest.attachments.task import Budget
from ingest.errors import CannotParse, NotIsolated
from ingest.mail import ParsedMail
from ingest.parse import parse_bytes
from ingest.raw import RawMail
from ingest.readers import Readers
from tests.ingest.answers import with_files

SHARED = Path(os.environ.get("MELDPOST_SHARED") or Path(__file__).parents[3] / "shared")
MAILS = SHARED / "mime"
# 1,000 levels of multipart: beyond the depth that is taken apart, so kept whole for a person.
BEYOND_LIMITS = {"staktrace+mailparse/tests/files/nested.eml"}


def _paths() -> list[str]:
    manifest = MAILS / "MANIFEST.jsonl"
    if not manifest.is_file():
        pytest.skip("needs ../shared/mime, which is not part of the project")
    return [json.loads(line)["path"] for line in manifest.read_text(encoding="utf-8").splitlines()]


def test_every_mail_is_read_or_refused() -> None:
    refused = set()
    for path in _paths():
        try:
            mail = parse_bytes((MAILS / path).read_bytes())
        except CannotParse:
            refused.add(path)
            continue
        (mail.subject + mail.text + (mail.html or "")).encode("utf-8")
    assert refused == BEYOND_LIMITS


def test_a_reader_answers_what_the_parser_says() -> None:
    paths = _paths()
    try:
        readers = Readers(ocr=OcrSettings(languages=())).start()
    except NotIsolated as error:
        pytest.skip(str(error))
    with readers:
        for path in paths[::10]:
            data = (MAILS / path).read_bytes()
            with RawMail.from_bytes(data) as raw:
                mail = parse_bytes(data)
                expected = with_files(mail, read_files(mail, Budget.of(60), None))
                assert _comparable(readers.read(raw)) == _comparable(expected), path


def _comparable(mail: ParsedMail) -> dict[str, object]:
    files = [{**a.__dict__, "content": b"".join(a.chunks())} for a in mail.attachments]
    return {**mail.__dict__, "attachments": files}
