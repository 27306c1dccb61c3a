"""To whom a reporter can be referred, as a member chooses it."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from desk import gate
from desk.parts import parts

OTHER = "other"
PLACES: Mapping[str, LazyString] = {
    "complaints": _l("The complaints procedure: another complaint about the organisation"),
    "advice": _l("The support point: confidential advice"),
    OTHER: _l("Somebody else, whom I name in the letter"),
}


def choices() -> Mapping[str, LazyString | str]:
    """To whom a reporter can be referred: by the settings of the desk, too."""
    desk = parts().settings.desks[gate.ring().desk]
    named = {each.name: each.name for each in desk.referrals}
    return {**{slug: PLACES[slug] for slug in ("complaints", "advice")}, **named, OTHER: PLACES[OTHER]}
