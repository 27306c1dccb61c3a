"""Days and moments as people type them, on every computer alike: a browser's date field speaks the browser's language.

One field, day first, with an example beside it, as NL Design System has it. How the parts are divided does not matter.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import DateField, DateTimeField
from wtforms.widgets import TextInput

DAYS = ["%d-%m-%Y", "%Y-%m-%d", "%d%m%Y"]
YEARS = range(1900, 2200)
_MOMENT = re.compile("(.*[0-9])[T ]+([0-9]{1,2}):([0-9]{2})")
_TYPING = {"autocomplete": "off", "spellcheck": "false"}


class DayField(DateField):  # type: ignore[misc]
    """31-12-2026, or 31/12/2026, 31.12.2026, 31 12 2026, 31122026, 2026-12-31."""

    widget = TextInput()
    example = _l("For example 31-12-2026.")

    def __init__(self, label: LazyString, validators: Sequence[Any] = (), **more: Any) -> None:
        super().__init__(label, validators, format=DAYS, render_kw=_TYPING, **more)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        typed = " ".join(valuelist).strip()
        if typed:
            self.data = day_of(typed)
            if self.data is None:
                raise ValueError(_l("Write the day like this: 31-12-2026."))


class MomentField(DateTimeField):  # type: ignore[misc]
    """31-12-2026 14:30, with the day as above."""

    widget = TextInput()
    example = _l("For example 31-12-2026 14:30.")

    def __init__(self, label: LazyString, validators: Sequence[Any] = (), **more: Any) -> None:
        super().__init__(label, validators, format=f"{DAYS[0]} %H:%M", render_kw=_TYPING, **more)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        typed = " ".join(valuelist).strip()
        if typed:
            self.data = moment_of(typed)
            if self.data is None:
                raise ValueError(_l("Write the moment like this: 31-12-2026 14:30."))


def day_of(typed: str) -> date | None:
    """The day that somebody typed; None where it is none."""
    plain = re.sub("[-/. ]+", "-", typed.strip())
    for each in DAYS:
        try:
            found = datetime.strptime(plain, each).date()  # noqa: DTZ007 - a day, on no clock yet
        except ValueError:
            continue
        return found if found.year in YEARS else None
    return None


def moment_of(typed: str) -> datetime | None:
    """The moment that somebody typed, on no clock yet; None where it is none."""
    parts = _MOMENT.fullmatch(typed.strip())
    day = day_of(parts[1]) if parts else None
    try:
        return datetime.combine(day, time(int(parts[2]), int(parts[3]))) if parts and day else None
    except ValueError:
        return None
