"""The lists of words in `words/`: phrases between commas, lines with "#" are comments."""

from pathlib import Path

_WORDS = Path(__file__).parent / "words"


def phrases_of(name: str) -> list[str]:
    """The phrases of one word list."""
    lines = (_WORDS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [
        phrase.strip() for line in lines if not line.startswith("#") for phrase in line.split(",") if phrase.strip()
    ]
