"""From the text of a mail to a report, step by step."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from config.taxonomy import SUBS, Category, Kind, MissingField, Severity
from triage import contact, filled_in, people
from triage.decisions import cautious, chosen, kind_of, severity_of
from triage.evidence import passages
from triage.introduced import Introductions
from triage.language import DEFAULT
from triage.linear import Floats, softmax
from triage.lower_case import with_lower_case
from triage.masking import Mask
from triage.mending import Mending
from triage.model import Model
from triage.people import Candidate, Judge
from triage.pretrained import as_trained
from triage.reading import Preparation, Prepared
from triage.report import CategoryScore, Concerned, Contact, MailText, Report
from triage.scoring import text_scores
from triage.second_look import looked_at_again
from triage.signals import Signals, is_a_reply
from triage.tagging import Tagged, decode, stretches
from triage.text import says_something

_DESCRIBES = 0.35
"""From this probability on that behaviour is described at all, categories are suggested."""
_SUB = 0.4
_ASKABLE = (Kind.MELDING, Kind.AANVULLING)
_FOUND = 0.5
"""A field that was found is never said to be missing with more than this probability."""


class Triage:
    """Understands mails; holds no text of any of them."""

    def __init__(self, model: Model, preparation: Preparation | None = None) -> None:
        """Raises BadModel where the pipeline that the model is built on is not there; `preparation` has it already."""
        self._model = model
        self._preparation = preparation or Preparation(as_trained(model.built_on) if model.built_on else None)
        self._signals = Signals()
        self._mending = Mending()
        self._introductions = Introductions()
        self._judge = Judge(model.names, model.functions)

    def understand(self, mail: MailText) -> Report:
        """The report of one mail; answers for any text, and the same for the same mail."""
        return self.understand_prepared(self._preparation.of(mail), mail)

    def understand_prepared(self, prepared: Prepared, mail: MailText) -> Report:
        """The same for a mail already prepared by a `Preparation`."""
        if not says_something(f"{mail.subject}\n{mail.own_text}\n{mail.quoted_text}\n{mail.attachment_text}"):
            return _unread(mail)
        tagged = self._tagged(prepared)
        candidates = people.candidates(tagged)
        mask = self._preparation.masking.without(_names(tagged), self._model.vocabulary)
        scores = text_scores(self._model, mask.bags(prepared.told, prepared.subject), prepared.vector)
        names, functions = self._judged(prepared, candidates, scores)
        found = contact.find(prepared, mail.from_name, mail.from_email, tagged)
        row = self._signals.row(prepared, scores, names, functions, found, mail.from_name)
        concerned = self._concerned(candidates, names, functions)
        report = self._report(prepared, row, found.contact, concerned, mask)
        return replace(report, concerned_scores=_sure(concerned, candidates, names, functions))

    def names(self, prepared: Prepared) -> list[str]:
        """All names in a mail, whosever they are."""
        return _names(self._tagged(prepared))

    def _tagged(self, prepared: Prepared) -> list[Tagged]:
        reading = prepared.reading
        tags, odds = decode(self._model.tagger, prepared.tagging, self._model.moves)
        found = stretches(tags, odds, reading.tokens, reading.text)
        mended = self._mending.of(found, odds, reading.tokens, reading.text)
        mended = with_lower_case(mended, reading.tokens, reading.text)
        is_name = self._model.vocabulary.is_unknown_name
        mended = self._introductions.with_introduced(mended, reading.tokens, reading.text, is_name)
        return filled_in.completed(mended, prepared.fields, reading.tokens, reading.text)

    def _judged(
        self, prepared: Prepared, found: Sequence[Candidate], scores: Floats
    ) -> tuple[list[float], list[float]]:
        """How likely each name, and each function, is that of a person concerned."""
        reading, fields = prepared.reading, prepared.fields
        all_names = [c for c in found if c.kind == "name"]
        names = filled_in.certain(all_names, self._judge.names(reading, found), fields)
        functions = self._judge.functions(reading, found, names)
        again = []
        for kind, firsts in (("name", names), ("function", functions)):
            of_kind = [c for c in found if c.kind == kind]
            second = looked_at_again(self._model.heads[f"concerned {kind}"], reading, of_kind, firsts, scores)
            again.append(filled_in.certain(of_kind, second, fields))
        return again[0], again[1]

    def _report(
        self,
        prepared: Prepared,
        row: Floats,
        how: Contact,
        concerned: tuple[Concerned, ...],
        mask: Mask,
    ) -> Report:
        kind_scores = self._kinds(prepared, row)
        kind = kind_of(kind_scores)
        categories, primary = self._categories(row)
        missing_scores = self._missing(row, how, concerned)
        return Report(
            language=prepared.language,
            kind=kind,
            kind_scores=kind_scores,
            categories=categories,
            primary=primary,
            severity=self._severity(row),
            severity_scores=dict(zip(Severity, self._shares("severity", row), strict=True)),
            concerned=concerned,
            contact=how,
            missing=tuple(f for f in MissingField if missing_scores[f] > _FOUND) if kind in _ASKABLE else (),
            missing_scores=missing_scores,
            anonymous=filled_in.asks_anonymity(prepared.fields) or self._yes("anonymous", row) >= 0.5,
            evidence=passages(self._model, prepared, [c.slug for c in categories], how, mask) if categories else (),
        )

    def _kinds(self, prepared: Prepared, row: Floats) -> dict[Kind, float]:
        """What a form filled in whole adds to is no earlier report, where it answers nothing."""
        scores = dict(zip(Kind, self._shares("kind", row), strict=True))
        if filled_in.is_whole(prepared.fields) and not is_a_reply(prepared):
            scores[Kind.MELDING] = round(scores[Kind.MELDING] + scores[Kind.AANVULLING], 6)
            scores[Kind.AANVULLING] = 0.0
        return scores

    def _shares(self, head: str, row: Floats) -> list[float]:
        return [round(float(p), 6) for p in softmax(self._model.heads[head].dense(row))]

    def _yes(self, head: str, row: Floats) -> float:
        return self._shares(head, row)[1]

    def _categories(self, row: Floats) -> tuple[tuple[CategoryScore, ...], Category | None]:
        if self._yes("describes", row) < _DESCRIBES:
            return (), None
        primary = list(Category)[int(np.argmax(self._shares("primary", row)))]
        scores = {c: self._yes(f"category {c}", row) for c in Category}
        border = self._model.numbers["category"]
        holding = [c for c in Category if c is primary or scores[c] >= border]
        found = [CategoryScore(c, scores[c], self._subs(c, row)) for c in holding]
        return tuple(sorted(found, key=lambda c: (c.slug is not primary, -c.score))), primary

    def _subs(self, category: Category, row: Floats) -> tuple[str, ...]:
        return tuple(s for s in SUBS.get(category, ()) if self._yes(f"sub {s}", row) >= _SUB)

    def _severity(self, row: Floats) -> Severity:
        expected = float(np.dot(self._shares("severity", row), np.arange(len(Severity))))
        return severity_of(expected, self._model.numbers)

    def _missing(self, row: Floats, how: Contact, concerned: tuple[Concerned, ...]) -> dict[MissingField, float]:
        scores: dict[MissingField, float] = {
            f: cautious(self._yes(f"missing {f}", row), self._model.numbers[f"sure {f}"])
            for f in MissingField
            if f is not MissingField.EMAIL
        }
        there: dict[MissingField, bool] = {
            MissingField.CONCERNED_NAME: any(c.name for c in concerned),
            MissingField.CONCERNED_FUNCTION: any(c.function for c in concerned),
            MissingField.ADDRESS: how.address is not None,
            MissingField.PHONE: how.phone is not None,
        }
        for field, is_there in there.items():
            # What is shown and what is said to be missing never contradict each other.
            scores[field] = min(scores[field], _FOUND) if is_there else max(scores[field], _FOUND + 0.01)
        scores[MissingField.EMAIL] = 0.0 if how.email else 1.0
        return {f: scores[f] for f in MissingField}

    def _concerned(
        self, candidates: Sequence[Candidate], names: Sequence[float], functions: Sequence[float]
    ) -> tuple[Concerned, ...]:
        all_names = [c for c in candidates if c.kind == "name"]
        all_functions = [c for c in candidates if c.kind == "function"]
        named = [all_names[i] for i in chosen(names, self._model.numbers["name"])]
        held = [all_functions[i] for i in chosen(functions, self._model.numbers["function"])]
        return people.paired(named, held)


def _sure(
    concerned: Sequence[Concerned], candidates: Sequence[Candidate], names: Sequence[float], functions: Sequence[float]
) -> tuple[float, ...]:
    """How likely each person is concerned: by their name, or by the function where they have none."""
    scores = {"name": iter(names), "function": iter(functions)}
    by_words = {(each.kind, each.text): next(scores[each.kind]) for each in candidates}
    return tuple(
        round(by_words["name", each.name] if each.name else by_words["function", each.function or ""], 6)
        for each in concerned
    )


def _names(tagged: Sequence[Tagged]) -> list[str]:
    return [each.text for each in tagged if each.kind == "name"]


def _unread(mail: MailText) -> Report:
    """Of a mail without words: nothing is claimed, but that it describes nothing."""
    kind_scores = {kind: 0.4 if kind is Kind.OVERIG else 0.15 for kind in Kind}
    missing = {field: 1.0 if field is MissingField.DESCRIPTION else _FOUND for field in MissingField}
    name, email = mail.from_name.strip(), mail.from_email.strip()
    return Report(
        language=DEFAULT,
        kind=Kind.OVERIG,
        kind_scores=kind_scores,
        categories=(),
        primary=None,
        severity=Severity.LAAG,
        concerned=(),
        contact=Contact(name or None, email or None, None, None),
        missing=(MissingField.DESCRIPTION,),
        missing_scores=missing,
        anonymous=False,
        evidence=(),
    )
