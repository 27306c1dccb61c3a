"""Mails as nobody should write them: mutations of real ones, and what a reader's answer to each must be.

`python -m tests.ingest.fuzz SECONDS PATH…` tries them for longer than a test may take.
"""

from __future__ import annotations

import random
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ingest.errors import CannotParse
from ingest.frames import send_mail
from ingest.mail import ParsedMail
from ingest.nursery_parent import Job
from ingest.parse import parse_bytes
from ingest.raw import RawMail
from ingest.reader import Tools, serve
from tests.ingest.answers import receive_mail

FINDS = Path(".fuzz")
"""Where `make fuzz` leaves its own, too."""
SLOW_SECONDS = 10
_LARGEST = 200_000
_SNIPPETS = (
    *(b"<", b">", b"<>", b'"', b"(", b")", b",", b";", b":", b"@", b"\\", b"=", b"%", b"*", b"\r", b"\n", b"\0", b"\t"),
    *(b"=?utf-8?b?A?=", b"=?utf-8?q?=?=", b"=?x?b?", b"=?utf-8?b?4oI=?=", b"=?utf-16?b?AAA?=", b"=?utf-7?q?+AAo-?="),
    *(b"<a<b>", b"<foo>bar>", b"a@b@c", b"a@evil.example, <b@good.example>", b"undisclosed-recipients:;", b"[", b"]"),
    *(b"\xff\xfe", b"\xc3\xa9", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xe2\x84\xaa", b"\x85", b"\xc2\xa0", b"\x1c"),
    *(b"name*0*=utf-8''%", b"name*=", b"filename*=x'y", b"boundary=", b"charset=idna", b"\n\n", b"\n ", b"--"),
    *(b"begin 644 a\nM\nM\nM\n", b"Content-Type: message/delivery-status\n\nAction: failed\n ", b"99999999999"),
    *(b"Content-Transfer-Encoding: x-uuencode\n", b"Content-Transfer-Encoding: base64\n", b"Content-Type: a/"),
)
_FIELDS = (
    *(b"From", b"To", b"Cc", b"Reply-To", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References"),
    *(b"Content-Type", b"Content-Disposition", b"Content-ID", b"Content-Transfer-Encoding", b"MIME-Version"),
)


def mutated(mail: bytes, chance: random.Random) -> bytes:
    """The mail with a few things done to it that bad programs and bad people do; mostly to its header."""
    data = bytearray(mail[:_LARGEST])
    for _ in range(chance.randint(1, 6)):
        end_of_header = data.find(b"\n\n") if b"\n\n" in data else data.find(b"\r\n\r\n")
        end = end_of_header if end_of_header > 0 and chance.random() < 0.7 else len(data)
        at = chance.randint(0, max(end, 0))
        match chance.randrange(6):
            case 0:
                data[at:at] = chance.choice(_SNIPPETS) * chance.choice((1, 1, 1, 2, 300))
            case 1:
                del data[at : at + chance.choice((1, 2, 10, 200))]
            case 2:
                data[at : at + 1] = bytes((chance.randrange(256),))
            case 3:
                value = b"".join(chance.choice(_SNIPPETS) for _ in range(chance.randint(1, 5)))
                data[0:0] = chance.choice(_FIELDS) + b": " + value.replace(b"\n\n", b"\n ") + b"\n"
            case 4:
                data[at:at] = data[chance.randint(0, len(data)) :][: chance.choice((5, 50, 2000))]
            case _:
                del data[at:]
    return bytes(data)


def filled(*texts: str) -> Counter[str]:
    """The lines that are not empty, and how often each is there."""
    return Counter(line for text in texts for line in text.split("\n") if line.strip())


def answered(mail: bytes) -> bool:
    """Send the mail the way that a reader's answer takes; False where it is refused as beyond the limits.

    Raises whatever goes wrong: an answer that the asking side does not believe costs the whole mail.
    """
    try:
        parsed = parse_bytes(mail)
    except CannotParse:
        return False
    assert filled(parsed.own_text, parsed.signature_text, parsed.quoted_text) == filled(parsed.text)
    sent = bytearray()
    send_mail(parsed, sent.extend)
    received = receive_mail(_from(sent), len(mail))
    assert received.headers == parsed.headers
    assert [b"".join(a.chunks()) for a in received.attachments] == [b"".join(a.chunks()) for a in parsed.attachments]
    return True


def read_whole(mail: bytes) -> ParsedMail | None:
    """What the asking side knows of a mail after all that a reader does, files too; None where it is refused.

    Raises whatever goes wrong, as `answered` does.
    """
    sent = bytearray()
    with RawMail.from_bytes(mail) as raw:
        serve(Job(cast("socket.socket", _Reply(sent)), raw.fd, raw.size, Tools(SLOW_SECONDS, None)))
    try:
        return receive_mail(_from(sent), len(mail))
    except CannotParse:
        return None


@dataclass
class _Reply:
    """The end of the line on which a reader answers."""

    sent: bytearray

    def sendall(self, data: bytes) -> None:
        self.sent += data


def _from(sent: bytearray) -> Callable[[int], bytes]:
    rest = memoryview(bytes(sent))

    def receive(size: int) -> bytes:
        nonlocal rest
        piece, rest = rest[:size], rest[size:]
        return bytes(piece)

    return receive


def _sources(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        yield from (each for each in path.rglob("*") if each.is_file()) if path.is_dir() else (path,)


def main(seconds: float, paths: list[Path]) -> int:
    mails = [each.read_bytes() for each in _sources(paths)]
    seed = random.randrange(1 << 32)
    chance, until, tried, found = random.Random(seed), time.monotonic() + seconds, 0, dict[str, bytes]()
    while time.monotonic() < until:
        mail = mutated(chance.choice(mails), chance)
        begun = time.monotonic()
        try:
            answered(mail)
            read_whole(mail)
        except Exception:  # noqa: BLE001 - that is what is looked for
            found.setdefault(traceback.format_exc(limit=-4), mail)
        if time.monotonic() - begun > SLOW_SECONDS:
            found.setdefault(f"slow: {time.monotonic() - begun:.0f} s", mail)
        tried += 1
    print(f"seed {seed}: {tried} mails, {len(found)} kinds of fault")
    FINDS.mkdir(exist_ok=True)
    for number, (trace, mail) in enumerate(found.items()):
        file = FINDS / f"mutated-{number}.eml"
        file.write_bytes(mail)
        print(f"{file}\n{trace}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), [Path(each) for each in sys.argv[2:]]))
