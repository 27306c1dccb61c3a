"""What is wrong with the forms of a page, gathered while it is made, to stand on top with links to fields.

A template says what is wrong where the field stands (`_forms.html`); the frame of the page (`base.html`) is written
after that, and before it on the page. So no form can be forgotten, and none says it twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, g
from wtforms import Field, Form, HiddenField


@dataclass(frozen=True)
class Fault:
    """`place`: the id of the field, "" where it is none that a person sees."""

    label: str
    text: str
    place: str


def install(app: Flask) -> None:
    app.jinja_env.globals.update(note_fault=note, take_faults=take, described=described)


def note(field: Field, place: str) -> str:
    """Have what is wrong with a field stand on top; writes nothing here."""
    seen = place and not isinstance(field, HiddenField)
    words = " ".join(str(error) for error in field.errors if not isinstance(error, Mapping | list | tuple))
    _noted().append(Fault(str(field.label.text) if seen else "", words, place if seen else ""))
    return ""


def take() -> tuple[Fault, ...]:
    """What was noted since this was asked before."""
    found = tuple(_noted())
    _noted().clear()
    return found


def described(field: Field, place: str, *, hint: bool = False) -> Mapping[str, str]:
    """What a control says of its hint and of what is wrong with it (WCAG 2.2, 1.3.1 and 3.3.1)."""
    by = [*([f"{place}-hint"] if hint else ()), *([f"{place}-error"] if field.errors else ())]
    said = {"aria_describedby": " ".join(by)} if by else {}
    return {**said, "aria_invalid": "true"} if field.errors else said


def _noted() -> list[Fault]:
    if "faults" not in g:
        g.faults = []
    found: list[Fault] = g.faults
    return found


class NotFilledIn(Exception):
    """A form of a case cannot be carried out as it was sent: the page of the case comes back with it.

    `place`: the id of its section. `asked`: the id of the field in which its reason stands.
    """

    def __init__(self, case_id: str, place: str, form: Form, asked: str) -> None:
        super().__init__("A form is not filled in as it should be.")
        self.case_id, self.place, self.form, self.asked = case_id, place, form, asked
