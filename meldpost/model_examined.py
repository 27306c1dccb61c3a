"""What the doctor says of the model that mails are understood with, and of those that a desk trains itself."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings, TriageSettings
from meldpost.findings import Finding, Verdict
from meldpost.startup import NotReady, existing_database
from store.models import outlived_on_trail
from triage.model import MODEL, BadModel, Model
from triage.pretrained import as_trained

_WHAT = "understanding"


def model(settings: TriageSettings) -> Finding:
    """Which model is used, and whether the pipeline that it is built on is there."""
    used = f"by the model in {settings.model}" if settings.model else "by the model that comes with Meldpost"
    try:
        found = Model.load(settings.model or MODEL).built_on
        if found is not None:
            as_trained(found)
    except BadModel as error:
        return Finding(_WHAT, Verdict.WRONG, str(error))
    if settings.pipeline and (found is None or found.name != settings.pipeline):
        text = f"{used}, which is not built on {settings.pipeline}. Run meldpost train with this configuration."
        return Finding(_WHAT, Verdict.NOTE, text)
    if found is None:
        return Finding(_WHAT, Verdict.FINE, used)
    return Finding(_WHAT, Verdict.FINE, f"{used}, on the spaCy pipeline {found.name} {found.version}, which is there")


def desks_own_models(settings: Settings) -> Iterator[Finding]:
    """A note for each desk whose own model saw a case that is gone."""
    try:
        database = existing_database(settings)
        try:
            with database.read() as session:
                due = [desk for desk in settings.desks if outlived_on_trail(session, desk)]
        finally:
            database.close()
    except (NotReady, SQLAlchemyError):
        return
    for desk in due:
        text = (
            "a case that it had learned from is gone, so it is used no more. A member trains one anew without that "
            f"case: meldpost train --from-desk {desk} --login NAME"
        )
        yield Finding(f"own model of {desk}", Verdict.NOTE, text)
