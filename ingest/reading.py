"""Reading one mail, whoever asks: the daemon that takes it in, or a member who has it read again."""

from ingest.mail import ParsedMail
from ingest.protection.opening import Opening, Reader, open_mail
from ingest.raw import RawMail


def read_mail(readers: Reader, raw: RawMail, opening: Opening) -> ParsedMail:
    """One try at all that a mail says, what is encrypted in it opened where `opening` has a key for it.

    Raises ReadError for this mail, NurseryGone when none can be read.
    """
    return open_mail(readers.read(raw), raw, readers, opening)
