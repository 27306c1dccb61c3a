"""Draws what was understood of a mail on a terminal: its text with marks in it, what was found, and how sure that is.

Every mark has brackets and a label, so that the picture says the same without colours. Nothing of a mail steers the
terminal. Works within `desk.pictures.speaking`.
"""

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from desk.highlight import Stretch
from desk.pictures import Bar, Fact, Picture, facts, failed, headings, notes
from desk.words import name

LONGEST = 8_000
"""Characters of the reporter's own words that are drawn; a page holds more."""
ASIDE = 2_000
"""Of each of the other texts."""

_LABEL, _NAME, _BAR = 20, 30, 20
"""Widths, in signs."""
_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_EVIDENCE = "yellow"
_PARTS = {
    "concerned": "bold magenta",
    "function": "magenta",
    "reporter": "bold cyan",
    "phone": "green",
    "address": "green",
    "email": "green",
}
_SEVERITIES = {"acuut": "bold red", "hoog": "bold yellow"}


def console() -> Console:
    """With colours on a terminal alone, and without them where NO_COLOR is set."""
    return Console(markup=False, highlight=False, emoji=False)


def draw(on: Console, picture: Picture) -> None:
    """One mail. What stands in it is printed as text, in the lines that it has."""
    on.print(Rule(Text(_line(picture.file), "bold"), align="left", style="dim"))
    if picture.error is not None:
        on.print(Text(_line(failed(picture)), "red"), end="\n\n")
        return
    if picture.subject:
        on.print(_marked(picture.subject, "bold"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=_LABEL, style="dim")
    grid.add_column()
    for fact in facts(picture):
        grid.add_row(fact.label, _fact(fact))
    drawn: list[RenderableType] = ["", grid, "", _text(picture.own)]
    for part, heading in headings().items():
        if texts := getattr(picture, part):
            drawn += ["", Text(heading, "dim"), _text(texts, "dim")]
    for note in notes(picture):
        drawn += ["", Text(_line(note), "italic")]
    on.print(Group(*drawn, ""))


def printable(text: str) -> str:
    """The text in its lines; whatever else has no sign of its own becomes a space."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _line(text: str) -> str:
    return printable(text).replace("\n", " ")


def _fact(fact: Fact) -> RenderableType:
    told = [Text(_line(line), _SEVERITIES.get(fact.slug, "")) for line in fact.lines]
    hint = [Text(fact.hint, "italic dim")] if fact.hint else []
    return Group(*told, *([_bars(fact.bars)] if fact.bars else []), *hint)


def _bars(bars: Sequence[Bar]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=_NAME)
    table.add_column(width=_BAR, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for bar in bars:
        style = "bold" if bar.certain else "dim"
        table.add_row(
            Text(bar.name, style),
            Text(_bar(bar.score), "cyan" if bar.certain else "dim cyan"),
            Text(f"{bar.score:.0%}", style),
        )
    return table


def _bar(score: float) -> str:
    whole, eighths = divmod(round(score * _BAR * 8), 8)
    return "█" * whole + _EIGHTHS[eighths]


def _text(stretches: Iterable[Stretch], style: str = "") -> Padding:
    return Padding(_marked(stretches, style), (0, 0, 0, 2))


def _marked(stretches: Iterable[Stretch], style: str = "") -> Text:
    """[name · label] within «passage · categories»."""
    drawn = Text(style=style)
    for stretch in stretches:
        within = _EVIDENCE if stretch.categories else ""
        drawn.append("«" if within else "", within)
        for piece in stretch.pieces:
            if piece.part is None:
                drawn.append(printable(piece.text), within)
                continue
            label = f" · {name(piece.part, 'part')}]" if piece.ends else "]"
            drawn.append("[", "dim").append(printable(piece.text), _PARTS[piece.part]).append(label, "dim")
        if stretch.categories:
            labels = ", ".join(name(category, "category") for category in stretch.categories)
            drawn.append(f" · {labels}", f"dim {within}").append("»", within)
    return drawn
