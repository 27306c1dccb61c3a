"""The parts of docs/bench.md that are measured by themselves, too: each stands under its heading, with its own date."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "bench.md"
_HEADING = "\n## "


def put(section: str, document: Path = DOCUMENT) -> None:
    """Write a section into the page, in the place of the one with its heading, else at the end; print it, too."""
    dated = f"{section.rstrip()}\n\nMeasured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.\n"
    print(dated)
    document.write_text(replaced(document.read_text(encoding="utf-8"), dated), encoding="utf-8")


def replaced(page: str, section: str) -> str:
    """The page with this section in the place of that with the same heading."""
    first, *others = page.split(_HEADING)
    heading = section.removeprefix("## ").splitlines()[0]
    body = section.removeprefix("## ").rstrip() + "\n"
    places = [number for number, other in enumerate(others) if other.splitlines()[0] == heading]
    if places:
        others[places[0]] = body
    else:
        others.append(body)
    return _HEADING.join(part.rstrip() + "\n" for part in (first, *others))


def machine() -> str:
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
