"""What a role lets a member do."""

import pytest

from cases.roles import May, Role, holds_the_desk_key, may


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.SECRETARY_GENERAL, Role.AUDITOR, Role.ADMINISTRATOR])
def test_whoever_is_not_of_the_desk_itself_gets_no_key_of_the_desk(role: Role) -> None:
    assert not holds_the_desk_key(role)
    assert not may(role, May.MANAGE_ACCESS)
    assert not may(role, May.DESTROY)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_who_checks_or_runs_the_system_opens_no_case(role: Role) -> None:
    assert not may(role, May.OPEN_GRANTED)
    assert not may(role, May.WRITE)


def test_a_secretary_general_reads_and_does_not_write() -> None:
    assert may(Role.SECRETARY_GENERAL, May.OPEN_GRANTED)
    assert not may(Role.SECRETARY_GENERAL, May.WRITE)
