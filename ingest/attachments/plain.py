"""Text files and HTML."""

from __future__ import annotations

import re

from ingest import markup
from ingest.attachments.task import FileText, Task, Text
from ingest.charsets import decode
from ingest.mail import Finding

_META_CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_DRAWING = "image/svg+xml"
_MOST_BYTES = 4  # of a character


def read_text(data: bytes, task: Task) -> FileText:
    most = task.limits.attachment_text_chars
    text = Text(most)
    text.add(decode(data[: most * _MOST_BYTES + _MOST_BYTES], None))
    return text.read()


def read_html(data: bytes, task: Task) -> FileText:
    most = task.limits.text_chars
    declared = _META_CHARSET.search(data[:4096])
    source = decode(data[: most * _MOST_BYTES], declared[1].decode("ascii") if declared else None)
    text = Text(task.limits.attachment_text_chars)
    text.add(markup.to_passage(source[:most]).text)
    found = text.read()
    is_drawing = task.content_type == _DRAWING or task.name.lower().endswith(".svg")
    return FileText(findings=(Finding.NO_TEXT,)) if is_drawing and not found.text else found
