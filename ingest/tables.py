"""How large the tables of a page become when they are laid out as text: known before anybody lays them out.

Each cell is filled up to the height of its row and the width of its column: a page of 200 kB may need gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

_BREAKS = {
    *("br", "p", "div", "tr", "table", "li", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
    *("pre", "blockquote", "section", "article", "header", "footer", "form", "center", "address", "figure", "main"),
}
_CELLS = ("td", "th")


@dataclass
class _Block:
    """What stands in a cell, or in the page: its lines, and the longest of them."""

    lines: int = 1
    longest: int = 0
    current: int = 0

    def add(self, text: str | None, *, keeps_lines: bool) -> None:
        if not text:
            return
        pieces = text.split("\n") if keeps_lines else [text]
        self.lines += len(pieces) - 1
        self.current += max(map(len, pieces))
        self.longest = max(self.longest, self.current)

    def end_line(self) -> None:
        self.lines += 1
        self.current = 0


@dataclass
class _Table:
    lines: int = 0
    row_lines: int = 0
    column: int = 0
    columns: list[int] = field(default_factory=list)

    def end_row(self) -> None:
        self.lines += self.row_lines
        self.row_lines = self.column = 0

    def add_cell(self, cell: _Block) -> None:
        self.row_lines = max(self.row_lines, cell.lines)
        if self.column == len(self.columns):
            self.columns.append(0)
        self.columns[self.column] = max(self.columns[self.column], cell.longest)
        self.column += 1


def room_needed(tree: Any) -> Iterator[int]:
    """For each table, inner ones first, the characters and cells that it fills; in one pass, about right."""
    blocks = [_Block()]
    tables: list[_Table] = []
    open_cells: list[bool] = []
    preformatted = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            preformatted += tag == "pre"
            if tag in _BREAKS:
                blocks[-1].end_line()
            if tag == "table":
                tables.append(_Table())
            elif tag == "tr" and tables:
                tables[-1].end_row()
            elif tag in _CELLS:
                open_cells.append(bool(tables))
                if tables:
                    blocks.append(_Block())
            if tag:
                blocks[-1].add(element.text, keeps_lines=preformatted > 0)
            continue
        preformatted -= tag == "pre"
        if tag in _CELLS and open_cells.pop() and tables:
            tables[-1].add_cell(blocks.pop())
        elif tag == "table":
            table = tables.pop()
            table.end_row()
            width = sum(table.columns) + len(table.columns)
            yield table.lines * width
            blocks[-1].lines += table.lines
            blocks[-1].longest = max(blocks[-1].longest, width)
        if tag in _BREAKS and tag != "br":
            blocks[-1].end_line()
        blocks[-1].add(element.tail, keeps_lines=preformatted > 0)
