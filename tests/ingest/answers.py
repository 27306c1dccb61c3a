"""A reader's whole answer at once, for tests: the product takes what comes, as it comes."""

from collections.abc import Iterator
from dataclasses import asdict, replace

from ingest.attachments.reading import Body, Said
from ingest.errors import ReaderDied
from ingest.mail import ParsedMail
from ingest.wire import Answer, Receive


def receive_mail(receive: Receive, raw_size: int) -> ParsedMail:
    """One answer, validated. Raises CannotParse when the reader says so, ReaderDied when this is not an answer."""
    answer = Answer(raw_size)
    answer.take(receive)
    if answer.mail is None:
        raise ReaderDied("the reader ended before it answered")
    return answer.mail


def with_files(mail: ParsedMail, said: Iterator[Said | Body]) -> ParsedMail:
    """The mail with all that was said of its files."""
    files = list(mail.attachments)
    for each in said:
        if isinstance(each, Body):
            mail = replace(mail, **asdict(each))
        elif each.place == len(files):
            files.append(each.file)
        else:
            files[each.place] = each.file
    return replace(mail, attachments=tuple(files))
