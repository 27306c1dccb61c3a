"""The two nurseries of a running Meldpost: readers take mails apart, understanders read their text."""

from collections.abc import Iterator
from contextlib import contextmanager

from ingest.understanding import Understanders

from config.settings import Settings
from ingest.isolation import ProcessLimits
from ingest.readers import Readers


@contextmanager
def nurseries(settings: Settings) -> Iterator[tuple[Readers, Understanders]]:
    """Both, started, and ended at the end. Raises NotIsolated, NurseryGone."""
    limits = settings.limits
    reading = ProcessLimits(limits.reader_seconds, limits.reader_seconds, limits.reader_memory_bytes)
    with (
        Readers(reading, settings.isolation).start() as readers,
        Understanders(isolation=settings.isolation).start() as understanders,
    ):
        yield readers, understanders
