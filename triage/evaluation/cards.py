"""The figures in the model card and in the entry for the algorithm register: marked blocks, written anew each time.

<!-- figures: summary -->
what stands here is replaced
<!-- /figures -->
"""

import re
from collections.abc import Mapping

from triage.evaluation.fairness import Movement
from triage.evaluation.intervals import FEWEST
from triage.evaluation.page import stamp
from triage.evaluation.results import Result
from triage.evaluation.sections import calibration, evidence, fairness, unseen
from triage.evaluation.swaps import GENDERS, PEOPLE, PLACES, TOWNS
from triage.evaluation.tables import AIMS, NAMES, percent, prose, table, told

_BLOCK = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- /figures -->)", re.DOTALL)
_OPENS = "<!-- figures:"
BLOCKS = ("summary", "languages", "calibration", "asked", "fairness", "evidence", "kerncijfers", "eerlijkheid")
_KEYS = tuple(AIMS)
_DUTCH: Mapping[str, str] = {
    "kind_accuracy": "soort bericht juist",
    "reports_that_reach_a_person": "meldingen en aanvullingen herkend als iets dat een mens moet lezen",
    "primary_category_accuracy": "voornaamste categorie juist",
    "category_micro_f1": "categorieën (F1)",
    "concerned_name_f1": "namen van betrokkenen (F1)",
    "concerned_function_f1": "functies van betrokkenen (F1)",
    "phone_f1": "telefoonnummer van de melder (F1)",
    "address_f1": "adres van de melder (F1)",
    "missing_macro_f1": "ontbrekende gegevens (F1)",
    "missing_exact_set": "alle ontbrekende gegevens juist",
    "severity_weighted_kappa": "ernst (gewogen kappa)",
    "language_accuracy": "taal juist",
}


class BadDocument(ValueError):
    """A document has a block that nobody fills, or one without an end; the message says which."""


def has_figures(document: str) -> bool:
    return _OPENS in document


def filled(document: str, blocks: Mapping[str, str]) -> str:
    """The document with each marked block written anew; raises BadDocument."""
    names = [name for _, name, _ in _BLOCK.findall(document)]
    if len(names) != document.count(_OPENS):
        raise BadDocument("A block of figures has no end, or its name is not in small letters.")
    unknown = sorted(set(names) - set(blocks))
    if unknown:
        raise BadDocument(f"Nothing fills the block of figures called {unknown[0]}.")
    return _BLOCK.sub(lambda m: f"{m[1]}{blocks[m[2]]}\n{m[3]}", document)


def blocks(result: Result, date: str) -> dict[str, str]:
    """What stands in each of BLOCKS."""
    return {
        "summary": prose(f"{stamp(result, date)} All tables are in [evaluation.md](evaluation.md).")
        + f"\n\n{_summary(result)}",
        "languages": _languages(result),
        "calibration": calibration(result),
        "asked": _asked(result),
        "fairness": fairness(result),
        "evidence": evidence(result),
        "kerncijfers": f"{_dutch_stamp(result, date)}\n\n{_dutch_summary(result)}",
        "eerlijkheid": _dutch_fairness(result),
    }


def _summary(result: Result) -> str:
    summary = table(["", "aim", "measured"], [[NAMES[k], f"{AIMS[k]:.2f}", told(result.own, k)] for k in _KEYS])
    return f"{summary}\n\n{unseen(result)}"


def _languages(result: Result) -> str:
    keys = ("kind_accuracy", "primary_category_accuracy", "concerned_name_f1", "severity_weighted_kappa")
    rows = [[f"`{g.name}`", str(g.mails), *(told(g, k) for k in keys)] for g in result.languages]
    return table(["language", "mails", *(NAMES[key] for key in keys)], rows)


def _asked(result: Result) -> str:
    figures = result.own.figures
    return (
        f"Of {figures['asked'].value:.0f} fields that receipts would have asked for, "
        f"{percent(figures['asked_though_there'].value)} were there after all (aim: at most 2 %)."
    )


def _dutch_stamp(result: Result, date: str) -> str:
    return prose(
        f"""Gemeten op {date} met {result.mails} berichten van {result.writers} schrijvers, elk beoordeeld door een
        model dat van die schrijver niets had gezien. Alle berichten zijn door taalmodellen geschreven; over echte post
        zeggen deze cijfers niets zolang het meldpunt dat niet zelf heeft gemeten. Tussen haakjes het 95%-interval. Alle
        tabellen staan in [evaluation.md](evaluation.md) (Engels)."""
    )


def _dutch_summary(result: Result) -> str:
    rows = []
    for key in _KEYS:
        rows.append([_DUTCH[key], f"{AIMS[key]:.2f}".replace(".", ","), told(result.own, key, ",")])
    seen, reports = result.own.reaching
    missed = prose(
        f"""Van {reports} meldingen en aanvullingen werden er **{reports - seen}** niet herkend als iets dat een mens
        moet lezen. Ze staan in de lijst zoals alle andere, alleen lager."""
    )
    return f"{table(['', 'doel', 'gemeten'], rows)}\n\n{missed}"


def _dutch_fairness(result: Result) -> str:
    titles = {
        PEOPLE: "andere namen",
        PLACES: "andere landen en steden",
        TOWNS: "plaatsen die op geen lijst staan",
        GENDERS: "ander geslacht",
    }
    rows = [
        _dutch_movement(title, result.movements[kind, ""])
        for kind, title in titles.items()
        if (kind, "") in result.movements
    ]
    moves = [f"{what} verschuift" for what in ("soort", "categorie", "ernst")]
    head = ["verwisseld", "berichten", *moves, "grootste gemiddelde verandering van een score"]
    return table(head, rows)


def _dutch_movement(title: str, one: Movement) -> list[str]:
    if one.mails < FEWEST:
        return [title, str(one.mails), *["niet gemeten"] * 4]
    shares = [percent(one.moved[s]).replace(".", ",") for s in ("kind", "primary", "severity")]
    return [title, str(one.mails), *shares, f"{one.change:.3f}".replace(".", ",") if one.score else "niet gemeten"]
