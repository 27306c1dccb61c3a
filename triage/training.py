"""From labelled mails to a model. The same mails and seed give the same model on the same machine.

Whatever a later model learns from an earlier one comes from writers whom the earlier one has not seen (`Folds`, and for
the text model each writer left out alone, `Learning`): scores on mails seen in training are too good, and a model fed
with them would trust them too much.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from config.taxonomy import Category, Kind, MissingField, Severity
from triage import contact, people, spacy_pipeline
from triage.decisions import chosen, severity_of
from triage.fitting import (
    Mask,
    Rows,
    best_threshold,
    fit_head,
    fit_judge,
    fit_tagger,
    gold_tags,
)
from triage.labelled import CORPUS, TARGETS, Labelled, Sentence, read, read_sentences
from triage.linear import Floats, Linear, softmax
from triage.matching import overlap, same_name
from triage.mending import Mending
from triage.model import MODEL, Model
from triage.pretrained import Pretrained
from triage.reading import Preparation, Prepared
from triage.second_look import looked_at_again, standing
from triage.signals import TEXT_OUTPUTS, Signals
from triage.tagging import Tagged, decode, stretches
from triage.vocabulary import Usage, Vocabulary
from triage.wording import ALL_SUBS, Example, Learning, Wording

Progress = Callable[[str], None]
INNER_FOLDS = 3
_WRONG, _ENOUGH = 0.01, 50
_OF_CAPITALS = "de"
"""The language that gives capitals to all nouns."""
_TOPICS = slice(TEXT_OUTPUTS.index(f"primary {next(iter(Category))}"), TEXT_OUTPUTS.index(f"sub {ALL_SUBS[0]}"))
"""The signals that say which category: others only add noise there."""
_WORDS = slice(0, len(TEXT_OUTPUTS))
"""The signals that no name and no sender moves: how grave a thing is does not hang on who tells it of whom."""


def train(
    corpus: Path = CORPUS,
    model: Path = MODEL,
    seed: int = 0,
    progress: Progress = lambda _: None,
    pipeline: str = "",
) -> Model:
    """Train on a folder of labelled mails and write the model to another, as a spaCy pipeline.

    `pipeline` names a pretrained one to build on; raises BadPipeline where that is not there.
    """
    pretrained = Pretrained.open(pipeline) if pipeline else None
    progress("reading the corpus")
    mails = read(corpus)
    usage = usage_in(mails)
    trained = fit(prepare(mails, usage, pretrained), usage, seed, progress, read_sentences(corpus), pretrained)
    spacy_pipeline.write(trained, model)
    return trained


def _none(_: Prepared) -> Sequence[str]:
    return ()


def usage_in(mails: Sequence[Labelled]) -> Usage:
    """Who uses which words."""
    return Usage(
        (m.writer, f"{m.mail.subject}\n{m.mail.own_text}\n{m.mail.quoted_text}", m.gold["lang"] == _OF_CAPITALS)
        for m in mails
    )


def prepare(
    mails: Sequence[Labelled],
    usage: Usage,
    pretrained: Pretrained | None = None,
    names: Callable[[Prepared], Sequence[str]] = _none,
) -> list[Example]:
    """Tokens, n-grams, places and, where a model is to be built on a pretrained pipeline, the vector of every mail.

    Each mail is looked at as one of a writer whose words nobody counted. `names` finds them in a mail whose labels do
    not say where all names stand.
    """
    preparation = Preparation(pretrained)
    return [_example(m, usage.unseen_by(m.writer), preparation, names) for m in mails]


def _example(
    labelled: Labelled,
    vocabulary: Vocabulary,
    preparation: Preparation,
    names: Callable[[Prepared], Sequence[str]],
) -> Example:
    gold, prepared = labelled.gold, preparation.of(labelled.mail)
    told = [person["name"] for person in gold["people"]] if "mentions" in labelled.known else names(prepared)
    mask = preparation.masking.without(told, vocabulary)
    passages = " ".join(gold["evidence"]) if gold["primary"] else ""
    bags = mask.bags(prepared.told, prepared.subject)
    return Example(labelled, prepared, bags, mask.bags(passages) if passages else None)


def fit(
    examples: Sequence[Example],
    usage: Usage,
    seed: int = 0,
    progress: Progress = lambda _: None,
    sentences: Sequence[Sentence] = (),
    pretrained: Pretrained | None = None,
) -> Model:
    """Train on prepared mails, and on single sentences that tell of misconduct, or of none. `usage` and `pretrained`
    are those that the mails were prepared with."""
    progress("learning words")
    return fit_around(Learning(examples, usage, sentences, pretrained).of_all(), examples, seed, progress)


def fit_around(
    wording: Wording, examples: Sequence[Example], seed: int = 0, progress: Progress = lambda _: None
) -> Model:
    """Train all that follows on what words tell, which was learned from the same mails."""
    return _Training(wording, examples, seed, progress).run()


class Folds:
    """Writers dealt into groups; each group's mails are judged by models trained on the others."""

    def __init__(self, writers: Sequence[str], seed: int, count: int = INNER_FOLDS) -> None:
        names = sorted(set(writers))
        order = np.random.default_rng(seed).permutation(len(names))
        self.count = max(2, min(count, len(names)))
        number = {names[j]: i % self.count for i, j in enumerate(order)}
        self.of = np.array([number[w] for w in writers])


