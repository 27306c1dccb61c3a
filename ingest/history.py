"""Which lines of a text a mail program put there: what it quotes, and how it says whose words those are.

In linear time, whatever the text (mail-cases 51): every look ahead is of a bounded number of lines of bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_LONGEST_LINE = 1000
_LONGEST_ATTRIBUTION = 500
_ATTRIBUTION_LINES = 5
_MOST_LINES = 50_000  # below these only lines that are marked as quoted are

# What mail programs write above a mail that they quote or pass on, in the languages of Europe and beyond.
_ORIGINAL = (
    "original (?:message|appointment)|reply message|forwarded (?:message|by .{1,60})|message forwarded|"
    "oorspronkelijke? (?:bericht|e-?mail)|origineel bericht|doorgestuurd bericht|antwoord bericht|"
    "message d'origine|message original|message transféré|message réexpédié|e-?mail d'origine|"
    "ursprüngliche (?:nachricht|e-?mail)|original-?nachricht|weitergeleitete (?:nachricht|e-?mail)|"
    "messaggio (?:originale|inoltrato)|mensaje (?:original|reenviado)|mensagem (?:original|encaminhada)|"
    "ursprungligt meddelande|originalmeddelande|vidarebefordrat meddelande|opprinnelig melding|"
    "videresendt melding|oprindelig (?:meddelelse|besked)|videresendt (?:meddelelse|besked)|"
    "alkuperäinen viesti|välitetty viesti|(?:wiadomość oryginalna|oryginalna wiadomość)|"
    "(?:przekazana wiadomość|wiadomość przekazana.{0,30})|původní zpráva|přeposlaná zpráva|pôvodná správa|"
    "eredeti üzenet|továbbított üzenet|mesaj original|mesaj redirecționat|"
    "исходное сообщение|пересылаемое сообщение|пересланное сообщение|початкове повідомлення|"
    "(?:özgün|orijinal) (?:ileti|mesaj)|iletilmiş mesaj|yönlendirilen ileti|原始邮件|原始郵件|转发的邮件|转发邮件信息|"
    "轉寄的郵件|元のメッセージ|転送メッセージ|원본 메시지|전달된 메시지"
)
_SEPARATOR = re.compile(rf"^[-_=*—–]{{2,}}\s{{0,5}}(?:{_ORIGINAL})\s{{0,5}}:?\s{{0,5}}[-_=*—–]{{2,}}$", re.IGNORECASE)
_BEGIN_FORWARD = re.compile(
    r"^(?:begin doorgestuurd bericht|begin forwarded message|début du message réexpédié|"
    r"anfang der weitergeleiteten (?:nachricht|e-?mail)|inizio messaggio inoltrato|"
    r"inicio del mensaje reenviado|início da mensagem (?:encaminhada|reencaminhada)|"
    r"vidarebefordrat brev|start på videresendt besked|videresendt melding|välitetty viesti alkaa|"
    r"początek przekazywanej wiadomości|начало переадресованного сообщения|iletilen ileti)\s{0,3}:$",
    re.IGNORECASE,
)

# The first words of "On ... wrote:", where the verb may stand anywhere before the colon.
_START = re.compile(
    r"^(?:-{2,8}\s)?(?:(?:op|on|le|am|in data|den|el|il|em|a|dne|dňa|dana|dnia|w dniu|w|la|на|в|у|d\.|kl\.?|"
    r"in (?:a|an|the) (?:message|mail|e-?mail) (?:of|dated))\s|\d|[在于於]\s?\d|"
    r"(?:ma|di|wo|do|vr|za|zo|mon|tue|wed|thu|fri|sat|sun|mo|mi|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|man|tir|ons|"
    r"tor|fre|lør|søn|mån|tis|lör|sön|pon|wt|śr|czw|pt|sob|niedz|po|út|st|čt|pá|ne|ti|ke|to|pe|la|su|пн|вт|ср|чт|пт|"
    r"сб|вс|seg|ter|qua|qui|sex|sáb|dom|mié|jue|vie|gio|sab)\w{0,9}[.,]{0,2}\s\d)",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:wrote|writes|sent|schreef|geschreven|schrijft|schrieb|schreibt|geschrieben|a écrit|écrit|escribió|escribio|"
    r"ha scritto|scrive|escreveu|va escriure|skrev|skriver|kirjoitti|napisał(?:a|\(a\))?|pisze|napsal(?:a|\(a\))?|"
    r"napísal(?:a|\(a\))?|je napisal[ao]?|je napisao|írta|ezt írta|a scris|έγραψε|yazdı|şunları yazdı|rašė|rakstīja|"
    r"kirjutas|đã viết)(?!\w)|"
    r"написал[а(]?|пишет|пише|писал|написав|写道|寫道|のメッセージ|書きました|님이 작성|כתב|كتب",
    re.IGNORECASE,
)
_ENDS_WITHOUT_COLON = re.compile(r"\b(?:wrote|schreef|schrieb|a écrit|escribió|ha scritto|escreveu)(?:\s?-{2,8})?$")
_ADDRESS_END = re.compile(r"[<(\[]\s?(?:mailto:)?[^\s<>()\[\]]{1,200}@[^\s<>()\[\]]{1,200}[>)\]]{1,2}\s{0,2}[:：]$")
_BRACKETED = re.compile(r"[<(\[]\s?(?:mailto:)?[^\s<>()\[\]]{1,200}@")
_TIME = re.compile(r"\b\d{1,2}[:.]\d\d\b")
_SECONDS = re.compile(r"\b\d{1,2}:\d\d:\d\d\b")
_YEAR_OR_TIME = re.compile(r"(?:19|20)\d\d|\d{1,2}[:.]\d\d|\d{1,2}[-/.]\d{1,2}[-/.]\d{2}")


def _words(separated: str) -> frozenset[str]:
    return frozenset(separated.split("|"))


_FROM = _words(
    "van|from|de|von|da|från|fra|lähettäjä|od|от|от кого|kimden|gönderen|feladó|发件人|寄件者|寄件人|"
    "差出人|送信者|보낸 사람|보낸사람|від|expéditeur|absender|afzender|mittente|remitente|remetente|"
    "sender|avsändare|afsender|avsender|nadawca|odesílatel"
)
_WHEN = _words(
    "verzonden|verstuurd|sent|envoyé|envoyé le|gesendet|datum|date|inviato|data|enviado|enviada|enviado el|"
    "enviada em|enviado em|fecha|skickat|sendt|dato|lähetetty|päivämäärä|wysłano|wysłane|odesláno|"
    "odoslané|отправлено|дата|gönderildi|tarih|elküldve|dátum|发送时间|寄件日期|日期|送信日時|日時|"
    "보낸 날짜|날짜|надіслано|trimis"
)
_SENT = _WHEN - _words("datum|date|data|fecha|dato|päivämäärä|дата|tarih|dátum|日期|日時|날짜")
_OTHER = _words(
    "aan|to|à|an|cc|onderwerp|subject|objet|sujet|betreff|a|oggetto|para|asunto|assunto|till|ämne|til|emne|"
    "vastaanottaja|aihe|do|temat|komu|předmět|predmet|кому|тема|kime|konu|címzett|tárgy|收件人|收件者|"
    "主题|主旨|宛先|件名|받는 사람|제목|kopie|copie|kopia|kopi|копия|抄送|bilgi|către|subiect|per|"
    "reply-to|antwoord aan|bijlagen|attachments|priority|importance|prioriteit"
)
_OF_MESSAGES_ALONE = _words(
    "message-id|mime-version|content-type|content-transfer-encoding|reply-to|received|return-path"
)
_ADDRESS_ALONE = re.compile(r"^<[^<>\s]{1,200}@[^<>\s]{1,200}>$")
_INDENTED_MARK = re.compile(r" {2,8}>")
# Words with which a person tells what was said to them; a program names nobody but the writer.
_TOLD = re.compile(
    r"(?<![\w<])(?:mij|me|ons|mijn|onze|hij|zij|wij|ik|us|my|our|he|she|they|mir|mich|uns|mein\w{0,2}|unser\w{0,2}|ich|"
    r"nous|m['’]a|moi|mon|mio|mia)(?!\w)"
)
_MOST_NAME_WORDS = 6
_FORWARD = re.compile(
    r"^\s{0,5}(?:(?:re|aw|antw|sv|odp)\s?:\s{0,5}){0,5}(?:fwd?|doorst|doorgestuurd|tr|wg|wtr|rv|enc|vb|vs|vl|i|pd|yml|ilt|转发|轉寄)\s?[:：]",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^[*_]{0,2}([^\W\d_][^:：*\n]{0,18}?)[*_]{0,2}\s{0,3}[:：]")


def is_forward(subject: str) -> bool:
    """Does a program's prefix say so?"""
    return _FORWARD.match(subject[:200]) is not None


