"""When two mentions mean the same: used to learn from labels and to measure."""

import re
import unicodedata

_WORD = re.compile(r"\w+")


def folded_words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text)
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).casefold())


def same_name(a: str, b: str) -> bool:
    """Every word of the shorter mention stands in the longer one, initials standing for names."""
    short, long = sorted((set(folded_words(a)), set(folded_words(b))), key=len)
    if not any(len(w) > 1 and w in long for w in short):
        return False
    return all(w in long or (len(w) == 1 and any(x.startswith(w) for x in long)) for w in short)


def overlap(a: str, b: str) -> float:
    """F1 of the words of two mentions."""
    left, right = folded_words(a), folded_words(b)
    rest, common = list(right), 0
    for word in left:
        if word in rest:
            rest.remove(word)
            common += 1
    return 2 * common / (len(left) + len(right)) if left and right else 0.0
