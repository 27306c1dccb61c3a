"""Writes a configuration file: every setting with its explanation, those that were given set, the others commented out.

The explanations are those of `config.settings`, so that file and program cannot differ.
"""

import json
import os
import secrets
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import tomlkit
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.errors import ConfigError
from config.settings import MAILBOX_KINDS, DeskSettings, MailboxSettings, Settings, load

WIDTH = 110
KEYED: Mapping[str, Callable[[Mapping[str, Any]], type[BaseModel]]] = {
    "desks": lambda _: DeskSettings,
    "mailboxes": lambda values: MAILBOX_KINDS.get(values.get("kind", "imap"), MailboxSettings),
}
"""Settings that are tables of tables, and the model of each by what it holds."""


def render(values: Mapping[str, Any]) -> str:
    """The text of a configuration file. `values` has the shape of the settings, and holds only what differs."""
    head = ["# Configuration of Meldpost. What is commented out shows its default. Secrets do not belong here.", ""]
    return "\n".join([*head, *_table((), Settings, values)]).rstrip() + "\n"


def render_more(values: Mapping[str, Any]) -> str:
    """What a further desk and its mailboxes add to the end of a configuration file."""
    return "\n".join(_keyed(values)).rstrip() + "\n"


def _table(path: tuple[str, ...], model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[str]:
    nested: list[tuple[str, type[BaseModel]]] = []
    if path:
        yield f"[{'.'.join(path)}]"
        yield from _comment(model.__doc__ or "")
    for name, field in model.model_fields.items():
        kind = field.annotation
        if name in KEYED and not path:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            nested.append((name, kind))
            continue
        yield from _comment(field.description or "")
        yield _setting(name, field, values)
        if name not in values:
            yield from _example(field)
    yield ""
    for name, kind in nested:
        yield from _table((*path, name), kind, values.get(name, {}))
    if not path:
        yield from _keyed(values)


def _keyed(values: Mapping[str, Any]) -> Iterator[str]:
    for name, keyed in KEYED.items():
        for key, inner in values.get(name, {}).items():
            yield from _table((name, key), keyed(inner), inner)


def _setting(name: str, field: FieldInfo, values: Mapping[str, Any]) -> str:
    if name in values:
        return f"{name} = {_toml(values[name])}"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        raise ValueError(f"the setting {name} has no default and was not given")
    return f"# {name} =" if default is None else f"# {name} = {_toml(default)}"


def _example(field: FieldInfo) -> Iterator[str]:
    """How it could look, for what a default does not show."""
    more = field.json_schema_extra
    if isinstance(more, dict):
        yield from (f"# {line}" for line in cast("Iterable[str]", more.get("example", ())))


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(" ".join(text.split()), WIDTH):
        yield f"# {line}"


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case tuple() | list():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case Mapping():
            return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
        case _:
            # JSON's string escapes are TOML's too (TOML 1.0, strings), but for U+007F
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")


def pin(path: Path, desk: str, keys: Mapping[str, str]) -> None:
    """Put other public keys of a desk into the configuration, whole or not at all. All else stays as it is, comments
    too. Raises ConfigError where the file is not what counts."""
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table: Any = document["desks"]
    for name, value in keys.items():
        table[desk][name] = value
    write_over(path, tomlkit.dumps(document))
    settings = load(path).desks[desk]
    for name, value in keys.items():
        if getattr(settings, name) != value:
            raise ConfigError(
                f"{name} of desk {desk} was put into {path}, but another value counts: an environment variable sets "
                "it. Take that out."
            )


def write_over(path: Path, text: str) -> None:
    """Put a new file in the place of one that is there, whole or not at all, with the same owner and rights."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_private(fresh, text)
        before = path.stat()
        fresh.chmod(before.st_mode & 0o777)
        if os.geteuid() == 0:
            os.chown(fresh, before.st_uid, before.st_gid)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that is not there yet, readable to its owner alone; it is on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
