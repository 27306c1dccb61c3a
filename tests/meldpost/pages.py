"""Reads a recovery page as a person does: the words in the order of their numbers."""

import re
from pathlib import Path

from store.shares import Share, read_share


def words_on(page: Path) -> list[str]:
    return re.findall(r"<li>([a-z]+)</li>", page.read_text(encoding="utf-8"))


def share_on(page: Path) -> Share:
    return read_share(" ".join(words_on(page)))
