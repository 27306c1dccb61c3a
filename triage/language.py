"""Which language a mail is written in."""

import re
from collections import Counter

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("nl", "en", "fr", "de", "es", "pt", "it", "id", "tr", "ar", "uk", "pl", "zh")
"""The languages of the corpus. Another language gets the nearest of these; nothing is refused for its language."""

DEFAULT = "nl"
_LETTERS = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
_NOT_WORDS = re.compile(r"\S+@\S+|https?://\S+|[\d_]+")
_SHORT = 40
"""Letters below which single words tell more than the sum of n-grams does."""
_SURE = 0.75
_LOOKED_AT = 3_000
_TELLING = {
    "nl": "hallo hoi dag beste geachte goedemorgen goedemiddag goedenavond graag alstublieft bedankt "
    "groet groeten hulp ik bel",
    "en": "hello hi hey dear please thanks thank you regards help the what my is",
    "fr": "bonjour bonsoir salut merci madame monsieur cordialement aidez je vous",
    "de": "guten grüß grüezi liebe sehr bitte danke grüße hilfe ich",
    "es": "hola buenos buenas días gracias ayuda estimado estimada saludos",
    "pt": "olá oi bom obrigado obrigada ajuda prezado prezada",
    "it": "ciao buongiorno buonasera salve grazie aiuto",
    "id": "selamat halo terima kasih tolong saya",
    "tr": "merhaba selam teşekkürler teşekkür yardım lütfen",
    "pl": "cześć dzień dobry proszę dziękuję pomoc",
}
"""Words of very short mails that belong to one language more than to any other; other scripts tell by themselves."""


class Languages:
    """Tells the language of a text; what tells nothing ("ok", a number) counts as Dutch, the desk's own."""

    def __init__(self) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(LANGUAGES)
        self._telling = {word: language for language, words in _TELLING.items() for word in words.split()}

    def of(self, own_text: str, subject: str = "", quoted_text: str = "") -> str:
        """The language of the reporter's own words; subject and quoted text count when those are few."""
        text = _words(own_text)
        for more in (subject, quoted_text):
            if len(_LETTERS.findall(text)) < _SHORT:
                text = f"{text}\n{_words(more)}"
        language, share = self._identifier.classify(text)
        if len(_LETTERS.findall(text)) >= _SHORT:
            return str(language)
        return self._told(text) or (str(language) if share >= _SURE else DEFAULT)

    def _told(self, text: str) -> str | None:
        """The language that most telling words belong to; None where there are none, or as many of another."""
        said = Counter(self._telling[word] for word in _WORD.findall(text.lower()) if word in self._telling)
        best = said.most_common(2)
        return best[0][0] if best and (len(best) == 1 or best[0][1] > best[1][1]) else None


def _words(text: str) -> str:
    return _NOT_WORDS.sub(" ", text[:_LOOKED_AT])
