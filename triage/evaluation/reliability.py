"""The reliability diagram, an SVG drawn line by line: how often each score is right, and how often it should be."""

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from triage.evaluation.results import Bin

_SIDE, _LEFT, _TOP, _GAP, _BELOW = 260, 46, 34, 70, 46
_INK, _BAR, _LINE = "#222222", "#8fb3d9", "#b03a2e"


def diagram(panels: Mapping[str, Sequence[Bin]]) -> str:
    """One panel for each series of bins: bars for the share that was right, a line where they should end."""
    width = _LEFT + len(panels) * (_SIDE + _GAP)
    height = _TOP + _SIDE + _BELOW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(', '.join(panels))}: share of right suggestions by score</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (title, bins) in enumerate(panels.items()):
        lines.extend(_panel(_LEFT + number * (_SIDE + _GAP), title, bins))
    return "\n".join([*lines, "</svg>", ""])


def _panel(x: float, title: str, bins: Sequence[Bin]) -> Iterator[str]:
    bottom, step = _TOP + _SIDE, _SIDE / len(bins)
    yield f'<text x="{x}" y="{_TOP - 14}" fill="{_INK}" font-weight="bold">{escape(title)}</text>'
    for b, one in enumerate(bins):
        if one.count:
            high = one.right * _SIDE
            yield (
                f'<rect x="{x + b * step + 2:.1f}" y="{bottom - high:.1f}" width="{step - 4:.1f}" height="{high:.1f}" '
                f'fill="{_BAR}"><title>{one.count} suggestions, mean score {one.score:.2f}, right {one.right:.2f}'
                "</title></rect>"
            )
            yield (
                f'<circle cx="{x + one.score * _SIDE:.1f}" cy="{bottom - high:.1f}" '
                f'r="{2 + min(5.0, one.count**0.5 / 8):.1f}" fill="{_INK}"/>'
            )
    yield f'<line x1="{x}" y1="{bottom}" x2="{x + _SIDE}" y2="{_TOP}" stroke="{_LINE}" stroke-dasharray="5 4"/>'
    yield f'<path d="M{x} {_TOP}V{bottom}H{x + _SIDE}" fill="none" stroke="{_INK}"/>'
    for tick in (0.0, 0.5, 1.0):
        yield f'<text x="{x + tick * _SIDE}" y="{bottom + 16}" fill="{_INK}" text-anchor="middle">{tick:.1f}</text>'
        yield f'<text x="{x - 6}" y="{bottom - tick * _SIDE + 4}" fill="{_INK}" text-anchor="end">{tick:.1f}</text>'
    yield f'<text x="{x + _SIDE / 2}" y="{bottom + 36}" fill="{_INK}" text-anchor="middle">score</text>'
    middle = _TOP + _SIDE / 2
    yield (
        f'<text x="{x - 32}" y="{middle}" fill="{_INK}" text-anchor="middle" '
        f'transform="rotate(-90 {x - 32} {middle})">share that is right</text>'
    )
