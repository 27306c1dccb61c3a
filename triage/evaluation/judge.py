"""When the judge of the corpus takes two mentions for the same.

More forgiving than what the model learns from (`triage.matching`): titles do not count, and of a number only the last
eight figures do. Kept apart, so that the figures stay the judge's own whatever the model does.
"""

import re
import unicodedata

_WORD = re.compile(r"\w+")
TITLES = frozenset(
    """de heer dhr hr mevrouw mevr mw meneer mr mrs ms miss dr drs ir ing prof m mme mlle madame monsieur herr frau
    senor senora sr sra pak ibu bapak bay bey hanim sir""".split()  # noqa: SIM905 (a table to read)
)
"""Forms of address, folded; "M." and "Mr" are initials in other languages, and are dropped on both sides alike."""
_FUNCTION, _ADDRESS = 0.5, 0.7


def fold(text: str | None) -> str:
    """Without accents and case."""
    plain = unicodedata.normalize("NFKD", text or "")
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def same_name(a: str, b: str) -> bool:
    """Every word of the shorter mention stands in the longer one, initials standing for names."""
    if fold(a).strip() == fold(b).strip():
        return True
    short, long = sorted((_name_words(a), _name_words(b)), key=len)
    if not any(len(w) > 1 and w in long for w in short):
        return False
    return all(w in long or (len(w) == 1 and any(x.startswith(w) for x in long)) for w in short)


def overlap(a: str, b: str) -> float:
    """F1 of the words of two mentions, 0 to 1."""
    left, rest, common = _WORD.findall(fold(a)), _WORD.findall(fold(b)), 0
    if not left or not rest:
        return 0.0
    total = len(left) + len(rest)
    for word in left:
        if word in rest:
            rest.remove(word)
            common += 1
    return 2 * common / total


def same_function(a: str, b: str) -> bool:
    return overlap(a, b) >= _FUNCTION


def same_address(a: str, b: str) -> bool:
    return overlap(a, b) >= _ADDRESS


def same_phone(a: str, b: str) -> bool:
    return _digits(a) == _digits(b)


def _name_words(text: str) -> set[str]:
    return {w for w in _WORD.findall(fold(text)) if w not in TITLES}


def _digits(phone: str) -> str:
    return re.sub(r"^00", "", re.sub(r"\D", "", phone.replace("(0)", "")))[-8:]
