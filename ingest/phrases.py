"""What mail systems and absent people's programs say, in the languages they say it in.

A phrase alone never makes a mail automatic, for people write these words too, and forward such mails: it only tells
which kind of automatic mail it is, beside a sign that no person sent it (`ingest.automatic`). Pure.
"""

import re
from collections.abc import Iterable

_SUBJECT_CHARS = 300
_TEXT_CHARS = 4000


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


_FAILED_SUBJECT = _any(
    # English
    "undeliver(?:ed|able)",
    "returned (?:e-?)?mail",
    "returning (?:message|mail) to sender",
    "fail(?:ure|ed) notice",
    "notice of failure",
    r"(?:mail|message|delivery|transmission) (?:\w+ )?(?:has )?(?:fail(?:ed|ure)|error|problem)",
    "delivery (?:status|report|notification)",
    "non-?delivery",
    r"\bndr\b",
    "(?:not|couldn't|could not|cannot|can't) be (?:delivered|sent)",
    "(?:not|un)(?: yet)?(?: been)? (?:able to )?deliver(?:ed)?",
    "unable to deliver",
    "error sending your mail",
    "mail system error",
    # Dutch
    "onbestelba",
    "onbezorg",
    r"niet (?:\w+ )?(?:bezorgd|afgeleverd|besteld|verzonden)",
    "(?:aflever|bezorg)(?:ings?)?(?:fout|status|rapport)",
    "(?:bezorging|aflevering|verzending) (?:is )?mislukt",
    # German
    "unzustellbar",
    "nicht zu(?:ge)?stell",
    "zustell(?:ung)?s?(?:fehler|status|bericht)",
    "zustellung fehlgeschlagen",
    r"(?:ü|ue)bermittlungs(?:status|fehler)",
    "fehlgeschlagene zustellung",
    # French
    "non (?:remis|distribu|d[ée]livr)",
    r"[ée]chec de (?:la )?(?:remise|distribution|livraison)",
    r"[ée]tat de (?:la )?remise",
    # Spanish, Portuguese, Italian
    r"\b(?:no|não|nao) (?:\w+ ){0,3}entreg",
    "(?:error|fallo|falla|estado|falha|erro) (?:de|en|na|no|da) (?:la |el )?entrega",
    "mancat[ao] (?:recapito|consegna)",
    "(?:recapito|consegna) (?:non riuscit|fallit)",
    "(?:impossibile|stato) (?:di |del |il )?recapit",
    # Nordic, Polish, Czech, Russian
    "(?:kunde|kunne) (?:inte|ikke) levere",
    "nie ?dostarcz",
    "nedoručiteln",
    "не ?достав",
    # Japanese, Chinese
    "配[信送達](?:不能|エラー|できま|状況)",
    "(?:送信|メール)エラー",
    "エラー(?:通知|メール)",
    "退信|(?:无法|無法)(?:投递|投遞|送达)|(?:投递|递送|传送)失败",
)
_FAILED_TEXT = _any(
    _FAILED_SUBJECT.pattern,
    r"\b5\d\d[ -]#?5\.\d{1,3}\.\d{1,3}\b",  # RFC 3463: a reply code and the status that goes with it
    r"\b55\d[ -]",
    "(?:following|delivery) (?:\\w+ )?(?:recipient|address|error)",
    "(?:permanent|fatal) (?:\\w+ )?error",
    "error delivering your",
    "wasn't able to deliver",
    "not reach the following",
    "(?:no such|unknown|invalid) (?:user|recipient|mailbox|address)",
    "(?:user|recipient|mailbox|address) (?:is )?(?:unknown|not found|disabled|full)",
    "送信できません|届きません|配信できません|宛先不明",
)
_LATE = _any(
    r"\bdelay(?:ed)?\b",
    "(?:still|not yet) (?:being |been )?(?:queued|delivered|tried|trying)",
    "will (?:be retried|retry|continue to|keep) ?(?:try|deliver)?",
    "temporar(?:y|ily) (?:\\w+ )?(?:fail|error|problem)",
    "vertraagd|vertraging|nog niet (?:bezorgd|afgeleverd)",
    "verz(?:ö|oe)ger|noch nicht zugestellt",
    "retard[ée]|pas encore (?:été )?(?:remis|distribu)",
    "retrasad|demorad|aún no (?:se )?ha",
    "ritard|non ancora (?:stato )?(?:recapitat|consegnat)",
    "遅延|延迟",
)
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_ANSWERING_MACHINE = re.compile(
    r"\s{0,9}\[?(?:"
    "auto(?:matic|matisch(?:es?)?|mated)?[ -:]?(?:reply|response|antwoord|antwort|respons)"
    "|out[ -]of[ -](?:the[ -])?office|ooo\\b"
    "|afwezig(?:heids?\\w{0,12})?|niet aanwezig|abwesen(?:d|heits?\\w{0,12})"
    "|r[ée]ponse automatique|absence du bureau|absent\\(e\\)"
    "|respuesta autom[áa]tica|resposta autom[áa]tica|risposta automatica|fuori sede|fuera de (?:la )?oficina"
    "|autosvar|automatiskt svar|automatyczna odpowiedź|автоответ|自動応答|自动回复|自動返信"
    ")(?:[ -]?(?:auto-?reply|message|notice|bericht))?\\s{0,3}(?:[:：]|$)"
)
"""Behind it comes the subject that was answered, or nothing: people write such words about others."""

