"""docs/sealed-format.md names every vector, and no other."""

import re
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_the_document_names_every_vector_and_no_other() -> None:
    named: set[str] = set()
    for row in (TOP / "docs/sealed-format.md").read_text().splitlines():
        first = ""
        for name in re.findall(
            r"`((?:good|broken)?-[a-z0-9*-]+|good-[a-z0-9-]+)`", row.split("|")[1] if "|" in row else ""
        ):
            if name.startswith("broken-flip-"):
                first = "broken-flip"
            elif name.startswith("broken-"):
                first = "broken"
            named.add(name if not name.startswith("-") else first + name)
    whole = {name.removesuffix("*") for name in named if name.endswith("*")}
    files = {path.stem for path in (TOP / "tests/store/vectors").glob("*.json")}
    assert {file for file in files if not file.startswith(tuple(whole))} == {
        name for name in named if not name.endswith("*")
    }
    assert all(any(file.startswith(start) for file in files) for start in whole)
