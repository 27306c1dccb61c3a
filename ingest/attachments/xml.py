"""The words of an XML document that somebody else made: no entity is made, nothing is fetched, no tree is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lxml import etree

from ingest.attachments.task import Budget, Text

BROKEN = (etree.LxmlError, ValueError)

_PIECE = 64 * 1024


class Handler(Protocol):
    """Names come without their namespaces. Nothing more is read once `text.is_full`."""

    text: Text

    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...
    def data(self, data: str) -> None: ...
    def end(self, name: str) -> None: ...


class _Target:
    """What lxml calls, in the order of the document."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._handler.start(_local(tag), attributes)

    def end(self, tag: str) -> None:
        self._handler.end(_local(tag))

    def data(self, data: str) -> None:
        self._handler.data(data)

    def doctype(self, *_: str | None) -> None:
        """Where entities are made; no office program writes one."""
        raise ValueError("a document type")

    def close(self) -> None:
        pass


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def read(document: bytes, handler: Handler, budget: Budget) -> None:
    """Raises one of BROKEN where it is no XML, with what came before that already read; stops when the time is over."""
    parser = etree.XMLParser(
        target=_Target(handler),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    for at in range(0, len(document), _PIECE):
        if handler.text.is_full or not budget.left:
            return
        parser.feed(document[at : at + _PIECE])
    parser.close()


class Words:
    """Takes what stands in the elements `holders` (None: in all), and after each element of `after` its sign. What lies
    in one of `silent` does not count."""

    def __init__(
        self, text: Text, holders: frozenset[str] | None, after: Mapping[str, str], silent: frozenset[str]
    ) -> None:
        self.text = text
        self._holders = holders
        self._after = after
        self._silent = silent
        self._names: list[str] = []
        self._quiet = 0

    def start(self, name: str, _: Mapping[str, str]) -> None:
        self._names.append(name)
        self._quiet += name in self._silent

    def data(self, data: str) -> None:
        if not self._quiet and (self._holders is None or (self._names and self._names[-1] in self._holders)):
            self.text.add(data)

    def end(self, name: str) -> None:
        if self._names:
            self._names.pop()
        self._quiet -= name in self._silent
        if not self._quiet and name in self._after:
            self.text.add(self._after[name])