_CALENDAR_ANSWER = re.compile(
    r"(?P<who>[^!?]{0,100}?)\s?(?:"
    "has (?:tentatively |provisionally )?(?:accepted|declined) (?:this|your|the) (?:invitation|event|meeting)"
    "|heeft (?:de|deze|uw|je) (?:uitnodiging|afspraak|vergadering) (?:voorlopig |onder voorbehoud )?"
    "(?:geaccepteerd|aanvaard|aangenomen|afgewezen|geweigerd|afgeslagen)"
    "|hat (?:die|diese|ihre|deine) (?:einladung|besprechung) (?:vorläufig |mit vorbehalt |unter vorbehalt )?"
    "(?:angenommen|akzeptiert|zugesagt|abgelehnt)"
    "|a (?:provisoirement )?(?:accepté|refusé|décliné) (?:provisoirement )?(?:cette |votre |l['’])invitation"
    "|ha (?:aceptado|rechazado) (?:provisionalmente )?(?:esta|la|su|tu) invitaci[oó]n"
    "|ha (?:accettato|rifiutato) (?:con riserva )?(?:questo |il tuo |il suo |l['’])invito"
    "|(?:aceitou|recusou) (?:este|o|o seu) convite"
    "|(?:tentatively )?accepted|declined|tentative|(?:voorlopig )?geaccepteerd|afgewezen|geweigerd"
    "|zugesagt|abgelehnt|mit vorbehalt|accepté|refusé|provisoire"
    r")\s?[.:]?\s?(?P<what>.{0,300})"
)
"""Of whom the program speaks, and of which meeting, is told from what else it says."""


def says_calendar_answer(text: str, known: str) -> bool:
    """Is this nothing but what a calendar program says of its answer to an invitation? `known`: what else is known of
    who answered, and what; any word that is not there is a person's."""
    lines = [_folded(line, _TEXT_CHARS) for line in text[:_TEXT_CHARS].split("\n") if line.strip()]
    said = _folded(known, _TEXT_CHARS)
    matches = [_CALENDAR_ANSWER.fullmatch(line) for line in lines]
    phrases = [match for match in matches if match and match["who"] in said and match["what"].rstrip(" .") in said]
    return (
        bool(phrases)
        and len(text) <= _TEXT_CHARS
        and all(match in phrases or line in said for match, line in zip(matches, lines, strict=True))
    )


def says_failed(subject: str) -> bool:
    """Is this what a mail server writes over a mail that will not arrive?"""
    return _FAILED_SUBJECT.search(_folded(subject, _SUBJECT_CHARS)) is not None


def tells_failure(text: str) -> bool:
    """Does the beginning of this text tell of a mail that was not delivered?"""
    return _FAILED_TEXT.search(_folded(text, _TEXT_CHARS)) is not None


def says_late(texts: Iterable[str]) -> bool:
    """Does it say that a mail may still arrive? A permanent status among it says that it will not (RFC 3463 §2)."""
    joined = _folded("\n".join(text[:_TEXT_CHARS] for text in texts), 2 * _TEXT_CHARS)
    classes = set(_STATUS.findall(joined))
    return "5" not in classes and ("4" in classes or _LATE.search(joined) is not None)


def says_answering_machine(subject: str) -> bool:
    """Does a subject begin as those of answering machines do?"""
    return _ANSWERING_MACHINE.match(_folded(subject, _SUBJECT_CHARS)) is not None


def _folded(text: str, most: int) -> str:
    return " ".join(text[:most].casefold().split())
