"""Words with their places, and what is known of each: one spaCy tokeniser and matcher for all languages."""

import re
from dataclasses import dataclass

import spacy
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.util import compile_infix_regex

from triage.functions import Functions
from triage.word_lists import phrases_of

CLASSES = (
    "title",
    "particle",
    "function",
    "modifier",
    "greeting",
    "closing",
    "street",
    "ministry",
    "kin",
    "first_name",
)
"""The word lists in `words/`, one phrase a line; a token may stand in several."""

_ENDLESS = re.compile(r"\S{200,}")
"""Nobody's word: taking off its signs one by one would cost the square of its length."""


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    end: int
    text: str
    classes: int
    """Which of CLASSES hold, as bits."""


class Tokens:
    """Cuts text into words. Keeps nothing of a text: strings seen are dropped from spaCy's store after each one."""

    def __init__(self) -> None:
        self._nlp = _blank()
        self._matcher = PhraseMatcher(self._nlp.vocab, attr="LOWER")
        for name in CLASSES:
            phrases = phrases_of(name)
            self._matcher.add(name, [self._nlp.make_doc(phrase) for phrase in phrases])
        self._bits = {self._nlp.vocab.strings[name]: 1 << i for i, name in enumerate(CLASSES)}
        self._function = 1 << CLASSES.index("function")
        self._functions = Functions()

    def of(self, text: str) -> list[Token]:
        """The tokens of a text, line breaks among them."""
        with self._nlp.memory_zone():
            doc = self._nlp.make_doc(without_endless_words(text))
            classes = [0] * len(doc)
            for name, start, end in self._matcher(doc):
                for i in range(start, end):
                    classes[i] |= self._bits[name]
            return [
                Token(t.idx, t.idx + len(t.text), t.text, c | (self._function if t.text in self._functions else 0))
                for t, c in zip(doc, classes, strict=True)
            ]


def without_endless_words(text: str) -> str:
    """The same length, with what no one would call a word made of words that a tokeniser can bear."""
    return _ENDLESS.sub(_loosened, text)


def _loosened(run: re.Match[str]) -> str:
    """The same length, with spaces for all that is neither letter nor figure."""
    return re.sub(r"[\W_]", " ", run.group())


def _blank() -> Language:
    """A tokeniser without a language, which also parts l'ambassadeur, and Chinese characters."""
    nlp = spacy.blank("xx")
    nlp.max_length = 1 << 24
    infixes = [
        *(nlp.Defaults.infixes or []),
        r"(?<=\w)['’](?=\w)",
        "[\u3400-\u9fff]",
        r"(?<=\w)/(?=\w)",
        r"(?<=\w)\((?=\w)",
    ]
    setattr(nlp.tokenizer, "infix_finditer", compile_infix_regex(infixes).finditer)  # noqa: B010 (untyped in spaCy)
    return nlp
