"""Who reported: closed on the page of a case until the member says why, and then open for a while in this log-in."""

from collections.abc import Set
from datetime import timedelta

from desk import gate
from desk.parts import parts
from store import identity
from store.casework import case_row
from store.identity import IdentityClosed


def is_open(case_id: str) -> bool:
    """Is who reported this case open here and now?"""
    now, lasts = parts().clock(), timedelta(minutes=parts().settings.web.identity_minutes)
    with parts().database.read() as transaction:
        return identity.is_open(transaction, gate.ring(), case_id, visit(), now, lasts)


def open_cases() -> Set[str]:
    """The cases of which who reported is open here and now."""
    now, lasts = parts().clock(), timedelta(minutes=parts().settings.web.identity_minutes)
    with parts().database.read() as transaction:
        return identity.opened(transaction, gate.ring(), visit(), now, lasts)


def require(case_id: str) -> None:
    """For what tells who reported. Raises NotFound, IdentityClosed."""
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)
    if not is_open(case_id):
        raise IdentityClosed("Nobody said why they open who reported this case.")


def visit() -> str:
    """The log-in in which it is open."""
    return (gate.session_id() or b"").hex()[:32]
