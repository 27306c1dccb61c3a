"""`meldpost train --from-desk`: a model from the corpus and the desk's own decisions, kept sealed beside the others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.message import kept_text
from meldpost.at_desk import AtDesk
from meldpost.counted import counted
from store import models
from store.lessons import lessons
from store.models import PACKAGED, Models, Version
from triage.corrections import labelled
from triage.labelled import CORPUS, Labelled
from triage.model import FORMAT
from triage.relearning import Figure, Learned, learn
from triage.training import Progress

Say = Callable[[str], None]


def kept_models(here: AtDesk) -> Models:
    """As they are now: those that saw a case which is gone are withdrawn first."""
    with here.database.begin() as session:
        models.withdraw_outlived(session, here.ring, here.index, _now())
        return models.kept(session, here.ring, here.index)


def examples(here: AtDesk) -> list[Labelled]:
    """The decided cases as labelled mails, in memory alone; those of which nothing is decided that teaches are none."""
    found = (
        labelled(
            *(each.case_id, kept_text(each.content, _files(each.content)), each.language, each.decided),
            alone=each.alone,
        )
        for each in lessons(here.database, here.ring, _now())
    )
    return [each for each in found if each.known]


def train(here: AtDesk, say: Say, progress: Progress, corpus: Path = CORPUS, seed: int = 0) -> bool:
    """Train, compare, say what was measured, and keep the new model unless it is worse. Raises TooFew, BadCorpus."""
    seen = kept_models(here).seen
    cases = examples(here)
    learned = learn(cases, seen, corpus, seed, progress)
    say(table(learned.figures))
    measured = {f"{each.of} {each.name}": (each.count, each.before, each.after) for each in learned.figures}
    with here.database.begin() as session:
        if learned.model is None:
            models.refused(session, here.ring, measured, _now())
        else:
            case_ids = [each.writer for each in cases]
            content = learned.model.to_bytes()
            number = models.add(session, here.ring, here.index, content, case_ids, measured, _now(), FORMAT)
            gone = models.withdraw_outlived(session, here.ring, here.index, _now())  # destroyed meanwhile
    if learned.model is None:
        say(_why(learned))
        return False
    if number in gone:
        say("A case that the new model had seen was destroyed meanwhile. The model was withdrawn; train anew.")
        return False
    say(
        f"Model {number} is in force; it has seen {counted(len(cases), 'case')}. "
        "To go back, add --back to this command."
    )
    return True


def use(here: AtDesk, number: int) -> str:
    """Raises NoSuchModel."""
    with here.database.begin() as session:
        models.withdraw_outlived(session, here.ring, here.index, _now())
        models.use(session, here.ring, here.index, number, _now())
    return _in_force(number)


def back(here: AtDesk) -> str:
    """To the model before the one in force, in the end to the packaged one."""
    return use(here, kept_models(here).before_current)


def listing(here: AtDesk) -> str:
    """Which models there are, what each has seen, and which is in force."""
    found = kept_models(here)
    packaged = f"{_mark(found, PACKAGED)} {PACKAGED:3}  comes with Meldpost"
    return "\n".join([packaged, *(_line(found, each) for each in found.versions)])


def table(figures: Sequence[Figure]) -> str:
    """What was measured before and after, a line each."""
    lines = [f"{'measured on':12} {'what':10} {'number':>6} {'before':>7} {'after':>7}"]
    for each in figures:
        numbers = f"{each.before:7.3f} {each.after:7.3f}" if each.count else "  not measured"
        lines.append(f"{each.of:12} {each.name:10} {each.count:6} {numbers}{'  worse' if each.is_worse else ''}")
    return "\n".join(lines)


def _why(learned: Learned) -> str:
    worse = ", ".join(f"{each.name} on {each.of}" for each in learned.figures if each.is_worse)
    return f"Refused: with the corrections it does worse than before ({worse}). Nothing was changed."


def _line(found: Models, each: Version) -> str:
    what = (
        "withdrawn: a case that it had seen is gone"
        if each.withdrawn
        else f"has seen {counted(len(each.case_ids), 'case')}"
    )
    return f"{_mark(found, each.number)} {each.number:3}  {each.made_at[:16].replace('T', ' ')}  {what}"


def _mark(found: Models, number: int) -> str:
    return "*" if found.current == number else " "


def _in_force(number: int) -> str:
    return "The model that comes with Meldpost is in force." if number == PACKAGED else f"Model {number} is in force."


def _files(content: Mapping[str, Any]) -> list[str]:
    return [str(each.get("text") or "") for each in content.get("attachments") or ()]


def _now() -> datetime:
    return datetime.now(UTC)
