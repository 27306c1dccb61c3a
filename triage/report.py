"""The report: what was understood of one mail, and the JSON objects that carry it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.taxonomy import SUBS, Category, Kind, MissingField, Severity
from triage.decisions import with_care


class InvalidReport(ValueError):
    """An object that claims to be a report is not one. Says which key is wrong, never what stood there."""


@dataclass(frozen=True, slots=True)
class MailText:
    """What is looked at of a mail. The caller has told the reporter's own words from quoted and forwarded ones."""

    subject: str
    from_name: str
    from_email: str
    own_text: str
    quoted_text: str
    attachment_text: str = ""


@dataclass(frozen=True, slots=True)
class CategoryScore:
    slug: Category
    score: float
    sub: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Concerned:
    """A person the report is about, as the mail names them: by name, by function, or both."""

    name: str | None
    function: str | None


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the reporter; None where the mail does not say."""

    name: str | None
    email: str | None
    phone: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage of the mail, exactly as written, and the category that it weighs for."""

    text: str
    category: Category


@dataclass(frozen=True, slots=True)
class Report:
    """Suggestions about one mail, with calibrated scores: a score of 0.9 should be right nine times in ten."""

    language: str
    kind: Kind
    kind_scores: Mapping[Kind, float]
    categories: tuple[CategoryScore, ...]
    primary: Category | None
    severity: Severity
    concerned: tuple[Concerned, ...]
    contact: Contact
    missing: tuple[MissingField, ...]
    missing_scores: Mapping[MissingField, float]
    """For each required field the probability that the mail lacks it."""
    anonymous: bool
    evidence: tuple[Evidence, ...]
    severity_scores: Mapping[Severity, float] = field(default_factory=dict)
    """For each grade the probability that it is this one; `severity` is chosen by the grade to be expected, and so need
    not be the likeliest."""
    concerned_scores: tuple[float, ...] = ()
    """For each of `concerned` the probability that the report is about them."""

    def to_json(self) -> dict[str, Any]:
        """The contract's object, without "file" and "automatic", which only the caller knows."""
        return {
            "language": self.language,
            "kind": self.kind.value,
            "kind_scores": {kind.value: score for kind, score in self.kind_scores.items()},
            "categories": [{"slug": c.slug.value, "score": c.score, "sub": list(c.sub)} for c in self.categories],
            "primary": self.primary.value if self.primary else None,
            "severity": self.severity.value,
            "severity_scores": {grade.value: score for grade, score in self.severity_scores.items()},
            "concerned": [{"name": c.name, "function": c.function} for c in self.concerned],
            "concerned_scores": list(self.concerned_scores),
            "contact": {
                "name": self.contact.name,
                "email": self.contact.email,
                "phone": self.contact.phone,
                "address": self.contact.address,
            },
            "missing": [field.value for field in self.missing],
            "missing_scores": {field.value: score for field, score in self.missing_scores.items()},
            "anonymous": self.anonymous,
            "evidence": [{"text": e.text, "category": e.category.value} for e in self.evidence],
        }

    @property
    def chosen_with_care(self) -> bool:
        """Another kind has the higher score, but the doubt is on the side of a report."""
        return with_care(self.kind, self.kind_scores)

    def to_wire(self) -> dict[str, Any]:
        """The whole report, for another process: the contract's object and "chosen_with_care"."""
        return {**self.to_json(), "chosen_with_care": self.chosen_with_care}

    @classmethod
    def from_wire(cls, data: object) -> "Report":
        """The report that `to_wire` described; raises InvalidReport for anything else."""
        return _Reader(data).report()


class _Reader:
    """Checks every value on the way: a worker that read hostile text is not trusted to answer well."""

    def __init__(self, data: object) -> None:
        self._data = _mapping(data, "report")

    def report(self) -> Report:
        try:
            return self._report()
        except InvalidReport:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidReport(f"The report does not follow the contract ({type(error).__name__}).") from None

    def _report(self) -> Report:
        data = self._data
        contact = _mapping(data["contact"], "contact")
        return Report(
            language=_text(data["language"], "language"),
            kind=Kind(data["kind"]),
            kind_scores={Kind(k): _score(v) for k, v in _mapping(data["kind_scores"], "kind_scores").items()},
            categories=tuple(_category(c) for c in _list(data["categories"], "categories")),
            primary=None if data["primary"] is None else Category(data["primary"]),
            severity=Severity(data["severity"]),
            concerned=tuple(
                Concerned(_optional(c["name"], "concerned"), _optional(c["function"], "concerned"))
                for c in (_mapping(c, "concerned") for c in _list(data["concerned"], "concerned"))
            ),
            contact=Contact(**{k: _optional(contact[k], "contact") for k in ("name", "email", "phone", "address")}),
            missing=tuple(MissingField(f) for f in _list(data["missing"], "missing")),
            missing_scores={
                MissingField(k): _score(v) for k, v in _mapping(data["missing_scores"], "missing_scores").items()
            },
            anonymous=_flag(data["anonymous"], "anonymous"),
            evidence=tuple(
                Evidence(_text(e["text"], "evidence"), Category(e["category"]))
                for e in (_mapping(e, "evidence") for e in _list(data["evidence"], "evidence"))
            ),
            severity_scores={
                Severity(k): _score(v) for k, v in _mapping(data["severity_scores"], "severity_scores").items()
            },
            concerned_scores=tuple(_score(v) for v in _list(data["concerned_scores"], "concerned_scores")),
        )


def _category(data: object) -> CategoryScore:
    entry = _mapping(data, "categories")
    slug = Category(entry["slug"])
    subs = tuple(_text(s, "sub") for s in _list(entry["sub"], "sub"))
    if not set(subs) <= set(SUBS.get(slug, ())):
        raise InvalidReport("The report does not follow the contract: sub.")
    return CategoryScore(slug, _score(entry["score"]), subs)


def _mapping(value: object, key: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(k, str) for k in value):
        raise InvalidReport(f"The report does not follow the contract: {key}.")
    return value


def _list(value: object, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidReport(f"The report does not follow the contract: {key}.")
    return value


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise InvalidReport(f"The report does not follow the contract: {key}.")
    return value


def _optional(value: object, key: str) -> str | None:
    return None if value is None else _text(value, key)


def _flag(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidReport(f"The report does not follow the contract: {key}.")
    return value


def _score(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidReport("The report does not follow the contract: a score lies outside 0 to 1.")
    return float(value)