def quoted(
    lines: Sequence[str], known: Collection[int] = (), *, sender: str = "", forwarded: bool = False
) -> list[bool]:
    """For each line: is it history? `known` names those that the HTML marks, `sender` is the address of who wrote.

    A line that only may be history is none: below it stands what the reporter tells, and how to reach them.
    """
    result = [number in known or _is_marked(line) for number, line in enumerate(lines)]
    at = 0
    while at < min(len(lines), _MOST_LINES):
        if result[at]:
            at += 1
            continue
        if _starts_history(lines, at, sender, forwarded=forwarded):
            result[at:] = [True] * (len(lines) - at)
            break
        length = _attribution(lines, at, result)
        if any(_begins_one(lines, later, result) for later in range(at + 1, at + length)):
            length = 0  # what stands above the shorter one is somebody's own
        if length:
            after = _next_filled(lines, at + length)
            if after is None or not result[after]:
                result[at:] = [True] * (len(lines) - at)
                break
            result[at:after] = [True] * (after - at)
            at = after
            continue
        at += 1
    return result


def _is_marked(line: str) -> bool:
    """Quoted with the usual mark; the layout of HTML may have indented it."""
    return line.startswith((">", " >")) or (line.startswith("  ") and _INDENTED_MARK.match(line) is not None)


