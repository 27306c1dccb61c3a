"""What a reader does between its isolation and its end: read one mail, answer, go. Runs in a nursery's child."""

from __future__ import annotations

from ingest.charsets import load_all_codecs
from ingest.errors import CannotParse
from ingest.frames import send_mail, send_refusal
from ingest.mail import ParseLimits
from ingest.nursery_parent import Job
from ingest.parse import parse, parse_bytes
from ingest.raw import read_range

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


def prepare(_: str | None) -> None:
    load_all_codecs()
    send_mail(parse_bytes(_WARM_UP), len)


def serve(job: Job) -> None:
    if job.descriptor is None:
        raise ValueError("a reader needs a mail")
    try:
        mail = parse(read_range(job.descriptor, 0, job.size), ParseLimits())
    except CannotParse:
        send_refusal(job.reply.sendall)
        return
    send_mail(mail, job.reply.sendall)
