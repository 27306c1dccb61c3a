"""Which language a mail is written in."""

import re

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("nl", "en", "fr", "de", "es", "pt", "it", "id", "tr", "ar", "uk", "pl", "zh")
"""The languages of the corpus. Another language gets the nearest of these; nothing is refused for its language."""

DEFAULT = "nl"
_LETTERS = re.compile(r"[^\W\d_]")
_NOT_WORDS = re.compile(r"\S+@\S+|https?://\S+|[\d_]+")
_ENOUGH = 12
_LOOKED_AT = 3_000


class Languages:
    """Tells the language of a text; a text with next to no letters counts as Dutch, the desk's own."""

    def __init__(self) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(LANGUAGES)

    def of(self, own_text: str, subject: str = "", quoted_text: str = "") -> str:
        """The language of the reporter's own words; subject and quoted text count when those are few."""
        text = _words(own_text)
        for more in (subject, quoted_text):
            if len(_LETTERS.findall(text)) < 40:
                text = f"{text}\n{_words(more)}"
        if len(_LETTERS.findall(text)) < _ENOUGH:
            return DEFAULT
        return str(self._identifier.classify(text)[0])


def _words(text: str) -> str:
    return _NOT_WORDS.sub(" ", text[:_LOOKED_AT])