def marked(lines: Sequence[str]) -> list[bool]:
    """For each line: is it quoted by the usual mark?"""
    return [_is_marked(line) for line in lines]


def is_anothers(lines: Sequence[str], quoted_lines: Sequence[bool], sender: str = "") -> bool:
    """Of a mail that is all history: does a program say, at the top of it, that somebody else wrote it?

    The layout alone is no proof: who writes into a program's quotation, or heads a letter like a memo, wrote it.
    """
    first = next((number for number, is_quoted in enumerate(quoted_lines) if is_quoted and lines[number].strip()), None)
    if first is None:
        return False
    is_headed = _starts_history(lines, first, sender, forwarded=True)
    return is_headed or _attribution(lines, first, marked(lines)) > 0


def _is_separator(lines: Sequence[str], at: int) -> bool:
    """A line that nobody but a program writes above a mail."""
    line = lines[at].strip()
    if not line or len(line) > _LONGEST_LINE:
        return False
    if line.startswith(("-", "_", "=", "*", "—", "–")) and _SEPARATOR.match(line):
        return True
    if not line.endswith(":") or _BEGIN_FORWARD.match(line) is None:
        return False
    below = _next_filled(lines, at + 1)
    return below is not None and _label(lines[below].lstrip(" >")) in _FROM | _WHEN | _OTHER


def _starts_history(lines: Sequence[str], at: int, sender: str, *, forwarded: bool) -> bool:
    line = lines[at].strip()
    if len(line) >= 8 and not line.strip("_-") and len(line) <= _LONGEST_LINE:  # Outlook draws a line above its block
        below = _next_filled(lines, at + 1)
        return below is not None and _below_a_line(lines, below, sender)
    if _is_separator(lines, at):
        return True
    has_words_above = any(line.strip() for line in lines[max(0, at - 20) : at])
    return (has_words_above or forwarded) and _header_block(lines, at, sender)


def _below_a_line(lines: Sequence[str], at: int, sender: str) -> bool:
    """From, and within the next lines Sent or Date and at least one more label (To, Subject)."""
    if _label(lines[at]) not in _FROM or _names(lines[at], sender):
        return False
    labels = {label for label, _ in _labelled(lines, at + 1)}
    is_known = bool(labels & _WHEN) and len(labels & (_WHEN | _OTHER)) >= 2
    return is_known and any("@" in line or _TIME.search(line) for line in lines[at : at + 8])


