"""Names as they stand in a labelled mail, and putting others in their place."""

import re
from collections.abc import Iterable, Mapping

from triage.evaluation.counts import Gold
from triage.evaluation.judge import TITLES, fold

PARTS = ("subject", "body", "from_name")
PARTICLES = frozenset(
    """van de den der te ter ten el al bin ben ibn von zu du da do dos das la le les di del della
    y""".split()  # noqa: SIM905 (a table to read)
)
WOMAN = ("mevrouw", "mevr", "mw", "mrs", "ms", "miss", "mme", "madame", "frau", "señora", "sra", "senhora", "ibu", "bu")
MAN = ("heer", "dhr", "hr", "meneer", "mr", "monsieur", "m", "herr", "herrn", "señor", "sr", "senhor", "pak", "bapak")
"""Forms of address that tell the sex."""


def core(form: str) -> list[str]:
    """The words that are somebody's own: no titles, initials, particles; folded."""
    words = [fold(word.strip(".,()\"'")) for word in form.split()]
    return [w for w in words if len(w) > 1 and "." not in w and w not in TITLES and w not in PARTICLES]


def forms(gold: Gold) -> list[str]:
    """All names in Latin letters, the sender's display name too, the longest first."""
    told = {p["name"] for p in gold["people"]} | {gold["from_name"]}
    return sorted((form for form in told if is_latin(form)), key=len, reverse=True)


def is_latin(text: str) -> bool:
    """Is it written in Latin letters alone?"""
    letters = [c for c in fold(text) if c.isalpha()]
    return bool(letters) and all(c < "\u0250" for c in letters)


def cased(new: str, old: str) -> str:
    """In small letters or capitals where the old one is."""
    return new.lower() if old.islower() else new.upper() if old.isupper() and len(old) > 2 else new


def replaced(gold: Gold, others: Mapping[str, str], parts: Iterable[str] = PARTS) -> dict[str, str]:
    """All these replaced in one pass, the longest first, so that nothing is replaced twice."""
    changed = {part: gold[part] for part in PARTS}
    if not others:
        return changed
    longest = sorted(others, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
    return {**changed, **{part: pattern.sub(lambda m: others[m.group()], gold[part]) for part in parts}}
