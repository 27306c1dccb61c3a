"""Coverage-guided fuzzing of the reading of files: what lies in a mail as a file is the fuzzer's, byte for byte.

In a mail of `fuzz.parse` a file is base64, through which a fuzzer hardly finds its way. `make fuzz TARGET=files` runs
this one, from the seeds in fuzz/corpus-files.
"""

from __future__ import annotations

import base64
import sys

import atheris

with atheris.instrument_imports(include=["ingest", "email", "zipfile", "olefile", "oxmsg", "inscriptis", "icalendar"]):
    from ingest.charsets import load_all_codecs
    from tests.ingest.fuzz import read_whole

_HEAD = (
    b"From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nZie bijlage.\n--x\n"
    b"Content-Type: application/octet-stream; name=a.html\nContent-Transfer-Encoding: base64\n\n"
)


def one_file(data: bytes) -> None:
    """The file goes the whole way: told apart by its first bytes (without any it is HTML), read, sent, and believed."""
    mail = read_whole(_HEAD + base64.encodebytes(data) + b"--x--\n")
    assert mail is not None
    assert b"".join(mail.attachments[0].chunks()) == data


if __name__ == "__main__":
    load_all_codecs()
    atheris.Setup(sys.argv, one_file)
    atheris.Fuzz()
