"""Where a signature begins below somebody's words; in doubt it does not (mail-cases 50).

Not to be taken for a fact: it is shown apart, and triage reads both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST_LINES = 15
_MOST_LINES_BELOW_DASHES = 40
_LONGEST_LINE = 120
_MOST_WORDS = 12

_DASHES = re.compile(r"^(?:-{2,3}|[–—]{1,10}|_{2,60})$")
_TARGET = re.compile(r"\s?(?:<https?://[^<>\s]{1,300}>|\(https?://[^()\s]{1,300}\))\s?$")
_CLOSING = re.compile(
    r"^(?:(?:met |mijn )?(?:(?:zeer )?(?:vriendelijke|hartelijke|oprechte|collegiale|zonnige)r? )?(?:groet(?:en|jes)?)"
    r"(?: en dank)?|hoogachtend|m\.?v\.?g\.?|m\.?h\.?g\.?|vr\.? ?gr\.?|gr(?:tjs|tz)?\.?|"
    r"(?:(?:with )?(?:my |our )?(?:kind(?:est)?|best|warm(?:est)?|many|sincere)(?: personal)? )?"
    r"(?:regards|wishes|greetings)|"
    r"(?:all the )?best|(?:yours|your's) (?:sincerely|faithfully|truly)|(?:sincerely|respectfully)(?: yours)?|cheers|"
    r"(?:mit )?(?:(?:recht )?(?:freundlichen?|besten?|herzlichen?|lieben?|schönen?|viele) )?gr(?:ü|ue)(?:ß|ss)en?|"
    r"hochachtungsvoll|m\.?f\.?g\.?|vg|lg|"
    r"(?:bien )?(?:cordialement|sincèrement|respectueusement)(?: vôtre)?|bien à (?:vous|toi)|"
    r"(?:sincères |meilleures |cordiales )?salutations(?: distinguées)?|amicalement|"
    r"(?:un )?(?:cordial(?:es)? |atentos? |muchos )?saludos?(?: cordiales?)?|atentamente|un abrazo|"
    r"(?:i miei |con i )?(?:più )?(?:cordiali|distinti|migliori) saluti|cordialmente|saluti|"
    r"(?:com os )?(?:melhores |atenciosos )?cumprimentos|atenciosamente|abraços?|"
    r"(?:med )?(?:vänlig(?:a)?|venlig|vennlig|bästa|beste) h[iä]ls(?:en|ning(?:ar)?)|mvh|(?:med )?hilsen|"
    r"(?:pozdrawiam|z poważaniem|s pozdravem)(?: serdecznie)?)\s{0,2}[,.!]{0,3}$",
    re.IGNORECASE,
)
_DEVICES = (
    r"\b(?:iphone|ipad|ios|android|samsung|galaxy|blackberry|huawei|xiaomi|oneplus|nokia|pixel|motorola|lenovo|outlook|"
    r"windows|mail|e-?mail|yahoo|proton\w{0,4}|gmail|smartphone|handy|telefoo?n|mobile|mobiel|mobil|phone|tablet|device|"
    r"toestel|gsm|dispositivo|móvil|celular)\b"
)
_DEVICE = re.compile(
    r"^(?:(?:sent (?:from|via|with|by)|get outlook|(?:verstuurd|verzonden|gestuurd) (?:vanaf|vanuit|vanop|met|via|van)|"
    r"gesendet (?:von|mit|via|über)|diese nachricht wurde von|"
    r"envoyé (?:de|depuis|à partir|via|avec)|télécharger|téléchargez|obtenez|"
    r"enviad[oa] (?:desde|do|de|via|con|a partir)|obtener|inviato (?:da|dal|con)|scarica|"
    r"outlook (?:para|voor|für|pour)|skickat? från|sendt fra|lähetetty|wysłan[eoy] z|odesláno z|download|"
    r"holen sie sich)"
    rf"[^.!?,]{{0,40}}{_DEVICES}[^.!?,]{{0,40}}|(?:von|via) [^.!?,]{{0,40}}{_DEVICES}[^.!?,]{{0,40}} gesendet)[.!]?$",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"^(?:p\.? ?s\.?|n\.? ?b\.?|post scriptum|naschrift)\b", re.IGNORECASE)


def places(lines: Sequence[str]) -> range:
    """The places of the lines that are the signature: from where it begins to the end, or none.

    Looks at the last lines only. Something has to be said above it, and each line below must be like one of it.
    """
    filled = [place for place, line in enumerate(lines) if line.strip()]
    for place in filled[1:][-_MOST_LINES_BELOW_DASHES:]:
        if lines[place] == "-- ":  # RFC 3676 §4.3
            return range(place, len(lines))
    for place in filled[1:][-_MOST_LINES:]:
        if _begins(lines[place].strip()):
            below = [lines[each].strip() for each in filled[-_MOST_LINES:] if each > place]
            if all(_goes_on(each) for each in below):
                return range(place, len(lines))
    return range(0)


def _begins(line: str) -> bool:
    return len(line) <= _LONGEST_LINE and bool(_DASHES.match(line) or _CLOSING.match(line) or _is_of_a_device(line))


def _goes_on(line: str) -> bool:
    """A name, a function, a number; no sentence, and no afterthought."""
    if _is_of_a_device(line):
        return True
    words = [word for word in line.split() if any(letter.isalpha() for letter in word)]
    is_sentence = len(words) >= 4 and line.endswith((".", "?", "!"))
    return not (_POSTSCRIPT.match(line) or is_sentence or len(line) > _LONGEST_LINE or len(words) > _MOST_WORDS)


def _is_of_a_device(line: str) -> bool:
    return len(line) <= 500 and _DEVICE.match(_TARGET.sub("", line)) is not None
