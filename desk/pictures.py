"""What was understood of mails, in words and marks for a person: on a page that stands by itself, or on a terminal.

No server, session or request is needed. What a mail says is text to it: a character that would steer what shows it
becomes one that says that something stood there.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from flask import Flask, stream_template
from flask_babel import gettext
from markupsafe import Markup

from config.taxonomy import Kind
from desk import language, words
from desk.doubts import doubted
from desk.highlight import EVIDENCE, PARTS, Stretch, parts_of, stretches
from desk.messages import LONGEST_ASIDE, LONGEST_TEXT
from store.merging import scores
from triage import MailText

STYLE = "\n".join(
    (language.PACKAGE / "static" / name).read_text(encoding="utf-8")
    for name in ("components.css", "theme.css", "desk.css", "pictures.css")
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
"""The page's own style and nothing else: no script, no picture, nothing from outside."""

_STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]")
"""Control characters, and those that turn the direction of what follows (UAX 9: embeddings, overrides, isolates)."""
_NO_SIGN = "\ufffd"
_LEAST = 0.005
"""A score below this rounds to nothing."""
_ASKABLE = (Kind.MELDING, Kind.AANVULLING)


@dataclass(frozen=True)
class Picture:
    """What was understood of one mail, beside its text. `error`: why nothing was.

    `left_out`: how many characters of its texts are not here. `elsewhere`: evidence that stands in none of what is.
    `doubted`: "kind" and "primary" where their score is below the `threshold`, and Meldpost does not know.
    """

    file: str
    error: str | None
    found: Mapping[str, Any] = field(repr=False)
    subject: Sequence[Stretch] = field(repr=False)
    own: Sequence[Stretch] = field(repr=False)
    quoted: Sequence[Stretch] = field(repr=False)
    files: Sequence[Stretch] = field(repr=False)
    left_out: int
    elsewhere: Sequence[Mapping[str, Any]] = field(repr=False)
    doubted: frozenset[str]
    threshold: float


@dataclass(frozen=True)
class Bar:
    """One of several answers, with its score between 0 and 1. `certain`: is it suggested, and not in doubt?"""

    name: str
    score: float
    certain: bool


@dataclass(frozen=True)
class Fact:
    """One part of what was understood, in the reader's language. `slug` tells severities apart."""

    part: str
    label: str
    lines: Sequence[str] = ()
    bars: Sequence[Bar] = ()
    hint: str = ""
    slug: str = ""


def picture(
    found: Mapping[str, Any],
    mail: MailText | None,
    threshold: float,
    *,
    longest: int = LONGEST_TEXT,
    aside: int = LONGEST_ASIDE,
) -> Picture:
    """The picture of one object of docs/triage-json.md and the mail that it is of (None where there is an error).

    `longest`: characters of the reporter's own words that are shown; `aside`: of each of the other texts.
    """
    whole = (mail.subject, mail.own_text, mail.quoted_text, mail.attachment_text) if mail else ("",) * 4
    shown = [text[:most] for text, most in zip(whole, (aside, longest, aside, aside), strict=True)]
    evidence = found.get("evidence") or ()
    parts = parts_of(found.get("concerned") or (), found.get("contact") or {})
    subject, own, quoted, files = ([*map(_harmless_stretch, stretches(text, evidence, parts))] for text in shown)
    placed = " ".join(" ".join(harmless(text).split()) for text in shown)
    plain = harmless_object(found)
    return Picture(
        file=plain["file"],
        error=plain.get("error"),
        found=plain,
        subject=subject,
        own=own,
        quoted=quoted,
        files=files,
        left_out=sum(map(len, whole)) - sum(map(len, shown)),
        elsewhere=[one for one in plain.get("evidence") or () if " ".join(one["text"].split()) not in placed],
        doubted=doubted(scores(found), threshold),
        threshold=threshold,
    )


def harmless(text: str) -> str:
    """The text without what would steer a terminal, or turn the direction of what stands behind it."""
    return _STEERS.sub(_NO_SIGN, text.replace("\r\n", "\n"))


