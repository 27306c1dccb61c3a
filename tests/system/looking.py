"""`python -m tests.system.looking CONFIG FOUND`: do one round, and tell what its process had to load and what it froze.

A program, since a process has one fork server, which keeps what it was first told to load.
"""

import gc
import json
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from config.settings import load
from ingest.nurseries import nurseries
from ingest.readers import Readers
from ingest.understanding import Understanders
from meldpost import work
from meldpost.daemon import fork_server
from meldpost.supervisor import Supervisor, Work


def take_in_and_look(
    reports: Connection, config: Path, readers: Readers, understanders: Understanders, found: Path
) -> None:
    """Do a round; write which modules it loaded that were not there before, and how many objects it froze."""
    before = set(sys.modules)
    work.take_in_mail(reports, config, 30, "desk", readers, understanders)
    loaded = sorted(set(sys.modules) - before)
    found.write_text(json.dumps({"loaded": loaded, "frozen": gc.get_freeze_count()}), encoding="utf-8")


def main(config: Path, found: Path) -> None:
    context = fork_server()
    with nurseries(load(config)) as both:
        supervisor = Supervisor([Work("round", take_in_and_look, (config, *both, found), 600)], context)
        supervisor.wake("round")
        supervisor.run(until_idle=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
