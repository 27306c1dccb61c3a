"""The retention table of a desk, as an organisation writes it: in the configuration, or in a TOML file of its own."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from config.taxonomy import Category

ANY = "any"
KEEP = "keep"
ENDINGS = (
    "substantiated",
    "partly_substantiated",
    "unsubstantiated",
    "not_investigated",
    "handled_in_line",
    "referred",
    "withdrawn",
    "set_aside",
)
"""How a case can end: with an outcome, or set aside as not for the desk."""
TERM = re.compile(r"([1-9][0-9]{0,3}) (days?|months?|years?)")


def _term(value: str) -> str:
    if value != KEEP and not TERM.fullmatch(value):
        raise ValueError('write a term like "10 years", "2 months" or "90 days", or "keep" for what is never destroyed')
    return value


def _category(value: str) -> str:
    if value != ANY and value not in set(Category):
        raise ValueError(f'there is no such category; use one of {", ".join(Category)}, or "any"')
    return value


def _said(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("write one line of text: it stands in every declaration of destruction")
    return value.strip()


class RetentionRow(BaseModel):
    """How long the desk keeps cases that ended so, and why. The most exact row counts; of two that are equally exact
    the one that names the outcome."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Literal["any"] | Literal[ENDINGS] = ANY  # type: ignore[valid-type]
    category: Annotated[str, AfterValidator(_category)] = Field(ANY, description="The main category, as decided.")
    term: Annotated[str, AfterValidator(_term)] = Field(description='After closing: "10 years", "2 months", "keep".')
    ground: Annotated[str, AfterValidator(_said)] = Field(description="The legal ground of the term.")
    selection: str = Field("", max_length=40, description="The number in the selection list (Archiefwet).")

    @property
    def place(self) -> tuple[str, str]:
        return self.outcome, self.category


TWO_MONTHS = (
    RetentionRow(
        term="2 months",
        ground="AVG art. 5 lid 1 onder e: niet langer dan nodig, twee maanden na afsluiting",
    ),
)
"""The ready choice for private organisations: what the data protection authority takes for a fair term."""

RETENTION_EXAMPLE = (
    "retention = [",
    '  { outcome = "substantiated", term = "10 years", ground = "Archiefwet 1995, ...", selection = "..." },',
    '  { outcome = "set_aside", term = "3 months", ground = "Archiefwet 1995, ...", selection = "..." },',
    '  { category = "pesten", term = "5 years", ground = "Archiefwet 1995, ...", selection = "..." },',
    '  { term = "7 years", ground = "Archiefwet 1995, ...", selection = "..." },  # all others',
    "]",
)
"""Stands, commented out, in the configuration that `meldpost init` writes."""

CHOICES = {"": (), "two_months": TWO_MONTHS}


def refuse_double(rows: tuple[RetentionRow, ...]) -> None:
    """Raises ValueError where two rows are about the same."""
    seen = set()
    for row in rows:
        if row.place in seen:
            raise ValueError(f"two rows are about outcome {row.outcome!r} and category {row.category!r}: leave one out")
        seen.add(row.place)


def read_file(path: Path) -> tuple[RetentionRow, ...]:
    """The rows of a file with `[[retention]]` tables. Raises ValueError, whose message says what is wrong and where."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    if set(content) - {"retention"}:
        raise ValueError(f"{path} holds more than [[retention]] rows: is a name misspelt?")
    try:
        rows = TypeAdapter(tuple[RetentionRow, ...]).validate_python(content.get("retention", ()))
    except ValidationError as error:
        faults = "; ".join(f"row {each['loc'][0]}: {_fault(each['loc'][1:], each['msg'])}" for each in error.errors())
        raise ValueError(f"{path}: {faults}") from None
    refuse_double(rows)
    return rows


def _fault(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message.removeprefix('Value error, ')}"
