"""A mail that was taken in before is read again: by the same reader and the same understanding, and answered by nobody.

A reader that died or hung cost one mail its understanding; after an update a person may have it tried once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.authentication import authenticate
from ingest.automatic import Own, inside, judge
from ingest.errors import UnderstandingFailed
from ingest.intake import Reader, Understander
from ingest.mail import ParsedMail
from ingest.message import SEEN_BEFORE, mail_text, read_message
from ingest.outgoing import noteworthy
from ingest.protection.opening import Opening
from ingest.raw import RawMail
from ingest.reading import read_mail
from ingest.scanning import Scanner
from store.intake import NewMessage
from triage import Report


@dataclass(frozen=True)
class Anew:
    """What a mail says now. `report` is None where it could not be understood."""

    mail: ParsedMail = field(repr=False)
    report: Report | None = field(repr=False)


def read_again(
    raw: RawMail, readers: Reader, understanders: Understander, opening: Opening, scanner: Scanner | None
) -> Anew:
    """Raises ReadError for this mail, NurseryGone when none can be read."""
    mail = read_mail(readers, raw, opening, scanner)
    try:
        return Anew(mail, understanders.understand(mail_text(mail)))
    except UnderstandingFailed:
        return Anew(mail, None)


def message_anew(
    raw: RawMail, anew: Anew, own: Own, authserv_id: str, received_at: datetime, before: Mapping[str, Any]
) -> NewMessage:
    """The message as it stands now. When it came, and what was decided when it came in, stays as it was.

    `before` is its content until now, `authserv_id` the name of the server whose word on the sender counts.
    """
    sender = anew.mail.from_.address if anew.mail.from_ else None
    authentication = authenticate(anew.mail.headers, authserv_id, sender)
    seen = [flag for flag in before.get("flags") or () if flag == SEEN_BEFORE]
    return read_message(
        raw,
        anew.mail,
        anew.report,
        judge(anew.mail.headers, sender, own, inside(anew.mail)),
        received_at,
        authentication=authentication,
        flags=[*seen, *noteworthy(anew.mail, authentication)],
        decided=before.get("intake") or {},
    )
