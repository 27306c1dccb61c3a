"""The two nurseries of a running Meldpost: readers take mails apart, understanders read their text."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.settings import Settings
from ingest.isolation import ProcessLimits
from ingest.readers import Readers
from ingest.understanding import Understanders

log = logging.getLogger(__name__)


@contextmanager
def nurseries(
    settings: Settings, reading: ProcessLimits | None = None, model: bytes | None = None
) -> Iterator[tuple[Readers, Understanders]]:
    """Both, started side by side, and ended at the end. A reader may take `reading`, by itself what the settings say.

    `model` is one of the desk's own (`Model.to_bytes`), handed over in memory; without it, that of the settings.
    Raises NotIsolated, NurseryGone.
    """
    limits = settings.limits
    usual = ProcessLimits(limits.reader_seconds, limits.reader_seconds, limits.reader_memory_bytes)
    readers = Readers(reading or usual, settings.isolation, ocr=settings.ocr)
    with ExitStack() as stack:
        held = stack.enter_context(_in_memory(model)) if model is not None else None
        understanders = Understanders(
            limits.understand_seconds,
            settings.isolation,
            model=settings.triage.model if held is None else Path(f"/proc/self/fd/{held}"),
            inherited=() if held is None else (held,),
        )
        stack.callback(understanders.close)
        stack.callback(readers.close)
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.submit(readers.start), pool.submit(understanders.start)
            first.result()
            second.result()
        yield readers, understanders


@contextmanager
def _in_memory(content: bytes) -> Iterator[int]:
    """A file that is on no disk: its descriptor."""
    descriptor = os.memfd_create("model", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield descriptor


def keep_running(readers: Readers, understanders: Understanders) -> None:
    """Start anew what has ended; who holds the old one learns that it is gone, and is given the new one next time."""
    for nursery in (readers, understanders):
        if not nursery.is_running():
            log.error("the nursery for %s has ended; starting it anew", type(nursery).__name__.lower())
            nursery.close()
            nursery.start()
