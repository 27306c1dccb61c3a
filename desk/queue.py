"""The queue: every case of the desk, a page at a time, what needs a person first on top."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request

from cases.lifecycle import Status
from desk import gate
from desk.parts import parts
from store import outbox
from store.outbox import OutboxState
from store.queue import overdue_count, queue_page, status_counts

blueprint = Blueprint("queue", __name__)
blueprint.before_request(gate.require_member)

PAGE_SIZE = 50
LAST_PAGE = 1_000_000


@dataclass(frozen=True)
class Counts:
    """The numbers on top of the queue."""

    by_status: Mapping[Status, int]
    overdue: int
    held: int


@blueprint.get("/")
def show() -> str:
    """What needs a person; `?status=` shows one status, `?page=` goes on."""
    status, number = _status(), request.args.get("page", 1, type=int)
    if not 1 <= number <= LAST_PAGE:
        abort(404)
    ring, now = gate.ring(), parts().clock()
    with parts().database.read() as transaction:
        counts = Counts(
            by_status=status_counts(transaction, ring.desk),
            overdue=overdue_count(transaction, ring.desk, now),
            held=outbox.counts(transaction, ring.desk)[OutboxState.HELD],
        )
        page = queue_page(transaction, ring, page=number, size=PAGE_SIZE, status=None if status is None else [status])
    pages = max(1, -(-page.total // PAGE_SIZE))
    return render_template(
        "queue.html", section="queue", counts=counts, page=page, pages=pages, status=status, statuses=list(Status)
    )


def _status() -> Status | None:
    wanted = request.args.get("status")
    if wanted is None:
        return None
    try:
        return Status(wanted)
    except ValueError:
        abort(404)
