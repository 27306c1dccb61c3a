"""`python -m tests.messages`: measure, and write docs/mime.md."""

import sys

from tests.messages.measure import MAILS, TOP, measured
from tests.messages.page import write

DOCUMENT = TOP / "docs" / "mime.md"

if __name__ == "__main__":
    if not (MAILS / "MANIFEST.jsonl").is_file():
        sys.exit(f"There is no {MAILS}. Name the folder above mime/ in MELDPOST_SHARED.")
    DOCUMENT.write_text(write(measured()), "utf-8")
    sys.stdout.write(f"wrote {DOCUMENT.relative_to(TOP)}\n")
