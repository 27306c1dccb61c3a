"""One desk, one addressing, and the function that takes an outgoing mail apart again."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from config.settings import DeskSettings, ReceiptTexts
from notify.addressing import Addressing, address

NOW = datetime(2026, 3, 2, 13, 32, tzinfo=UTC)
TOKEN = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def desk() -> DeskSettings:
    return DeskSettings(
        name="Integriteitscoördinator",
        organisation="het ministerie",
        address="meldpunt@ministerie.example",
        public_key="",
        texts=ReceiptTexts(
            about_coordinator="plv-sg@ministerie.example",
            support_point="steunpunt@rijk.example, 070 123 45 67",
            complaints="https://ministerie.example/klachten",
        ),
    )


@pytest.fixture(scope="session")
def addressed(desk: DeskSettings) -> Callable[..., Addressing]:
    def make(to: str = "jan@voorbeeld.nl", token: str = TOKEN, **more: object) -> Addressing:
        return address(desk, token, to, date=NOW, **more)  # type: ignore[arg-type]

    return make
