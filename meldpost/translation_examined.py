"""What the doctor says of the program that translates messages."""

import shutil
from collections.abc import Iterator

from config.settings import TranslationSettings
from meldpost.findings import Finding, Verdict


def translation(settings: TranslationSettings) -> Iterator[Finding]:
    """Is it there? It is not run: what it does with a text is its administrator's to try."""
    if not settings.command:
        return
    program = settings.command[0]
    if shutil.which(program) is None:
        text = f"the program {program} is not there, or may not be run by this user. See command in [translation]."
        yield Finding("translation", Verdict.WRONG, text)
    elif not any("{from}" in part or "{to}" in part for part in settings.command):
        text = f"{program} is there, but is not told the languages. Give it {{from}} and {{to}} in [translation]."
        yield Finding("translation", Verdict.NOTE, text)
    else:
        yield Finding(
            "translation", Verdict.FINE, f"{program} is there. It reads what was reported: it must not pass it on."
        )
