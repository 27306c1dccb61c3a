"""A mail that was attached as a file, by its name only: taken apart like one that the mail itself declares."""

from __future__ import annotations

from ingest.attachments.task import FileText, InMemory, OutOfBounds, Task
from ingest.children import child_of
from ingest.errors import CannotParse
from ingest.parts import PartsLeft


def read(data: bytes, task: Task) -> FileText:
    try:
        child = child_of(InMemory(data).chunks(), task.limits, PartsLeft(task.limits.parts))
    except CannotParse:
        raise OutOfBounds from None
    return FileText(child.text, child.findings, child.files, child.message)
