"""How a report came that did not come by mail, and what was written down of a conversation."""

from collections.abc import Mapping
from datetime import datetime

from store.casework import CaseView

CONVERSATIONS = ("telephone", "in_person")


def minutes_of(view: CaseView) -> str:
    """What was written down of a conversation, as far as the member opens it; "" where there was none."""
    said = (each.content.get("own_text") or "" for each in view.messages if way_of(each.content) in CONVERSATIONS)
    return next(filter(None, (each.strip() for each in said)), "")


def held_at(view: CaseView) -> datetime | None:
    """When the conversation was held whose minutes there are; None where there was none."""
    return next((each.received_at for each in view.messages if way_of(each.content) in CONVERSATIONS), None)


def way_of(content: Mapping[str, object]) -> str:
    """How a message came that did not come by mail; "" for a mail."""
    intake = content.get("intake")
    return str(intake.get("way") or "") if isinstance(intake, dict) else ""
