"""One mail as a list of blocks, and the two forms in which it goes out. Whatever changes in one changes in both."""

import textwrap
from dataclasses import dataclass
from functools import lru_cache
from html import escape

WIDTH = 72

_STYLE = (
    "font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5;max-width:40em;margin:0 auto;padding:16px"
)


@dataclass(frozen=True)
class Heading:
    """`language`: where it is another than the document's."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Paragraph:
    """`language`: where it is another than the document's."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Items:
    texts: tuple[str, ...]


Block = Heading | Paragraph | Items


@dataclass(frozen=True)
class Document:
    """What a mail says. `title` is its subject."""

    language: str
    title: str
    blocks: tuple[Block, ...]

    def to_text(self) -> str:
        return "\n\n".join(_text(block) for block in self.blocks) + "\n"

    def to_html(self) -> str:
        """A page of its own that loads nothing from anywhere (so that reading it tells nobody)."""
        body = "\n".join(_html(block) for block in self.blocks)
        language = escape(self.language)
        return (
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self.title)}</title>\n</head>\n"
            f'<body>\n<div lang="{language}" style="{_STYLE}">\n{body}\n</div>\n</body>\n</html>\n'
        )


@lru_cache(maxsize=512)
def _wrap(text: str, first: str = "", later: str = "") -> str:
    # most sentences are the same in every mail
    return textwrap.fill(
        text, WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _text(block: Block) -> str:
    match block:
        case Heading(text, _):
            return f"{_wrap(text)}\n{'-' * min(len(text), WIDTH)}"
        case Paragraph(text, _):
            return _wrap(text)
        case Items(texts):
            return "\n".join(_wrap(text, "- ", "  ") for text in texts)


def _html(block: Block) -> str:
    match block:
        case Heading(text, language):
            return f'<h2{_lang(language)} style="font-size:18px;margin:24px 0 4px">{escape(text)}</h2>'
        case Paragraph(text, language):
            return f'<p{_lang(language)} style="margin:0 0 12px">{escape(text)}</p>'
        case Items(texts):
            items = "".join(f"\n<li>{escape(text)}</li>" for text in texts)
            return f'<ul style="margin:0 0 12px;padding-left:24px">{items}\n</ul>'


def _lang(language: str) -> str:
    return f' lang="{escape(language)}"' if language else ""