def _dealt(examples: Sequence[Example], seed: int) -> tuple[Rows, range]:
    """The group of each mail. Those of which not everything is known are dealt by themselves: the others lie in the
    same groups with them and without, and each group has some of the others."""
    whole = np.array([e.labelled.known == TARGETS for e in examples])
    group, count = np.zeros(len(examples), dtype=np.int64), 0
    for part in (np.flatnonzero(whole).tolist(), np.flatnonzero(~whole).tolist()):
        if len(part):
            folds = Folds([examples[i].labelled.writer for i in part], seed)
            group[part], count = folds.of, max(count, folds.count)
    return group, range(count)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The two looks at candidates of one kind, and what both say of mails whose writers they had not seen."""

    first: Linear
    again: Linear
    scores: list[list[float]]


_SAME: Mapping[str, Callable[[str, str], bool]] = {"name": same_name, "function": lambda a, b: overlap(a, b) >= 0.5}


class _Training:
    def __init__(self, wording: Wording, examples: Sequence[Example], seed: int, progress: Progress) -> None:
        self.wording, self.examples, self.seed, self.progress = wording, examples, seed, progress
        self.gold = [e.labelled.gold for e in examples]
        self.fold, self.folds = _dealt(examples, seed)

    def _known(self, target: str) -> Mask:
        """For which mails somebody said this."""
        return np.array([e.knows(target) for e in self.examples])

    def run(self) -> Model:
        self.progress("learning names, functions and addresses")
        tagger, moves, tagged = self._tagger()
        self.progress("learning who is concerned")
        judges, found = self._judges(tagged, self.wording.scores)
        self.progress("calibrating")
        name_scores, function_scores = judges["name"].scores, judges["function"].scores
        rows = self._signals(self.wording.scores, tagged, name_scores, function_scores)
        heads = {**self._heads(rows), **{f"concerned {kind}": judge.again for kind, judge in judges.items()}}
        numbers = self._numbers(rows, heads, found, name_scores, function_scores)
        names, functions = judges["name"].first, judges["function"].first
        text, built_on = self.wording.weights()
        vocabulary = self.wording.learning.usage.of({e.labelled.writer for e in self.examples})
        return Model(*self.wording.idf, text, tagger, moves, names, functions, heads, numbers, vocabulary, built_on)

    # -- names, functions, addresses ---------------------------------------------------------------------------------

    def _tagger(self) -> tuple[Linear, Floats, list[list[Tagged]]]:
        rows = [e.prepared.tagging for e in self.examples]
        tags = [gold_tags(e.prepared.reading.tokens, e.prepared.reading.text, e.labelled.gold) for e in self.examples]
        tagged: list[list[Tagged]] = [[] for _ in rows]
        mending, marked = Mending(), self._known("mentions")
        for held_out in self.folds:
            use = np.flatnonzero((self.fold != held_out) & marked)
            model, moves = fit_tagger([rows[i] for i in use], [tags[i] for i in use], self.seed)
            for i in np.flatnonzero(self.fold == held_out).tolist():
                reading = self.examples[i].prepared.reading
                best, odds = decode(model, rows[i], moves)
                found = stretches(best, odds, reading.tokens, reading.text)
                tagged[i] = mending.of(found, odds, reading.tokens, reading.text)
        use = np.flatnonzero(marked)
        model, moves = fit_tagger([rows[i] for i in use], [tags[i] for i in use], self.seed)
        return model, moves, tagged

    def _judges(
        self, tagged: Sequence[Sequence[Tagged]], text_scores: Floats
    ) -> tuple[dict[str, _Judged], list[list[people.Candidate]]]:
        found = [people.candidates(t) for t in tagged]
        readings = [e.prepared.reading for e in self.examples]
        name_rows = [people.name_facts(r, c) for r, c in zip(readings, found, strict=True)]
        name, name_scores = self._judge("name", name_rows, self._right("name", found))
        function_rows = [people.function_facts(r, c, s) for r, c, s in zip(readings, found, name_scores, strict=True)]
        function, function_scores = self._judge("function", function_rows, self._right("function", found))
        firsts = {"name": (name, name_scores), "function": (function, function_scores)}
        judged = {
            kind: self._look_again(kind, first, found, scores, text_scores) for kind, (first, scores) in firsts.items()
        }
        return judged, found

    def _right(self, kind: str, found: Sequence[Sequence[people.Candidate]]) -> list[list[bool]]:
        """Which candidates of this kind the report is about."""
        same = _SAME[kind]
        golds = [[g[kind] for g in gold["concerned"] if g[kind]] for gold in self.gold]
        return [
            [any(same(c.text, g) for g in gold) for c in cs if c.kind == kind]
            for gold, cs in zip(golds, found, strict=True)
        ]

    def _judge(
        self, kind: str, rows: Sequence[Sequence[Rows]], gold: Sequence[Sequence[bool]]
    ) -> tuple[Linear, list[list[float]]]:
        known = self._known(kind)

        def fitted(use: Sequence[int]) -> Linear:
            return fit_judge([r for i in use for r in rows[i]], [g for i in use for g in gold[i]], people.BITS)

        scores: list[list[float]] = [[] for _ in rows]
        for held_out in self.folds:
            model = fitted(np.flatnonzero((self.fold != held_out) & known).tolist())
            for i in np.flatnonzero(self.fold == held_out).tolist():
                scores[i] = [people.probability(model, row) for row in rows[i]]
        return fitted(np.flatnonzero(known).tolist()), scores

    def _look_again(
        self,
        kind: str,
        first: Linear,
        found: Sequence[Sequence[people.Candidate]],
        firsts: Sequence[Sequence[float]],
        text_scores: Floats,
    ) -> _Judged:
        readings = [e.prepared.reading for e in self.examples]
        of_kind = [[c for c in cs if c.kind == kind] for cs in found]
        rows = [
            standing(r, cs, scores, text)
            for r, cs, scores, text in zip(readings, of_kind, firsts, text_scores, strict=True)
        ]
        gold, known = self._right(kind, found), self._known(kind)

        def fitted(use: Sequence[int]) -> Linear:
            return fit_head(np.concatenate([rows[i] for i in use]), [g for i in use for g in gold[i]], [False, True])

        scores: list[list[float]] = [[] for _ in rows]
        for held_out in self.folds:
            head = fitted(np.flatnonzero((self.fold != held_out) & known).tolist())
            for i in np.flatnonzero(self.fold == held_out).tolist():
                scores[i] = looked_at_again(head, readings[i], of_kind[i], firsts[i], text_scores[i])
        return _Judged(first, fitted(np.flatnonzero(known).tolist()), scores)

    # -- signals and heads -------------------------------------------------------------------------------------------

    def _signals(
        self,
        text_scores: Floats,
        tagged: Sequence[Sequence[Tagged]],
        names: Sequence[Sequence[float]],
        functions: Sequence[Sequence[float]],
    ) -> Floats:
        signals, rows = Signals(), []
        for i, example in enumerate(self.examples):
            mail = example.labelled.mail
            found = contact.find(example.prepared, mail.from_name, mail.from_email, tagged[i])
            rows.append(signals.row(example.prepared, text_scores[i], names[i], functions[i], found, mail.from_name))
        return np.array(rows)

    def _heads(self, rows: Floats) -> dict[str, Linear]:
        gold = self.gold
        labelled = np.array([bool(g["categories"]) for g in gold])
        graded = np.array([g["severity"] is not None for g in gold])
        judged = np.array([e.labelled.tells_what_it_lacks for e in self.examples])
        of_a_kind, told, signed = (self._known(target) for target in ("kind", "categories", "anonymous"))
        yes_no = [False, True]

        def some(mask: Mask, values: Sequence[object]) -> list[object]:
            return [v for v, use in zip(values, mask, strict=True) if use]

        heads = {
            "kind": fit_head(rows[of_a_kind], some(of_a_kind, [g["kind"] for g in gold]), [k.value for k in Kind]),
            "describes": fit_head(rows[told], labelled[told].tolist(), yes_no),
            "anonymous": fit_head(rows[signed], some(signed, [bool(g["anonymous"]) for g in gold]), yes_no),
            "primary": fit_head(
                rows[labelled], some(labelled, [g["primary"] for g in gold]), [c.value for c in Category], _TOPICS, 0.03
            ),
            "severity": fit_head(
                rows[graded], some(graded, [g["severity"] for g in gold]), [s.value for s in Severity], _WORDS
            ),
        }
        for category in Category:
            heads[f"category {category}"] = fit_head(
                rows[labelled], some(labelled, [category in g["categories"] for g in gold]), yes_no
            )
        for sub in ALL_SUBS:
            heads[f"sub {sub}"] = fit_head(rows[labelled], some(labelled, [sub in g["sub"] for g in gold]), yes_no)
        for field in MissingField:
            if field is not MissingField.EMAIL:
                heads[f"missing {field}"] = fit_head(
                    rows[judged], some(judged, [field in g["missing"] for g in gold]), yes_no
                )
        return heads

    def _numbers(
        self,
        rows: Floats,
        heads: dict[str, Linear],
        found: Sequence[Sequence[people.Candidate]],
        names: Sequence[Sequence[float]],
        functions: Sequence[Sequence[float]],
    ) -> dict[str, float]:
        """Thresholds that do best on mails whose writers the models had not seen."""
        numbers = {}
        for kind, scores in (("name", names), ("function", functions)):
            told = [i for i, e in enumerate(self.examples) if e.labelled.is_report and kind in e.labelled.known]

            def measure(
                first: float,
                told: Sequence[int] = told,
                kind: str = kind,
                scores: Sequence[Sequence[float]] = scores,
            ) -> float:
                return self._f1(told, found, kind, scores, first)

            numbers[kind] = best_threshold(measure, 0.1, 0.7)
        numbers["category"] = self._category_threshold(rows, heads)
        numbers.update(self._severity_borders(rows, heads))
        numbers.update(self._sure(rows))
        return numbers

    def _f1(
        self,
        use: Sequence[int],
        found: Sequence[Sequence[people.Candidate]],
        kind: str,
        scores: Sequence[Sequence[float]],
        first: float,
    ) -> float:
        hits = chosen_count = gold_count = 0
        for i in use:
            texts = [c.text for c in found[i] if c.kind == kind]
            picked = [texts[j] for j in chosen(scores[i], first)]
            gold = [g[kind] for g in self.gold[i]["concerned"] if g[kind]]
            hits += sum(any(_SAME[kind](c, g) for c in picked) for g in gold)
            chosen_count += len(picked)
            gold_count += len(gold)
        return 2 * hits / max(chosen_count + gold_count, 1)

    def _category_threshold(self, rows: Floats, heads: dict[str, Linear]) -> float:
        labelled = np.array([bool(g["categories"]) for g in self.gold])
        scores = np.stack([yes(heads[f"category {c}"], rows[labelled]) for c in Category], axis=1)
        primary = heads["primary"].dense(rows[labelled]).argmax(axis=1)
        gold = np.array([[c in g["categories"] for c in Category] for g in self.gold if g["categories"]])

        def micro_f1(threshold: float) -> float:
            holding = scores >= threshold
            holding[np.arange(len(holding)), primary] = True
            return float(2 * (holding & gold).sum() / (holding.sum() + gold.sum()))

        return best_threshold(micro_f1, 0.2, 0.6)

    def _sure(self, rows: Floats) -> dict[str, float]:
        """For each field the score from which on next to no mail of an unseen writer held it after all."""
        judged = np.flatnonzero([e.labelled.tells_what_it_lacks for e in self.examples])
        fold, numbers = self.fold[judged], {}
        for field in MissingField:
            if field is MissingField.EMAIL:
                continue
            gold = np.array([field in self.gold[i]["missing"] for i in judged])
            scores = np.zeros(len(judged))
            for held_out in self.folds:
                use = fold != held_out
                scores[~use] = yes(fit_head(rows[judged[use]], gold[use].tolist(), [False, True]), rows[judged[~use]])
            numbers[f"sure {field}"] = sure_from(scores, gold)
        return numbers

    def _severity_borders(self, rows: Floats, heads: dict[str, Linear]) -> dict[str, float]:
        graded = np.array([g["severity"] is not None for g in self.gold])
        expected = softmax(heads["severity"].dense(rows[graded])) @ np.arange(4)
        order = list(Severity)
        gold = np.array([order.index(g["severity"]) for g in self.gold if g["severity"] is not None])
        borders = {"severity 1": 0.6, "severity 2": 1.5, "severity 3": 2.4}
        for _ in range(2):
            for name, middle in (("severity 1", 0.6), ("severity 2", 1.5), ("severity 3", 2.3)):

                def kappa(border: float, name: str = name) -> float:
                    tried = {**borders, name: border}
                    return _kappa(gold, np.array([order.index(severity_of(e, tried)) for e in expected]))

                borders[name] = best_threshold(kappa, middle - 0.5, middle + 0.5)
        return borders


def yes(head: Linear, rows: Floats) -> Floats:
    """The probability of yes from a head of two."""
    return softmax(head.dense(rows))[..., 1]


def sure_from(scores: Floats, gold: Mask) -> float:
    """The lowest score above which at most one in a hundred is wrong, of at least fifty; above 1 where none is."""
    order = np.argsort(-scores)
    wrong = np.cumsum(~gold[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero((wrong <= _WRONG) & (np.arange(len(order)) >= _ENOUGH))
    return float(scores[order][good[-1]]) if len(good) else 1.05


def _kappa(gold: Rows, said: Rows) -> float:
    """Quadratic weighted kappa."""
    observed = float(((gold - said) ** 2).mean())
    expected = float(((gold[:, None] - said[None, :]) ** 2).mean())
    return 1 - observed / expected if expected else 1.0
