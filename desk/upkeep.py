"""What was begun with the keys of cases and not finished: taken up beside the requests when somebody logs in who can.

Two things are left behind: keys that were being made anew when a process ended, and cases to which somebody who left
the desk still stands on the list. Both take the key ring of a member.
"""

import logging
import threading

from cases.roles import May
from store import grants, rekeying
from store.database import Database
from store.keyring import KeyRing, Pins, desk_keys
from store.lookups import IndexKey

log = logging.getLogger(__name__)


class Upkeep:
    """All of one desk process. For many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._running: list[threading.Thread] = []

    def begin(self, ring: KeyRing, index: IndexKey, pins: Pins) -> None:
        """A member logged in: take up what they can."""
        thread = threading.Thread(target=self._take_up, args=(ring, index, pins), daemon=True, name="upkeep")
        with self._lock:
            self._running = [each for each in self._running if each.is_alive()] + [thread]
        thread.start()

    def close(self) -> None:
        """Wait until nothing is being done any more."""
        with self._lock:
            running, self._running = self._running, []
        for thread in running:
            thread.join()

    def _take_up(self, ring: KeyRing, index: IndexKey, pins: Pins) -> None:
        try:
            rekeying.take_up(self._database, ring, index)
            if ring.may(May.MANAGE_ACCESS):
                with self._database.read() as session:
                    outdated = grants.outdated(session, ring, index)
                    keys = desk_keys(session, ring.desk, pins)
                grants.renew_all(self._database, ring, index, keys, outdated)
        except Exception as error:  # noqa: BLE001 - whatever it is, the desk goes on, and the next log-in tries again
            log.error("what was left of the keys of cases is not finished: %s", type(error).__name__)  # noqa: TRY400
