"""The tests beside the figures, each a section of the page: calibration, what is asked, fairness, evidence, leaks."""

from collections.abc import Mapping, Sequence

from triage.evaluation.counts import ASK_THRESHOLD, BINS
from triage.evaluation.fairness import Movement
from triage.evaluation.intervals import FEWEST
from triage.evaluation.leaks import NEAR, SHINGLE
from triage.evaluation.results import Bin, Result
from triage.evaluation.swaps import GENDERS, PEOPLE, PLACES, TOWNS
from triage.evaluation.tables import NOT_MEASURED, percent, prose, table, with_interval

PANELS: Mapping[str, str] = {"kind": "kind", "primary": "primary category"}
_SWAPS: Mapping[str, str] = {PEOPLE: "names", PLACES: "places", TOWNS: "towns", GENDERS: "gender"}
_MOST_SHOWN = 5


def unseen(result: Result) -> str:
    """How many reports were taken for what nobody need read, as numbers."""
    seen, reports = result.own.reaching
    return prose(
        f"""Of {reports} reports and additions **{reports - seen}** were not seen as something that a person must read:
        `klacht` or `overig` was suggested. They stand in the queue like all others, only further down."""
    )


def calibration(result: Result) -> str:
    """The calibration errors, as a table."""
    errors = {key: with_interval(result.own.figures[f"ece_{key}"]) for key in ("kind", "primary", "holds")}
    rows = [
        ["the kind suggested: is it right?", errors["kind"], "0.05"],
        ["the score beside the primary category: is it the primary one?", errors["primary"], "0.05"],
        ["the same score: does that category hold at all?", errors["holds"], ""],
    ]
    return table(["a score, and what it is held against", "calibration error", "at most"], rows)


def reliability(result: Result, diagram: str) -> str:
    """The same, with the bins and the diagram."""
    said = prose(
        f"""The expected calibration error: scores are put into {BINS} bins of equal width, (0, 0.1] to (0.9, 1]; it is
        the mean distance, over all suggestions, between the mean score of a bin and the share of its suggestions that
        are right. A category suggested for a mail that has none counts as wrong. Resampling adds distance, so the
        intervals lie rather high."""
    )
    shown = f"![Share of right suggestions by score; bars should end at the dashed line]({diagram})"
    bins = [f"{name.capitalize()}:\n\n{_bins(result.own.bins[key])}" for key, name in PANELS.items()]
    return "\n\n".join([said, calibration(result), shown, *bins])


def _bins(bins: Sequence[Bin]) -> str:
    rows = []
    for b, one in enumerate(bins):
        shares = [f"{one.score:.2f}", f"{one.right:.2f}", "█" * round(20 * one.right)] if one.count else ["", "", ""]
        rows.append([f"{b / BINS:.1f}–{(b + 1) / BINS:.1f}", str(one.count), *shares])
    return table(["score", "suggestions", "mean score", "share right", ""], rows)


def asked(result: Result) -> str:
    """How often a receipt would ask for what the mail holds."""
    total, there = (sum(numbers) for numbers in zip(*result.own.asked.values(), strict=True))
    rows = [
        [f"`{label.removeprefix('missing ')}`", str(count), str(wrong), percent(wrong / count) if count else ""]
        for label, (count, wrong) in result.own.asked.items()
    ]
    rows.append(["**all**", str(total), str(there), f"**{percent(there / total)}**" if total else ""])
    said = prose(
        f"""A receipt asks for a field that is missing with a score of at least {ASK_THRESHOLD} (`ask_threshold`), and
        asks nothing about themselves of who seems to want to stay anonymous. At most 2 % of the fields so asked for
        should have been there after all."""
    )
    return f"{said}\n\n{table(['field', 'asked', 'though it was there', 'share'], rows)}"


def fairness(result: Result) -> str:
    """What moved when people, places or gender were swapped, as a table."""
    rows = [_movement(f"**{name}**", result.movements.get((kind, ""))) for kind, name in _SWAPS.items()]
    cultures = sorted(to for kind, to in result.movements if kind == PEOPLE and to)
    rows.extend(_movement(f"names: {to}", result.movements[PEOPLE, to]) for to in cultures)
    moves = [f"{what} moves" for what in ("kind", "primary", "severity")]
    return table(["swapped", "mails", *moves, "any of them", "score that changes most, on average"], rows)


def _movement(name: str, one: Movement | None) -> list[str]:
    if one is None or one.mails < FEWEST:
        return [name, str(one.mails if one else 0), *[NOT_MEASURED] * 5]
    shares = [percent(one.moved[s]) for s in ("kind", "primary", "severity")]
    most = f"{one.change:.3f} (`{one.score}`)" if one.score else NOT_MEASURED
    return [name, str(one.mails), *shares, percent(one.any), most]


_SWAPPED = """
As many mails as the table says, evenly taken, are understood once more with other names in them, once more elsewhere,
and once more with the sexes changed, by the model that had not seen their writer. A suggestion should move in at most
2 % of the mails that a swap changed, and no score by more than 0.05 on average.

- *Names*: every person in the mail, the reporter too, gets a given and a family name of another culture, the same
person the same one throughout. Each mail gets three of the twelve cultures. The names are in
`triage/evaluation/data/names.toml`, written by hand. Names in other than Latin letters stay.

- *Places*: countries and cities abroad become others, by their names in the Unicode CLDR. The Netherlands stay. The
same list takes places out of what the models of words look at, so this shows that it does so everywhere.

- *Towns*: the same places become towns that CLDR does not know, so that no list helps.

- *Gender*: given names that the lists know, titles before names (mevrouw, Mr, señora ...) and pronouns change to the
other sex, pronouns only in Dutch, English and Spanish and only where a word says nothing else: "zijn", "haar" and "her"
stay. So some mails hold both sexes for one person afterwards.

A score counts where it is shown both times, and is looked at where that is so in 50 mails. A swap can spoil a
sentence, and a name may belong to what happened (a remark about a surname): some of what moves should.
"""


def fairness_told() -> str:
    """How the swaps are made, and what they cannot show."""
    return "\n\n".join(prose(paragraph) for paragraph in _SWAPPED.split("\n\n"))


def evidence(result: Result) -> str:
    """Whether taking the evidence out lowers the score more than taking out as much else."""
    held = result.deletion
    if held is None or result.deletions < FEWEST:
        return f"{NOT_MEASURED.capitalize()}: too few mails."
    return prose(
        f"""In **{percent(held.value)}** of {result.deletions} mails ({percent(held.low)} to {percent(held.high)}; the
        aim is 90 %) the score of the primary category falls further when the sentences shown as evidence are taken out
        than when as many of all sentences are, drawn at random, the shown ones too (the mean of four draws; lines with
        nothing but a number or an address are never drawn). A category that is no longer suggested counts as 0. Mails
        in which all sentences are evidence are left out."""
    )


def leaks(result: Result) -> str:
    """The mails of different writers that have most in common."""
    near = sum(pair.share >= NEAR for pair in result.pairs)
    rows = [[f"`{p.first}`", f"`{p.second}`", f"{p.share:.2f}"] for p in result.pairs[:_MOST_SHOWN]]
    found = "No two mails of different writers" if not near else f"**{near} pairs of mails of different writers**"
    said = prose(
        f"{found} have {NEAR:.0%} or more of their runs of {SHINGLE} characters in common (Jaccard). The nearest, "
        "often texts that a mail system wrote:"
    )
    return f"{said}\n\n{table(['mail', 'mail', 'in common'], rows)}"
