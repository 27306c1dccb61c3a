"""What the options of commands are checked by."""

from typing import Any

import click
from pydantic import TypeAdapter, ValidationError


class Checked(click.ParamType[str]):
    """Text that one of the settings' own checks lets pass; where it was asked for, it is asked again until it does."""

    name = "text"

    def __init__(self, form: Any) -> None:
        self._form = TypeAdapter(form)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(self._form.validate_python(str(value).strip()))
        except ValidationError as error:
            self.fail(error.errors()[0]["msg"].removeprefix("Value error, "), param, ctx)
