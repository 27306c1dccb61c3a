"""What the doctor says of the model that mails are understood with."""

from config.settings import TriageSettings
from meldpost.findings import Finding, Verdict
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
