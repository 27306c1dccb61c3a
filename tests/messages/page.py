"""docs/mime.md: what was understood of other projects' messages, and what was not. No word of the messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from tests.messages.measure import Found

# Why it is so, for each file that is not as expected; looked at one by one.
_GUESSED = "its boundary is not the one it names: ours is guessed, the other reading guesses none"
_AS_IT_CAME = "what stands there is no base64, or not it alone: left as it came"
_NO_EMPTY_LINE = "no empty line below the header: what follows is taken for the file"
_WHY = {
    "staktrace+mailparse/tests/files/nested.eml": "1,000 parts in each other, made to break parsers: kept whole",
    "test_email/data/msg_25.txt": _GUESSED,
    "rhost-franceptt-07.eml": _GUESSED,
    "rhost-google-02.eml": _GUESSED,
    "lhost-office365-08.eml": "a line of its header lost its indentation: mended here, not by the other reading",
    "tests/mails/m0028": "said to be base64, and written out: left as it came",
    "t/data/spam/utf16.eml": "a single character of base64, which holds no byte: left as it came",
    "boolean_decoded_content.eml": _AS_IT_CAME,
    "signed-doc.p7s": _AS_IT_CAME,
    "core/src/test/resources/invalid.eml": _AS_IT_CAME,
    "outofmemory-no-header-seperation.eml": _NO_EMPTY_LINE,
    "embedded_email_without_content_disposition-embedded.eml": "it is the mail that lay in the other, by itself",
    "attachment-only-inline-quoted-printable.raw": "HTML without a name, shown as text",
    "non-mime-html-charset-header-only.raw": "only the header is odd, it has words",
    "fake-email-utf-16": "a whole mail stored in UTF-16, as none travels: shown as text, its header too",
    "unstructured/example-docs/fake-email.txt": "an older wording of the same mail",
    "oneHtmlAttachmentAndSomeTextInlined.eml": _NO_EMPTY_LINE,
    "embedded_email_11.txt": "a time and a name, without an address, a verb or a mark at its lines",
    "embedded_email_19.txt": "quoted without a mark that a program writes",
    "embedded_email_1.txt": "a time and a name, without an address or a mark at its lines: as a reporter tells it, too",
    "embedded_email_5.txt": "a name and an address without a time: as a reporter tells it, too",
    "email_headers_4.txt": "the head of a memo as well, without an address",
    "email_pl_1_": "begins with the head: nothing above it, and no subject that says what it is",
    "embedded_email_4.txt": "quoted behind strokes, as a table",
    "email_danish_5.txt": "holds no history",
    "email_german_3.txt": "history below the advertisement of a program, without any mark",
}


def write(found: Sequence[Found]) -> str:
    """The document."""
    ordered = sorted(found, key=lambda each: each.project.lower())
    projects = [(name, list(members)) for name, members in groupby(ordered, key=lambda each: each.project)]
    rows = [_row(name, members) for name, members in projects]
    return _TEXT.format(rows="\n".join([*rows, _row("**all**", ordered)]), failures="\n".join(_failures(ordered)))


def _row(name: str, members: list[Found]) -> str:
    files = sum(each.files for each in members)
    equal = files - sum(len(each.other_files) for each in members)
    expected = sum(each.expectations for each in members)
    met = expected - sum(len(each.failed) for each in members)
    values = (
        len(members),
        sum(each.taken_in for each in members),
        sum(each.has_text for each in members),
        sum(each.silent for each in members),
        f"{equal} of {files}" if files else "",
        sum(each.children for each in members) or "",
        sum(each.has_history for each in members) or "",
        sum(each.has_signature for each in members) or "",
        f"{met} of {expected}" if expected else "",
    )
    return f"| {name} | " + " | ".join(map(str, values)) + " |"


def _failures(found: Iterable[Found]) -> Iterable[str]:
    for each in found:
        what = [
            *([f"not taken apart ({each.refusal})"] if each.refusal else []),
            *(["a text, and none of it found"] if each.silent else []),
            *(f"other bytes than an independent reading has: {file}" for file in each.other_files),
            *(f"its name says that it {says}" for says in each.failed),
        ]
        if what:
            yield f"- `{each.path}`: {'; '.join(what)} ({_why(each.path)})"


def _why(path: str) -> str:
    return next((why for part, why in _WHY.items() if part.lower() in path.lower()), "not looked into yet")


_TEXT = """# What is understood of other projects' messages

Real and torture messages that public projects keep for their own tests. `make messages` makes this page (with
`MELDPOST_SHARED` naming the folder above `mime/`); `tests/ingest/test_messages.py` holds the figures. None of them was
a reason for a rule that would not be right without it.

- **taken in**: parsed, and its answer accepted on the other side of a reader's isolation. What is not is kept whole,
  for a person. Mere texts (reply parsers keep only those) are given a header, Outlook and TNEF files a mail around
  them.
- **text**: the mail has words of its own, or the Outlook or TNEF file has. **silent**: an independent reading finds
  words in a part that is a text of whatever type, and we none: neither in the text nor in a file's.
- **files equal**: files of the mail whose bytes are those of an independent reading (`tests/messages/independent.py`:
  lines, regular expressions, base64 by hand); files of mails in the mail are not counted.
- **mails inside**, **history**, **signature**: how many were told apart.
- **as named**: what the project's own name for the message says (`attachment_no_disposition`, `html_only`), and whether
  the forms of one mail (encodings, charsets, line ends) have one text.

`meldpost triage --jsonl` over the folder, in the same isolated readers as the daemon's, ends with at least one line for
each file (an mbox has several): on 30 November 2026 2,489 mails were understood, 231 files said to be no mails (mere
texts, Outlook files, what lies beside the messages), and two to be beyond the limits: the one named below, and the list
of the messages.

Which of them no person sent is measured in [automatic-mail.md](automatic-mail.md).

| project | files | taken in | text | silent | files equal | mails inside | history | signature | as named |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

A mail without words of its own is an encrypted one, an attachment alone, a forwarded mail without a comment, or empty.

## Not as expected
{failures}

## Against a library for quotations
Of 209 texts of eight reply parsers, history was found in 149; `quotequail` 0.5.4 (`quote()`), the one library that is
linear in time, finds it in 77. In the two texts in which it alone finds some, the words are the sender's. It takes five
times as long. So none is used.
"""
