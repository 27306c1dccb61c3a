"""What somebody would do who had taken over a reader by the last file of a mail: reads as always, and then tries.

Every library that reads a file has worked by then, in this very process.
"""

from __future__ import annotations

import hostile_reader

from ingest import reader
from ingest.nursery_parent import Job

prepare = reader.prepare


def serve(job: Job) -> None:
    reader.serve(job)
    hostile_reader.serve(job)