def harmless_object(value: Any) -> Any:
    """The same for all texts in an object of JSON."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Mapping):
        return {key: harmless_object(each) for key, each in value.items()}
    return [harmless_object(each) for each in value] if isinstance(value, list) else value


def _harmless_stretch(stretch: Stretch) -> Stretch:
    pieces = tuple(replace(piece, text=harmless(piece.text)) for piece in stretch.pieces)
    return replace(stretch, pieces=pieces, categories=tuple(map(harmless, stretch.categories)))


@contextmanager
def speaking(chosen: str) -> Iterator[None]:
    """Within this, `facts` and `phrase` answer in that language, one of `language.LANGUAGES`."""
    app = Flask("desk", root_path=str(language.PACKAGE))
    language.speak(app, lambda: chosen)
    words.teach(app)
    with app.app_context():
        yield


def page(pictures: Iterable[Picture], chosen: str) -> Iterator[str]:
    """One page with all of these, piece by piece, so that a folder of any size takes no more memory."""
    with speaking(chosen):
        yield from stream_template(
            "pictures.html",
            pictures=pictures,
            facts=facts,
            notes=notes,
            failed=failed,
            headings=headings,
            marks=[EVIDENCE, *PARTS],
            policy=POLICY,
            style=Markup(STYLE),  # noqa: S704 - it is ours, and holds nothing of a mail
        )


def facts(picture: Picture) -> Iterator[Fact]:
    """What was understood, part by part, for a mail without an error."""
    found = picture.found
    yield _kind(picture)
    yield _primary(picture)
    yield _categories(found, picture.doubted)
    yield _severity(found)
    yield _fact("concerned", *(_persons(found) if found["concerned"] else [gettext("nobody found")]))
    yield Fact("contact", gettext("Reporter"), list(_reporter(found)))
    yield _fact("missing", *_missing(found))
    yield Fact("language", gettext("Language"), [words.spoken(found["language"])])


def notes(picture: Picture) -> Iterator[str]:
    """What a reader should know of the text that is shown."""
    if picture.left_out:
        yield gettext("This mail is long: %(count)s characters are not shown.", count=picture.left_out)
    for one in picture.elsewhere:
        yield gettext(
            "Not in what is shown, but weighs for %(category)s: %(text)s",
            category=words.name(one["category"], "category"),
            text=one["text"],
        )


def failed(picture: Picture) -> str:
    return str(gettext("Nothing was understood: %(error)s", error=picture.error))


def headings() -> Mapping[str, str]:
    """What stands above the texts of a mail that are not its own words."""
    return {"quoted": gettext("Quoted from earlier messages"), "files": gettext("From the attachments")}


def _fact(part: str, *lines: str, **more: Any) -> Fact:
    return Fact(part, words.name(part, "field"), lines, **more)


def _kind(picture: Picture) -> Fact:
    found, known = picture.found, "kind" not in picture.doubted
    named = [words.name(found["kind"], "kind") if known else gettext("Meldpost does not know")]
    if found.get("automatic"):
        named.append(words.name(found["automatic"], "automatic"))
    ordered = sorted(found["kind_scores"].items(), key=lambda pair: -pair[1])
    bars = [
        Bar(words.name(slug, "kind"), score, known and slug == found["kind"])
        for slug, score in ordered
        if score >= _LEAST or slug == found["kind"]
    ]
    careful = known and bool(ordered) and found["kind_scores"].get(found["kind"], 0) < ordered[0][1]
    hint = gettext("In doubt the machine chooses what a person needs to read.") if careful else ""
    return _fact("kind", *named, bars=bars, hint=hint)


def _primary(picture: Picture) -> Fact:
    if "primary" in picture.doubted:
        return _fact("primary", gettext("Meldpost does not know"))
    primary = picture.found["primary"]
    return _fact("primary", words.name(primary, "category") if primary else gettext("none"))


def _categories(found: Mapping[str, Any], doubtful: frozenset[str]) -> Fact:
    bars = [
        Bar(_category(one), one["score"], one["slug"] == found["primary"] and "primary" not in doubtful)
        for one in found["categories"]
    ]
    return _fact("categories", *([] if bars else [gettext("none")]), bars=bars)


def _category(one: Mapping[str, Any]) -> str:
    subs = ", ".join(words.name(sub, "sub") for sub in one["sub"])
    name = words.name(one["slug"], "category")
    return f"{name} ({subs})" if subs else name


def _severity(found: Mapping[str, Any]) -> Fact:
    """Every grade, in their order: what lies beside the suggested one says on which side the doubt is."""
    slug, scores = found["severity"], found.get("severity_scores") or {}
    bars = [Bar(words.name(grade, "severity"), score, grade == slug) for grade, score in scores.items()]
    return _fact("severity", words.name(slug, "severity"), bars=bars, slug=slug)


def _persons(found: Mapping[str, Any]) -> Iterator[str]:
    for one, score in zip_longest(found["concerned"], found.get("concerned_scores") or ()):
        if one is not None:
            yield _sure(_person(one), score)


def _sure(told: str, score: float | None) -> str:
    """What is suggested, and how sure that is where it is known."""
    if score is None:
        return told
    return str(gettext("%(what)s (%(percent)s sure)", what=told, percent=f"{score * 100:.0f} %"))


def _person(one: Mapping[str, Any]) -> str:
    name = one["name"] or gettext("name unknown")
    return f"{name}, {one['function']}" if one["function"] else str(name)


def _reporter(found: Mapping[str, Any]) -> Iterator[str]:
    if found["anonymous"]:
        yield gettext("wants to stay unknown")
    ways = [" ".join(value.split()) for value in found["contact"].values() if value]
    yield from ways
    if not ways and not found["anonymous"]:
        yield gettext("nothing found")


def _missing(found: Mapping[str, Any]) -> list[str]:
    """Nobody asks what is missing in a mail that is no report."""
    if found["missing"]:
        scores = found.get("missing_scores") or {}
        return [_sure(words.name(slug, "missing"), scores.get(slug)) for slug in found["missing"]]
    return [gettext("nothing") if found["kind"] in _ASKABLE else "–"]
