"""May there be more in a mail's files than anybody here read? Pure."""

from __future__ import annotations

from ingest.mail import Finding, ParsedAttachment, ParsedMail

ARCHIVE = "application/zip"
"""What was found to be a ZIP that is no document: its text is the list of what lies in it."""

_UNREAD = frozenset(
    {
        *(Finding.ENCRYPTED, Finding.BROKEN, Finding.BOUNDS, Finding.CUT, Finding.NO_TIME),
        *(Finding.UNSUPPORTED, Finding.NO_TEXT),
    }
)
_LOGO_BYTES = 30_000


def has_unread_files(mail: ParsedMail) -> bool:
    """Is there a file that nobody could read, or not all of it? A logo among the text is none."""
    return any(_is_unread(file) for file in mail.attachments)


def is_list_of_names(file: ParsedAttachment) -> bool:
    return file.found_type == ARCHIVE


def _is_unread(file: ParsedAttachment) -> bool:
    return not _is_logo(file) and (is_list_of_names(file) or not _UNREAD.isdisjoint(file.findings))


def _is_logo(file: ParsedAttachment) -> bool:
    return file.inline and file.content_type.startswith("image/") and file.size < _LOGO_BYTES
