"""The searches of one session. Each has a random id, so that hits have an address in which no word stands."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping

MOST = 50
"""Searches that a session keeps: of more, those that nobody came back to for longest go."""


class Searches:
    """In the memory of this process alone, as the index is that they search, and wiped with it. For many threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, entry: Mapping[str, str]) -> str:
        """The id of a search, which is what the form of it held."""
        made = secrets.token_hex(16)
        with self._lock:
            self._kept[made] = dict(entry)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return made

    def find(self, search_id: str) -> Mapping[str, str] | None:
        """What was searched for; None where it is kept no more."""
        with self._lock:
            if search_id in self._kept:
                self._kept.move_to_end(search_id)
            return self._kept.get(search_id)

    def wipe(self) -> None:
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
