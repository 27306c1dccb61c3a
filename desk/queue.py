"""The queue: every case of the desk, a page at a time, what needs a person first on top."""

from flask import Blueprint, abort, render_template, request

from cases.lifecycle import Status
from desk import gate
from desk.parts import parts
from store.queue import queue_counts, queue_page

blueprint = Blueprint("queue", __name__)
blueprint.before_request(gate.require_member)

PAGE_SIZE = 50


@blueprint.get("/")
def show() -> str:
    """All open cases; `?status=` shows one status, `?page=` goes on."""
    status = _status()
    number = request.args.get("page", 1, type=int)
    if not 1 <= number <= 1_000_000:
        abort(404)
    ring, now = gate.ring(), parts().clock()
    with parts().database.read() as transaction:
        counts = queue_counts(transaction, ring.desk, now)
        page = queue_page(transaction, ring, number, PAGE_SIZE, status)
    return render_template(
        "queue.html", section="queue", counts=counts, page=page, status=status, statuses=list(Status), number=number
    )


def _status() -> Status | None:
    wanted = request.args.get("status")
    if wanted is None:
        return None
    try:
        return Status(wanted)
    except ValueError:
        abort(404)
