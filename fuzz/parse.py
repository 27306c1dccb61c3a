"""Coverage-guided fuzzing of all that a reader does with a mail: parse, send the answer, believe it or not.

`make fuzz` runs it for five minutes (`make fuzz SECONDS=3600`) in an environment of its own, from the seeds in
fuzz/corpus; docs/fuzzing.md tells the rest.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ingest", "email", "mailparser", "inscriptis", "icalendar", "binascii"]):
    from ingest.charsets import load_all_codecs
    from tests.ingest.fuzz import answered, read_whole


def one_mail(data: bytes) -> None:
    """A mail that is beyond the limits is refused; everything else that is raised is a finding."""
    answered(data)
    read_whole(data)


if __name__ == "__main__":
    load_all_codecs()
    atheris.Setup(sys.argv, one_mail)
    atheris.Fuzz()
