"""The minutes of a conversation: what the reporter answered to them is noted, for who opened who reported."""

from flask import Blueprint
from flask_babel import gettext
from sqlalchemy.orm import Session

from cases.minutes import MinutesAnswer
from cases.roles import May
from desk import case, gate, identity
from desk.changes import Answer, carry_out
from desk.forms import CaseForm, MinutesForm
from desk.language import zone
from desk.parts import parts
from desk.ways import held_at
from store import minutes
from store.casework import NotFound

blueprint = Blueprint("minutes", __name__, url_prefix="/cases/<case_id>/minutes")
blueprint.before_request(gate.require(May.WRITE))


@blueprint.post("")
def answer(case_id: str) -> Answer:
    """Note what the reporter answered, in the place of what was noted. Raises NotFound where there are no minutes."""
    identity.require(case_id)
    held = held_at(case.look(case_id))
    if held is None:
        raise NotFound("There are no minutes in this case.")
    form = MinutesForm()
    form.held, form.today = held.astimezone(zone()).date(), parts().clock().astimezone(zone()).date()

    def change(transaction: Session, version: int) -> None:
        on = form.answered.data
        assert on is not None  # a form that is valid has one
        told = (MinutesAnswer(form.answer.data), on, form.corrections.data or "")
        about = (transaction, gate.ring(), gate.index(), case_id)
        minutes.note_answer(*about, *told, version=version, now=parts().clock())

    return carry_out(case_id, "minutes", form, change)


@blueprint.post("/undo")
def take_back(case_id: str) -> Answer:
    """Take back what was noted of the minutes."""
    identity.require(case_id)

    def change(transaction: Session, version: int) -> None:
        about = (transaction, gate.ring(), gate.index(), case_id)
        minutes.take_answer_back(*about, version=version, now=parts().clock())

    return carry_out(case_id, "minutes", CaseForm(), change, gettext("Undone."))
