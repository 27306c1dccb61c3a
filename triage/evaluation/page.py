"""The page that the evaluation writes, `docs/evaluation.md`."""

from collections.abc import Mapping, Sequence

from triage.evaluation import sections
from triage.evaluation.baselines import KEYWORDS, NGRAMS
from triage.evaluation.intervals import FEWEST
from triage.evaluation.results import Label, Result
from triage.evaluation.run import MELDPOST
from triage.evaluation.tables import AIMS, NAMES, measured, prose, table, told

DIAGRAM = "reliability.svg"
_UNKNOWN: Mapping[str, frozenset[str]] = {
    KEYWORDS: frozenset({"concerned_function_f1", "anonymous_f1", "language_accuracy"}),
    NGRAMS: frozenset(
        {
            "concerned_name_f1",
            "concerned_name_precision",
            "concerned_name_recall",
            "concerned_function_f1",
            "phone_f1",
            "address_f1",
            "language_accuracy",
        }
    ),
}
"""What a baseline has no answer to."""
_LABELS = (
    ("kind_accuracy", "kind"),
    ("reports_that_reach_a_person", "reach a person"),
    ("primary_category_accuracy", "primary"),
    ("category_micro_f1", "categories, F1"),
    ("severity_weighted_kappa", "severity, kappa"),
    ("language_accuracy", "language"),
)
_FIELDS = (
    ("concerned_name_f1", "names, F1"),
    ("concerned_function_f1", "functions, F1"),
    ("phone_f1", "telephone, F1"),
    ("address_f1", "address, F1"),
    ("missing_macro_f1", "missing, F1"),
    ("missing_exact_set", "missing, all right"),
)


def page(result: Result, date: str, diagram: str = DIAGRAM) -> str:
    """All tables, with what they mean."""
    parts = {
        "How well a mail is understood": f"{prose(stamp(result, date))}\n\n{_told()}",
        "All mails": _all(result),
        "By language": f"{_by_language(result, _LABELS)}\n\n{_by_language(result, _FIELDS)}",
        "By kind": _labels(result, "kind"),
        "By category": _labels(result, "category"),
        "By missing field": _labels(result, "missing"),
        "Do scores mean what they say?": sections.reliability(result, diagram),
        "What a receipt asks for": sections.asked(result),
        "Other people, other places": f"{sections.fairness(result)}\n\n{sections.fairness_told()}",
        "Does the evidence carry the suggestion?": sections.evidence(result),
        "Mails that are nearly the same": sections.leaks(result),
        "The plain ways beside it": _plain(),
    }
    heads = ["#", *["##"] * (len(parts) - 1)]
    return "\n\n".join(f"{h} {title}\n\n{text}" for h, (title, text) in zip(heads, parts.items(), strict=True)) + "\n"


def stamp(result: Result, date: str) -> str:
    """Which run the figures are of; the same words on every page."""
    each = "each writer" if result.groups == result.writers else f"each of {result.groups} groups of writers"
    return (
        f"Written by `make evaluate` on {date}: {result.mails} mails by {result.writers} writers, {each} judged by a "
        "model that had seen none of their mails."
    )


def _told() -> str:
    claim = prose(
        """**All mails are written by language models, and so is what is measured here. Nothing is claimed about real
        mail until a desk has measured it** (`meldpost evaluate --corpus` on labelled mails of its own)."""
    )
    how = prose(
        f"""The measures are those of the judge of the corpus: a mail without an answer counts as wrong, titles do not
        count in a name, a function is the same when half of its words are. In brackets stand 95 % intervals by
        bootstrap: writers drawn with replacement, and of each as many mails, a thousand times. Below {FEWEST} mails a
        figure is not measured."""
    )
    return f"{claim}\n\n{how}"


def _all(result: Result) -> str:
    rows = []
    for key, name in NAMES.items():
        aim = f"{AIMS[key]:.2f}" if key in AIMS else ""
        own = told(result.own, key)
        others = [_other(result, way, key) for way in (KEYWORDS, NGRAMS) if way in result.ways]
        rows.append([name, aim, f"**{own}**", *others])
    head = ["", "aim", MELDPOST, *(way for way in (KEYWORDS, NGRAMS) if way in result.ways)]
    return f"{table(head, rows)}\n\n{sections.unseen(result)}"


def _other(result: Result, way: str, key: str) -> str:
    return "–" if key in _UNKNOWN[way] else told(result.ways[way], key)


def _by_language(result: Result, columns: Sequence[tuple[str, str]]) -> str:
    rows = [
        [f"`{group.name}`", str(group.mails), *(told(group, key) for key, _ in columns)] for group in result.languages
    ]
    return table(["language", "mails", *(name for _, name in columns)], rows)


def _labels(result: Result, what: str) -> str:
    others = {way: {label.name: label for label in result.ways[way].labels} for way in result.ways if way != MELDPOST}
    rows = []
    for label in _of(result.own.labels, what):
        figures = [measured(f, label.there) for f in (label.precision, label.recall, label.f1)]
        plain = [measured(found[label.name].f1, label.there) for found in others.values()]
        rows.append([f"`{label.name.removeprefix(f'{what} ')}`", str(label.there), *figures, *plain])
    return table(["", "mails", "precision", "recall", "F1", *(f"F1, {way}" for way in others)], rows)


def _of(labels: Sequence[Label], what: str) -> list[Label]:
    return [label for label in labels if label.name.startswith(f"{what} ")]


def _plain() -> str:
    return prose(
        """*Keyword rules*: stems for each kind and category (`triage/evaluation/data/keywords.toml`), a pattern for
        long numbers, for Dutch addresses and for names behind a title. *Word n-grams*: single words and pairs, tf-idf,
        one logistic regression for each label (scikit-learn), trained without a tenth of the writers at a time. A dash:
        it has no answer to that."""
    )