def _header_block(lines: Sequence[str], at: int, sender: str) -> bool:
    """A program's block: From, Sent, To and Subject with an address or a time, or a raw header.

    A memo has other labels ("Date"), or another order; and a block that names the sender is the head of their own.
    """
    if _label(lines[at]) not in _FROM or _names(lines[at], sender):
        return False
    below = _labelled(lines, at + 1)
    labels = [label for label, _ in below]
    has_address = "@" in lines[at]
    if below and _ADDRESS_ALONE.match(below[0][1].strip()):  # wrapped
        has_address, below, labels = True, below[1:], labels[1:]
    if has_address:
        is_mailed = len(labels) >= 2 and labels[0] in _SENT | _OTHER and not _SENT.isdisjoint(labels[:3])
        is_raw = not _WHEN.isdisjoint(labels) and not _OF_MESSAGES_ALONE.isdisjoint(labels)
        if is_mailed or is_raw:
            return True
    in_order = len(labels) >= 3 and labels[0] in _WHEN and all(label in _OTHER for label in labels[1:3])
    is_sent = in_order and labels[0] in _SENT
    is_programs = is_sent and (_YEAR_OR_TIME.search(below[0][1]) is not None or lines[at].lstrip().startswith("*"))
    return in_order and (has_address or is_programs)


def _labelled(lines: Sequence[str], at: int) -> list[tuple[str, str]]:
    """The next filled lines, at most six of the next eleven, with their labels."""
    filled = [line for line in lines[at : at + 11] if line.strip()]
    return [(_label(line), line[:_LONGEST_LINE]) for line in filled[:6]]


def _names(line: str, sender: str) -> bool:
    return sender != "" and sender.lower() in line[:_LONGEST_LINE].lower()


def _label(line: str) -> str:
    start = line[:100]
    match = _LABEL.match(start.strip()) if ":" in start or "：" in start else None
    return " ".join(match[1].split()).lower() if match else ""


def _attribution(lines: Sequence[str], at: int, quoted_lines: Sequence[bool]) -> int:
    """How many lines the words "On ... wrote:" take here; 0 for none. Mail programs wrap them over several."""
    joined = ""
    for length, part in enumerate(lines[at : at + _ATTRIBUTION_LINES], start=1):
        stripped = part.strip()
        if not stripped or len(joined) + len(stripped) > _LONGEST_ATTRIBUTION:
            return 0
        joined = f"{joined} {stripped}" if joined else stripped
        ends = joined.endswith((":", "：")) or _ENDS_WITHOUT_COLON.search(joined[-40:]) is not None
        if length == 1 and not (ends or _START.match(joined) or _BRACKETED.search(joined)):
            return 0
        if ends:
            after = _next_filled(lines, at + length)
            above_a_quote = after is not None and quoted_lines[after]
            return length if _says_who_wrote(joined, above_a_quote=above_a_quote) else 0
    return 0


def _begins_one(lines: Sequence[str], at: int, quoted_lines: Sequence[bool]) -> bool:
    return _START.match(lines[at].strip()) is not None and _attribution(lines, at, quoted_lines) > 0


def _says_who_wrote(line: str, *, above_a_quote: bool) -> bool:
    """Above lines that are quoted for sure, a verb and a date; else only the form that nobody writes by hand."""
    address = _BRACKETED.search(line)
    if not line.endswith((":", "：")) and not ("@" in line and _START.match(line) and _TIME.search(line)):
        return False
    if not above_a_quote:
        return (address is not None and _is_a_programs(line, address.start())) or _has_seconds(line)
    if _VERB.search(line) is None:
        return _ADDRESS_END.search(line) is not None and _YEAR_OR_TIME.search(line) is not None
    is_dated = _START.match(line) is not None and any(character.isdigit() for character in line)
    return address is not None or is_dated or _YEAR_OR_TIME.search(line) is not None


def _is_a_programs(line: str, address: int) -> bool:
    """It begins with the date, or with the name before the address, and tells nothing beyond."""
    begins = _START.match(line) is not None or len(line[:address].split()) <= _MOST_NAME_WORDS
    says = _VERB.search(line) is not None or _ADDRESS_END.search(line) is not None
    return begins and says and _YEAR_OR_TIME.search(line) is not None and _TOLD.search(line) is None


def _has_seconds(line: str) -> bool:
    """Nobody writes a time of day by hand as exactly as programs do."""
    return _START.match(line) is not None and _VERB.search(line) is not None and _SECONDS.search(line) is not None


def _next_filled(lines: Sequence[str], at: int) -> int | None:
    for index in range(at, min(at + 4, len(lines))):
        if lines[index].strip():
            return index
    return None
