"""Reports do not travel in the clear: a database elsewhere is reached by TLS, and its name is checked."""

import pytest

from store.database import StoreError, open_database

ELSEWHERE = "postgresql://meldpost@db.ministry.example/meldpost"


@pytest.mark.parametrize(
    "url",
    [
        ELSEWHERE,
        f"{ELSEWHERE}?sslmode=require",
        f"{ELSEWHERE}?sslmode=verify-ca",
        "postgresql://meldpost@192.0.2.7/meldpost",
        "postgresql:///meldpost?host=db.ministry.example",
        "postgresql:///meldpost?host=db.ministry.example:5432",
        "postgresql:///meldpost?host=/run/postgresql&host=db.ministry.example",
        "postgresql://localhost/meldpost?hostaddr=192.0.2.7",
        "postgresql:///meldpost?service=meldpost",
    ],
)
def test_a_line_to_another_host_without_its_name_checked_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(StoreError, match="sslmode=verify-full&sslrootcert="):
        open_database(url)


@pytest.mark.parametrize(
    "url",
    [
        f"{ELSEWHERE}?sslmode=verify-full&sslrootcert=/etc/meldpost/ca.pem",
        "postgresql://meldpost@localhost/meldpost",
        "postgresql://meldpost@127.0.0.1/meldpost",
        "postgresql://meldpost@[::1]/meldpost",
        "postgresql:///meldpost",
        "postgresql:///meldpost?host=/run/postgresql",
    ],
)
def test_this_machine_and_a_line_that_is_secured_are_taken(url: str) -> None:
    open_database(url).close()


def test_what_stands_in_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.ministry.example")
    with pytest.raises(StoreError, match="sslmode"):
        open_database("postgresql:///meldpost")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    open_database("postgresql:///meldpost").close()


def test_no_password_of_the_url_is_said_again() -> None:
    with pytest.raises(StoreError) as raised:
        open_database("postgresql://meldpost:zwanenzang@db.ministry.example/meldpost")
    assert "zwanenzang" not in str(raised.value)
