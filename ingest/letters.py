"""Which of a mail's files is the letter that the mail only carries: then its words are the reporter's own. Pure."""

from __future__ import annotations

import re

from ingest import signature
from ingest.mail import ParsedAttachment, ParsedMail
from ingest.unread import is_list_of_names

_FEW_WORDS = 60
"""A mail of fewer may be the envelope of a letter: "please find attached", with its greeting and its end."""
_PROSE_WORDS = 30
_LONG_LINE = 6  # words: lines of sentences have more, those of bills, forms and tables fewer
_MOSTLY = 0.5
_SHORTEST_NAME = 3
_WORD = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"[^\W\d_][^\d@:;!?]{1,60}")
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp", ".bmp")
_NO_LETTERS = (".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods", ".pptx", ".odp", ".zip", ".ics", ".json", ".xml")


def own_words(mail: ParsedMail) -> str:
    """What the reporter wrote, in the mail or in the letter that lies in it. The letter stands first: it greets, tells
    and is signed, and what the mail adds below reads as a line under it."""
    letter = "\n\n".join(file.text for file in _letter(mail))
    return "\n\n".join(filter(None, (letter, mail.words)))


def other_files(mail: ParsedMail) -> str:
    """The text of the files that are no such letter; of a report on a delivery not the mail that it gives back, of an
    archive not what its files are called."""
    letter = _letter(mail)
    others = (file for file in mail.attachments if file.text and file not in letter and not is_list_of_names(file))
    is_report = mail.delivery_report is not None
    return "\n\n".join(file.text for file in others if not (is_report and _is_anothers(file, mail)))


def _letter(mail: ParsedMail) -> tuple[ParsedAttachment, ...]:
    """The first file that reads like one; of pictures all that do, since each is a page."""
    words = len(mail.own_text.split())
    if words >= _FEW_WORDS or mail.delivery_report is not None:
        return ()
    found = [file for file in mail.attachments if _reads_like_a_letter(file) and not _is_anothers(file, mail)]
    found = [file for file in found if len(file.text.split()) > words and not _is_signed_by_another(file, mail)]
    if found and _is_picture(found[0]):
        return tuple(file for file in found if _is_picture(file))
    return tuple(found[:1])


def _reads_like_a_letter(file: ParsedAttachment) -> bool:
    if file.name.lower().endswith(_NO_LETTERS) or is_list_of_names(file):
        return False
    lines = [len(line.split()) for line in file.text.split("\n")]
    prose = sum(words for words in lines if words >= _LONG_LINE)
    return prose >= _PROSE_WORDS and prose >= _MOSTLY * sum(lines)


def _is_picture(file: ParsedAttachment) -> bool:
    return file.content_type.startswith("image/") or file.name.lower().endswith(_PICTURES)


def _is_signed_by_another(file: ParsedAttachment, mail: ParsedMail) -> bool:
    """Does another name stand below it than the mail's own? Of a letter without one the mail's sender is the writer.

    The name is that of the From field, else that below the mail; the address of a mailbox tells initials at most.
    """
    signed = _signed_name(file.text)
    ours = _names(mail.from_.name if mail.from_ else "") | _names(_signed_name(mail.words))
    return bool(_names(signed)) and bool(ours) and _names(signed).isdisjoint(ours)


def _signed_name(text: str) -> str:
    """The first line below the closing words that looks like a name."""
    lines = text.strip().split("\n")
    below = [line.strip() for line in (lines[place] for place in signature.places(lines))][1:]
    name = next((line for line in below if line), "")
    return name if _NAME.fullmatch(name) else ""


def _names(name: str) -> set[str]:
    """The words of a name that tell one person from another: no initials, no particles."""
    return {word.lower() for word in _WORD.findall(name) if len(word) >= _SHORTEST_NAME and word[0].isupper()}


def _is_anothers(file: ParsedAttachment, mail: ParsedMail) -> bool:
    """Is it a mail in the mail, or does it lie in one? Then it may be anybody's."""
    while file.child is None:
        if file.inside is None:
            return False
        file = mail.attachments[file.inside]
    return True
