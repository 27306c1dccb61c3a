"""Where things stand in a mail: greeting, body, signature."""

import re

from triage.text import lines
from triage.titles import CLOSINGS, GREETINGS

_PHONE_FOOTER = re.compile(
    r"^(?:verzonden|verstuurd|sent from|envoyé|gesendet|enviado|inviato|dikirim|gönderildi|надіслано|wysłano)\b", re.I
)


def signature_start(text: str) -> int:
    """Where the reporter's signature begins: after the closing words, else where the last short lines begin."""
    all_lines = [(span, span.of(text).strip()) for span in lines(text)]
    filled = [(span, line) for span, line in all_lines if line and not _PHONE_FOOTER.match(line)]
    if not filled:
        return len(text)
    for span, line in reversed(filled[-10:]):
        if span.start and line.lower().strip(" ,.!-").startswith(CLOSINGS) and len(line) < 60:
            return span.start
    start = len(text)
    for span, line in reversed(filled[-7:]):
        if len(line) > 60 or (line.endswith((".", "?", "!")) and len(line.split()) > 4):
            break
        start = span.start
    return start if start > 0 else len(text)


def greeting_end(text: str) -> int:
    """Where the salutation ends; 0 where there is none."""
    for span in lines(text):
        line = span.of(text).strip()
        if not line:
            continue
        first = line.split()[0].lower().strip(",:!")
        if first not in GREETINGS:
            return 0
        comma = re.search(r"[,:!\n]", text[span.start : span.end + 1])
        short = len(line) < 60
        return span.end if short else span.start + (comma.end() if comma else 0)
    return 0
