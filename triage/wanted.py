"""Finds any number of names in a text in one pass: what it costs hangs on the text, not on how many names there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_BEGINS = re.compile(r"(?<!\w)\S")
_ENDS = re.compile(r"(?:['’]?s)?(?!\w)")
_SPACE = re.compile(r"\s+")
_END = ""
"""The key that says that a name ends here; others are single signs."""

_Tree = dict[str, "_Tree"]


class Wanted:
    """Names to be looked for, as trees of their signs; white space of any kind and length stands between words."""

    def __init__(self, in_any_case: Iterable[str], as_written: Iterable[str]) -> None:
        """Those `in_any_case` are given in small letters, and go before the others."""
        self._in_any_case, self._as_written = _tree(in_any_case), _tree(as_written)

    def replaced(self, text: str, mark: str) -> str:
        """The text with the mark in the place of each name, with an "s" that says whose."""
        if not self._in_any_case and not self._as_written:
            return text
        parts, done = [], 0
        for begins in _BEGINS.finditer(text):
            start = begins.start()
            if start >= done and (end := self._end(text, start)):
                parts += [text[done:start], mark]
                done = end
        return "".join([*parts, text[done:]])

    def _end(self, text: str, start: int) -> int:
        """Where a name ends that begins here: the longest; 0 where none does."""
        for tree, any_case in ((self._in_any_case, True), (self._as_written, False)):
            for end in reversed(list(_ends(tree, text, start, any_case))):
                if ended := _ENDS.match(text, end):
                    return ended.end()
        return 0


def _tree(names: Iterable[str]) -> _Tree:
    tree: _Tree = {}
    for name in names:
        node = tree
        for sign in " ".join(name.split()):
            node = node.setdefault(sign, {})
        if node is not tree:
            node[_END] = {}
    return tree


def _ends(tree: _Tree, text: str, start: int, any_case: bool) -> Iterator[int]:
    """Each place where some name ends that begins at `start`, the nearest first."""
    node, at = tree, start
    while node:
        if _END in node:
            yield at
        if at == len(text):
            return
        if space := _SPACE.match(text, at):
            node, at = node.get(" ", {}), space.end()
            continue
        for sign in text[at].lower() if any_case else text[at]:
            node = node.get(sign, {})
        at += 1
