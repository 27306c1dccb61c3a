"""Who a member of a desk is, and what that lets them do.

What a member can open follows from the keys they hold, never from this table alone: it says which keys a role is given,
and which pages and commands are theirs.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    COORDINATOR = "coordinator"
    DEPUTY = "deputy"
    INVESTIGATOR = "investigator"  # single cases only
    ADVISER = "adviser"  # of the external support point: a coordinator of a desk of their own
    SECRETARY_GENERAL = "secretary_general"  # reads what is put before them
    AUDITOR = "auditor"  # the trail and figures, no content
    ADMINISTRATOR = "administrator"  # runs the system, opens nothing


class May(StrEnum):
    """What a role lets a member do."""

    OPEN_THE_DESK = "open_the_desk"  # holds the desk's key: every case but those they are kept out of
    OPEN_GRANTED = "open_granted"  # single cases, by a key of their own
    WRITE = "write"  # notes, decisions, status, mail to the reporter
    MANAGE_ACCESS = "manage_access"  # grants, shut-outs, members
    SET_TEXTS = "set_texts"  # of the desk, that letters begin from
    DESTROY = "destroy"
    READ_TRAIL = "read_trail"
    READ_FIGURES = "read_figures"
    SEE_SYSTEM = "see_system"


_FULL = frozenset({*May} - {May.SEE_SYSTEM})
_MAY: Mapping[Role, frozenset[May]] = {
    Role.COORDINATOR: _FULL,
    Role.DEPUTY: _FULL,
    Role.ADVISER: _FULL,
    Role.INVESTIGATOR: frozenset({May.OPEN_GRANTED, May.WRITE}),
    Role.SECRETARY_GENERAL: frozenset({May.OPEN_GRANTED, May.READ_FIGURES}),
    Role.AUDITOR: frozenset({May.READ_TRAIL, May.READ_FIGURES}),
    Role.ADMINISTRATOR: frozenset({May.SEE_SYSTEM}),
}


def may(role: Role, what: May) -> bool:
    """Does this role let its bearer do that?"""
    return what in _MAY[role]


def holds_the_desk_key(role: Role) -> bool:
    """Is the desk's private key sealed to members of this role?"""
    return may(role, May.OPEN_THE_DESK)
