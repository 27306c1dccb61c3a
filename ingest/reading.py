"""Reading one mail, whoever asks: the daemon that takes it in, or a member who has it read again."""

from ingest.mail import ParsedMail
from ingest.protection.opening import Opening, Reader, open_mail
from ingest.raw import RawMail
from ingest.scanning import Scanner, scanned


def read_mail(readers: Reader, raw: RawMail, opening: Opening, scanner: Scanner | None) -> ParsedMail:
    """One try at all that a mail says, what is encrypted in it opened where `opening` has a key for it,
    and all of it scanned where `scanner` is configured.

    Raises ReadError for this mail, NurseryGone when none can be read.
    """
    return scanned(open_mail(readers.read(raw), raw, readers, opening), raw, scanner)
