"""The reporter's own telephone number, exactly as typed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException

REGIONS: dict[str, tuple[str, ...]] = {
    "nl": ("NL", "BE", "SR"),
    "en": ("GB", "NL", "US", "KE", "GH", "NG", "ZA", "IN", "PK", "UG"),
    "fr": ("FR", "BE", "MA", "SN", "ML", "CD", "TN"),
    "de": ("DE", "AT", "CH"),
    "es": ("ES", "CO", "MX", "AR", "PE"),
    "pt": ("PT", "BR", "MZ", "AO"),
    "it": ("IT",),
    "id": ("ID",),
    "tr": ("TR",),
    "ar": ("MA", "EG", "JO", "LB", "IQ", "TN", "SD"),
    "uk": ("UA",),
    "pl": ("PL",),
    "zh": ("CN",),
}
"""Countries whose national numbers are tried for a mail in this language."""

# A run of digits with the signs people put between them; x stands for digits that the writer hides.
_RUN = re.compile(
    r"(?:(?<![\w@€$£-])|(?<=[\u3040-\u9fff]))(?<!\d[/.,])(?:\+|\(\+?|00)?\s?[\d٠-٩]"
    r"(?:[\d٠-٩xX]|[ \u00a0./()•·–—-]{1,3}(?=[\d٠-٩xX(])){5,24}(?:(?![\w@%€$£])|(?=[\u3040-\u9fff]))"
)
_LABEL = re.compile(
    r"(?:\b(?:tel|tél|phone|mobiel|mobile|mob|cell|gsm|telefoon\w*|telefon\w*|téléphone|telefono|teléfono|celular|"
    r"telefone|telepon|nomor|hp|wa|whatsapp|signal|portable|handy|nummer|number|bereikbaar|reach|call|bel|ring|"
    r"cep|nr|mobil\w*|тел\w*|номер|kom[oó]rk\w*|numer|cellulare|cel|móvil)\b|هاتف|جوال|رقم|موبايل|电话|手机)",
    re.IGNORECASE,
)
_FOREIGN_LABEL = re.compile(
    r"\b(?:fax|f(?=[.:]?\s*[(+]?$)|kvk|btw|iban|bsn|dossier\w*|zaak\w*|kenmerk|ref\w*|factuur\w*|invoice|order|v-nummer|polis\w*|"
    r"c\.c|dni|cpf|nif|nik|paspoort\w*|passport|case|file|rekening\w*|account|kamer|room|vlucht|flight|ticket|id)\b[^\n]{0,14}$",
    re.IGNORECASE,
)
_THEIRS = re.compile(
    r"\b(?:his|her|their|zijn|haar|hun|uw|your|son|sa|leur|votre|sein\w*|ihr\w*|su)\b[^\n.]{0,30}$", re.IGNORECASE
)
_ANOTHERS = re.compile(
    r"\b(?:my|mijn|m['’]n)\s[\w-]+['’]s\s(?:tele)?(?:phone|mobile|number|cell)\b[^\n.]{0,12}$|"
    r"\b(?:phone|number|nummer|telefoon|toestel|numéro|número|téléphone|teléfono)\s(?:of|van|de)\s"
    r"(?!(?:me|mij|moi|mi|my|mijn|thuis|home|huis|het|de|the)\b)[^\n.,;]{2,30}$",
    re.IGNORECASE,
)
_ANOTHERS_AFTER = re.compile(
    r"[\s,(]*(?:(?:is|=|was)\s)?(?:(?:his|her|their|zijn|haar|hun|son|su|seu)\s(?:tele)?(?:number|nummer|phone|telefoon|"
    r"numéro|número)|(?:my|mijn|m['’]n)\s[\w-]+['’]s?\s(?:tele)?(?:number|nummer|phone)|(?:for|of|van)\s(?:my|mijn)\s)",
    re.IGNORECASE,
)
"""Whose number it is that the sentence goes on about."""
_HOUSE = (
    r"(?:ambassade|embassy|botschaft|embajada|embaixada|ambasciata|kedutaan\w*|büyükelçili\w+|посольств\w*|السفارة|"
    r"(?:hoofd)?consulaat\w*|consulate\w*|consulat|konsulat\w*|consulado|consolato|konsolosluk\w*|консульств\w*|القنصلية|"
    r"ministeri\w+|ministry|ministère|ministério|kementerian|bakanlı\w+|міністерств\w*|الوزارة|"
    r"loket|receptie|reception|helpdesk|hotline|call ?cent(?:er|re)|meldpunt|"
    r"(?:uw|jullie|your|votre|ihr\w*|su|seu)\s(?:kantoor|office|bureau|büro|oficina|escritório)|使馆|领事馆)"
)
_NUMBER = r"\b(?:\w*num(?:mer|ber)\w*|n[uú]m[eé]ro|nr|n°|tel\w*|tél\w*|phone|nomor|numara\w*|номер\w*|رقم|هاتف|电话)"
_HOUSES = re.compile(
    rf"{_NUMBER}\.?\s+(?:van|of|for|from|der|des|de|du|del|da|do|dari|voor|[^\W\d_]{{0,3}})?\s?"
    rf"(?:(?:de|het|the|la|le|el|l['’]|uw|your|jullie|onze|our)\s?)?(?:\w+\s){{0,2}}?{_HOUSE}[^\n.!?]{{0,30}}$|"
    rf"{_HOUSE}(?:['’]?s)?\s+(?:\w+\s)?{_NUMBER}[^\n.!?]{{0,12}}$|"
    rf"(?:bel(?:de|t)?|gebeld|call(?:ed)?|rang|phoned|appelé|angerufen|llam\w+|lig(?:uei|ou))\s[^\n.,!?]{{0,30}}"
    rf"{_HOUSE}[^\n.!?]{{0,12}}$|{_HOUSE}\s(?:gebeld|angerufen|aan de telefoon)\s[^\n.,!?]{{0,8}}$|"
    rf"{_HOUSE}[^\n.!?,]{{0,20}}\($",
    re.IGNORECASE,
)
"""The number of an office, told of in a sentence; a signature is not looked at, where an office is the writer's own."""
_MINE = re.compile(
    r"\b(?:mijn|m['’]n|my|mine|mon|mein\w*|mi|meu|saya|мій|bereikbaar|reach me|me on|me at|bel mij|bel me)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"^\(?\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)?\d{2}\)?$|^(?:19|20)\d{2}[-./]\d{1,2}[-./]\d{1,2}$|"
    r"^(?:19|20)\d{2}\s?[-–]\s?(?:19|20)\d{2}$"
)
_AMOUNT = re.compile(r"^\d{1,3}(?:[. ]\d{3})+$")
_MONEY_BEFORE = re.compile(r"(?:€|\$|£|eur|usd|euro|xof|fcfa|kes|ksh|rp|bedrag|amount)\.?\s*$", re.IGNORECASE)
_MONEY_AFTER = re.compile(r"^\s*(?:€|\$|euro|eur\b|usd|dollar|shilling|fcfa|xof|pond|roepia|rupia)", re.IGNORECASE)


