"""Mails with checkpoints of the audit trail, to an address outside.

They go past the outbox: each mail that goes through it leaves rows on the trail, which would ask for a next checkpoint.
Whether one of them was taken twice matters to nobody.
"""

from base64 import encodebytes
from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex

from access.credentials import Credential
from config.addresses import domain_to_ascii
from config.settings import DeskSettings, SmtpSettings
from notify.addressing import rfc5322_date
from notify.mime import GENERATED
from notify.smtp import Connection, Letter, Watchdog
from store.checkpoints import Kept


def send(
    smtp: SmtpSettings,
    credential: Credential | None,
    desk: DeskSettings,
    to: str,
    kept: Sequence[Kept],
    now: datetime,
) -> None:
    """Hand one mail with these checkpoints over. Raises SmtpError."""
    with Watchdog(smtp.transaction_seconds) as watchdog:
        connection = Connection.open(smtp, credential, watchdog)
        try:
            # from the null reverse-path: a bounce would be mail to the desk
            connection.hand_over(Letter("", domain_to_ascii(to), mail(desk, to, kept, now)), watchdog, lambda: True)
        finally:
            connection.close()


def mail(desk: DeskSettings, to: str, kept: Sequence[Kept], now: datetime) -> bytes:
    """The mail: one file, to be put under those that came before."""
    sender = domain_to_ascii(desk.address)
    first, last = kept[0].number, kept[-1].number
    numbers = f"{first}" if first == last else f"{first}-{last}"
    head = (
        f"Date: {rfc5322_date(now)}",
        f"From: {sender}",
        f"To: {domain_to_ascii(to)}",
        f"Subject: Checkpoint {numbers}",
        f"Message-ID: <{token_hex(16)}@{sender.rpartition('@')[2]}>",
        f"Auto-Submitted: {GENERATED}",
        f"X-Loop: {sender}",
        "MIME-Version: 1.0",
        'Content-Type: application/octet-stream; name="checkpoints.jsonl"',
        f'Content-Disposition: attachment; filename="checkpoints-{numbers}.jsonl"',
        "Content-Transfer-Encoding: base64",
    )
    content = b"".join(each.line + b"\n" for each in kept)
    body = encodebytes(content).decode().replace("\n", "\r\n")
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()
