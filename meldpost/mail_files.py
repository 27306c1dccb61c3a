"""Which files are mails, where a person named folders: what lies between the mails there is told from them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ingest.sources.files import STANDARD_INPUT, mails
from ingest.sources.outlook import is_outlook

_BEGINS_LIKE_A_MAIL = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s*)(?:From |[!-9;-~]+[ \t]*:)")
"""A header field (RFC 5322 §2.2), or the separator of an mbox."""

_LOOKED_AT = 1000


class NoMail(Exception):
    """There is no mail in what was named; says so."""


@dataclass(frozen=True)
class MailFiles:
    """Files to read, how many mails are in them (None where standard input is among them), and files passed over."""

    paths: tuple[Path, ...]
    count: int | None
    skipped: tuple[Path, ...]


def find(paths: Iterable[Path]) -> MailFiles:
    """A file that was named is a mail, whatever it holds; in a folder, what does not begin like one is passed over,
    unless its name says that it is one.

    Raises NoMail, CannotRead.
    """
    named = tuple(paths)
    found: dict[Path, int] = {}
    passed_over: set[Path] = set()
    for path in named:
        if path == STANDARD_INPUT:
            found[path] = 1
            continue
        for mail in mails([path]):
            if mail.path == path or _is_a_mail(mail.path):
                found[mail.path] = found.get(mail.path, 0) + 1
            else:
                passed_over.add(mail.path)
    if not found:
        raise NoMail(
            f"No mail was found in {', '.join(map(str, named))}. Name .eml, .msg or mbox files, Maildirs or folders."
        )
    count = None if STANDARD_INPUT in found else sum(found.values())
    return MailFiles(tuple(found), count, tuple(sorted(passed_over)))


def _is_a_mail(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if is_outlook(path, start):
        return True
    return _BEGINS_LIKE_A_MAIL.match(start) is not None or path.suffix.lower() == ".eml"