_LOOSE = " \t\r\n.,;:!)|*_"
_FEWEST_ALONE, _MOST_ALONE = 7, 13
"""Figures of a number that no sign or word tells: shorter ones are numbers of houses, posts and files."""
_ALONE = 2.0
"""What it says for a number that nothing stands behind, where people sign."""
_MILLIONS = 8
"""Figures from which on nobody names an amount without a word for money."""
_NEVER = -9.0


@dataclass(frozen=True, slots=True)
class Phone:
    start: int
    end: int
    text: str
    score: float


def phones(text: str, language: str, signature_start: int | None = None) -> list[Phone]:
    """Every run of signs that may be a telephone number, best first."""
    found = []
    for run in _RUN.finditer(text):
        typed = run.group().strip(" \n\u00a0.-–/•·—")
        if typed.startswith("(") and ")" not in typed:  # the bracket is about the number, not of it
            typed = typed[1:].lstrip()
        start = run.start() + run.group().index(typed)
        before, after = text[max(0, start - 60) : start], text[start + len(typed) : start + len(typed) + 24]
        score, against = _score(typed, before, after, language), _against(before, after)
        signs = signature_start is not None and start >= signature_start
        if not signs and _is_an_offices(before):
            against += 6
        if score >= 0 and not against and _stands_as_a_number(typed) and _ends_a_line(text, start + len(typed), signs):
            score = max(score, _ALONE)
        score -= against
        if score <= 0:
            continue
        score += signs
        found.append(Phone(start, start + len(typed), typed, score))
    return sorted(found, key=lambda p: (-p.score, p.start))


def _stands_as_a_number(typed: str) -> bool:
    return _FEWEST_ALONE <= len(re.sub(r"[^\dxX]", "", typed)) <= _MOST_ALONE


def _ends_a_line(text: str, end: int, signs: bool) -> bool:
    """Does nothing stand behind it, on a line of the signature or in all the text?"""
    behind = text[end:].split("\n", 1)[0] if signs else text[end:]
    return not behind.strip(_LOOSE)


def _score(typed: str, before: str, after: str, language: str) -> float:
    digits = re.sub(r"\D", "", typed)
    hidden = len(re.findall("[xX]", typed))
    if not 6 <= len(digits) + hidden <= 15 or _DATE.match(typed) or len(digits) < 3:
        return _NEVER
    if _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after):
        return _NEVER
    score = 0.0
    label = list(_LABEL.finditer(before))
    if label and len(before) - label[-1].end() <= 22:
        score += 3
    if typed.startswith(("+", "(+", "00")):
        score += 2
    if typed.startswith(("0", "(0")):
        score += 1
    if _possible(typed, language):
        score += 2
    if hidden:
        score += 2
    if _AMOUNT.match(typed) and not typed.startswith("0") and len(digits) < _MILLIONS:
        score -= 3
    return score


def _against(before: str, after: str) -> float:
    """How much speaks for a number of something else, or of somebody else."""
    anothers = _ANOTHERS.search(before) or _ANOTHERS_AFTER.match(after)
    return 6.0 * bool(_FOREIGN_LABEL.search(before)) + 3.0 * bool(_THEIRS.search(before)) + 6.0 * bool(anothers)


def _is_an_offices(before: str) -> bool:
    house = _HOUSES.search(before)
    return house is not None and not _MINE.search(before, max(0, house.start() - 12))


def _possible(typed: str, language: str) -> bool:
    """Is it a number that some network of the countries at hand could have given out?"""
    candidates: Sequence[str | None] = (None,) if typed.lstrip("( ").startswith("+") else REGIONS.get(language, ("NL",))
    for region in candidates:
        try:
            number = phonenumbers.parse(re.sub(r"^00", "+", typed), region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False
