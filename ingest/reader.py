"""What a reader does between its isolation and its end: read one mail, answer, go. Runs in a nursery's child."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from ingest.attachments import recognition
from ingest.attachments.reading import Body, awaiting, read_files
from ingest.attachments.task import Budget, Recogniser
from ingest.attachments.warm_up import warm_up
from ingest.charsets import load_all_codecs
from ingest.errors import CannotParse
from ingest.frames import send_body, send_end, send_file, send_mail, send_refusal
from ingest.mail import ParseLimits
from ingest.nursery_parent import Job
from ingest.parse import parse, parse_bytes
from ingest.raw import read_range

_FILE_SECONDS = 15.0

# Takes every way through the parser once, in the parent: what a library imports late is there before the files go.
_WARM_UP = b"""\
From: =?utf-8?q?J=C3=B6rg?= <a@example.org>
To: b@example.org
Date: Thu, 01 Jan 2026 12:00:00 +0100
Message-ID: <1@example.org>
Subject: =?iso-8859-1?B?4g==?=
Content-Type: multipart/report; boundary=a; report-type=delivery-status

--a
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><body><table><tr><td><p>=C3=A9 &euro;</p></td></tr></table><ul><li>a</li></ul><pre>b</pre></body></html>
--a
Content-Type: message/delivery-status

Reporting-MTA: dns; example.org

Final-Recipient: rfc822; c@example.org
Action: failed
--a
Content-Type: application/pdf; name*=utf-8''%C3%A9.pdf
Content-Transfer-Encoding: base64

AAAA
--a
Content-Type: text/calendar
Content-Transfer-Encoding: x-uuencode

begin 644 a
#0V%T
`
end
--a--
"""


@dataclass(frozen=True)
class Tools:
    """What readers have at hand. `file_seconds`: how long they may be busy with the files of one mail."""

    file_seconds: float
    recogniser: Recogniser | None


def prepare(argument: str | None) -> Tools:
    """`argument` is JSON: file_seconds, languages, tessdata (readers.py); None reads no letters off pictures."""
    wanted = json.loads(argument or "{}")
    load_all_codecs()
    folder = wanted.get("tessdata")
    languages = wanted.get("languages", ())
    tools = Tools(
        wanted.get("file_seconds", _FILE_SECONDS),
        recognition.load(Path(folder) if folder else None, languages) if languages else None,
    )
    send_mail(parse_bytes(_WARM_UP), len)
    warm_up(tools.recogniser)
    return tools


def serve(job: Job) -> None:
    tools = job.state
    if job.descriptor is None or not isinstance(tools, Tools):
        raise ValueError("a reader needs a mail")
    send = job.reply.sendall
    budget = Budget.of(tools.file_seconds)
    piece = partial(_piece, job.descriptor, job.size)
    try:
        mail = parse(piece(0, None), ParseLimits(), piece)
    except CannotParse:
        send_refusal(send)
        return
    if not mail.attachments:
        send_mail(mail, send)
        return
    send_mail(awaiting(mail), send, files_follow=True)
    known = len(mail.attachments)
    for said in read_files(mail, budget, tools.recogniser):
        if isinstance(said, Body):
            send_body(asdict(said), send)
            continue
        send_file(said.place, said.file, send, is_new=said.place == known)
        known += said.place == known
    send_end(send)


def _piece(descriptor: int, whole: int, start: int, size: int | None) -> Iterator[bytes]:
    return read_range(descriptor, start, whole - start if size is None else size)
