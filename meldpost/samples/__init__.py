"""The demo's sample mails: written for it, in several languages; all persons and organisations in them are made up.

They were sent on a day in March 2026; the demo shifts that day to now, so that they are fresh mail.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime, parsedate_to_datetime
from importlib.resources import files

_LAST = datetime.fromisoformat("2026-03-02T09:40:00+01:00")


@dataclass(frozen=True)
class Sample:
    """One mail. `answered`: its sender may have a receipt; `held`: it waits for a person's word. `answers`: the mail is
    sent as a reply to that mail's receipt."""

    file: str
    answered: bool
    held: bool
    answers: str | None
    mail: bytes

    @property
    def message_id(self) -> str | None:
        return message_from_bytes(self.mail)["Message-ID"]


def samples() -> tuple[Sample, ...]:
    """All of them, in the order in which they are sent."""
    folder = files("meldpost.samples")
    listed = tomllib.loads(folder.joinpath("samples.toml").read_text(encoding="utf-8"))["mail"]
    return tuple(
        Sample(
            entry["file"],
            entry["answered"],
            entry.get("held", False),
            entry.get("answers"),
            folder.joinpath(entry["file"]).read_bytes(),
        )
        for entry in listed
    )


def as_of(mail: bytes, now: datetime) -> bytes:
    """The mail as if that day in March were today. Nothing but its Date changes."""

    def shift(value: str) -> str:
        return format_datetime(parsedate_to_datetime(value) + _whole_seconds(now - _LAST))

    return _with_field(mail, b"Date", shift)


def as_reply(mail: bytes, receipt: Message) -> bytes:
    """The mail as a reply to this receipt, as a mail program makes it (RFC 5322 §3.6.4)."""
    to = str(receipt["Reply-To"] or receipt["From"])
    known = " ".join(f"{receipt.get('References', '')} {receipt['Message-ID']}".split())
    fields = f"In-Reply-To: {receipt['Message-ID']}\r\nReferences: {known}\r\n".encode()
    return fields + _with_field(mail, b"To", lambda _: to)


def _with_field(mail: bytes, name: bytes, change: Callable[[str], str]) -> bytes:
    """Only this line is rewritten: the others stay byte for byte, the broken ones too."""
    head, separator, body = mail.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    for number, line in enumerate(lines):
        if line.lower().startswith(name.lower() + b":"):
            value = line.partition(b":")[2].strip().decode()
            lines[number] = name + b": " + change(value).encode()
            break
    return b"\r\n".join(lines) + separator + body


def _whole_seconds(span: timedelta) -> timedelta:
    return timedelta(seconds=int(span.total_seconds()))
