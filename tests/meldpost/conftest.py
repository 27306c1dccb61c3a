"""A desk made by `init`, as an administrator would have it."""

from pathlib import Path

import pytest

from meldpost.init import Made, Plan, initialise
from tests.meldpost.plans import plan_in


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_in(tmp_path)


@pytest.fixture
def made(plan: Plan) -> Made:
    return initialise(plan)
