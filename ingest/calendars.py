"""An invitation in a few lines (mail-cases 66). icalendar reads each line; one that is broken costs only itself.

Whole files are not given to the library: of one that ends too early it says nothing at all, and it looks up time zones
in files that a reader does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from icalendar.parser import Contentline, Parameters
from icalendar.prop import vText

from ingest.charsets import clean_line, clean_text

_LARGEST = 100_000
_MOST_LINES = 1000
_LONGEST_VALUE = 5000
_WORDS = {
    "METHOD": "Method",
    "SUMMARY": "Summary",
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "RRULE": "Repeats",
    "LOCATION": "Location",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendee",
    "STATUS": "Status",
    "COMMENT": "Comment",
    "DESCRIPTION": "Description",
}
_ANSWERS = frozenset({"accepted", "declined", "tentative", "delegated", "completed", "in-process"})
"""What an invited person says (RFC 5545 §3.2.12)."""
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_OURS = ("VEVENT", "VTODO", "VJOURNAL")


def summary(source: str) -> str:
    """What, when, where and who, in lines for a person; "" where the file says none of it."""
    said: dict[str, None] = {}
    inside = ""
    for name, parameters, value in _lines(source):
        if name == "BEGIN":
            inside = value.strip().upper()
        elif name == "END":  # an alarm ends, or an event
            inside = "" if value.strip().upper() in _OURS else "VEVENT"
        elif inside in _OURS or name == "METHOD":
            words = _in_words(name, parameters, value)
            if words:
                said[f"{_WORDS[name]}: {words}"] = None
    return "\n".join(said)


def _lines(source: str) -> Iterator[tuple[str, Parameters, str]]:
    """The lines that tell something: name, parameters, value (RFC 5545 §3.1). One that is broken is left out."""
    unfolded = clean_text(source)[:_LARGEST].replace("\n ", "").replace("\n\t", "")
    wanted = (*_WORDS, "BEGIN:", "END:")
    telling = (line for line in unfolded.split("\n") if line.upper().startswith(wanted))
    for _, line in zip(range(_MOST_LINES), telling, strict=False):
        try:
            name, parameters, value = Contentline(line[: 2 * _LONGEST_VALUE]).parts()  # type: ignore[no-untyped-call]
        except (ValueError, KeyError, IndexError, TypeError):
            continue
        if name.upper() in _WORDS or name.upper() in ("BEGIN", "END"):
            yield name.upper(), parameters, value


def _in_words(name: str, parameters: Parameters, value: str) -> str:
    if name in ("DTSTART", "DTEND", "DUE"):
        return _moment(value, str(parameters.get("TZID", "")))
    if name in ("ORGANIZER", "ATTENDEE"):
        person = clean_line(str(parameters.get("CN", "")))
        address = clean_line(value).removeprefix("mailto:").removeprefix("MAILTO:")
        answer = str(parameters.get("PARTSTAT", "")).lower()
        whole = f"{person} <{address}>" if person and person != address else address
        return f"{whole} ({answer})" if answer in _ANSWERS else whole
    return clean_text(str(vText.from_ical(value))).strip()[:_LONGEST_VALUE]


def _moment(value: str, zone: str) -> str:
    """A time as it is written there, with its zone: in whose time somebody reads it, a machine cannot know."""
    match = _TIME.match(value.strip())
    if not match:
        return clean_line(value)[:100]
    year, month, day, hour, minute, utc = match.groups()
    time = f" {hour}:{minute}" if hour else ""
    place = (" UTC" if utc else "") + (f" ({clean_line(zone)[:100]})" if zone else "")
    return f"{year}-{month}-{day}{time}{place}"
