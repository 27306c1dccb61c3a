"""Reading one mail, whoever asks: the daemon that takes it in, or a member who has it read again."""

from ingest.intake import Reader
from ingest.mail import ParsedMail
from ingest.raw import RawMail


def read_mail(readers: Reader, raw: RawMail) -> ParsedMail:
    """One try at all that a mail says. Raises ReadError for this mail, NurseryGone when none can be read."""
    return readers.read(raw)
