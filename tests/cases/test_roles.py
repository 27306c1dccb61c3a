"""What a role lets a member do."""

from collections.abc import Mapping

import pytest

from cases.roles import May, Role, holds_the_desk_key, may

_OF_THE_DESK = frozenset(
    {
        *(May.OPEN_THE_DESK, May.OPEN_GRANTED, May.WRITE, May.MANAGE_ACCESS, May.SET_TEXTS, May.DESTROY),
        *(May.READ_TRAIL, May.READ_FIGURES),
    }
)
THEIRS: Mapping[Role, frozenset[May]] = {
    Role.COORDINATOR: _OF_THE_DESK,
    Role.DEPUTY: _OF_THE_DESK,
    Role.ADVISER: _OF_THE_DESK,
    Role.INVESTIGATOR: frozenset({May.OPEN_GRANTED, May.WRITE}),
    Role.SECRETARY_GENERAL: frozenset({May.OPEN_GRANTED, May.READ_FIGURES}),
    Role.AUDITOR: frozenset({May.READ_TRAIL, May.READ_FIGURES}),
    Role.ADMINISTRATOR: frozenset({May.SEE_SYSTEM}),
}
"""Said a second time, apart from the code, and what each page of the desk is tried with (tests/desk/test_access.py)."""


@pytest.mark.parametrize("role", list(Role))
def test_a_role_lets_its_bearer_do_exactly_what_is_theirs(role: Role) -> None:
    assert {what for what in May if may(role, what)} == THEIRS[role]


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.SECRETARY_GENERAL, Role.AUDITOR, Role.ADMINISTRATOR])
def test_whoever_is_not_of_the_desk_itself_gets_no_key_of_the_desk(role: Role) -> None:
    assert not holds_the_desk_key(role)
