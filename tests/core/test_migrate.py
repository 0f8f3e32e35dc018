"""How a database gets its tables."""

import pytest

from backend.core.migrate import FOLDER, MigrationError, dbmate_url, migrate
from backend.embedded import EmbeddedSystem


@pytest.mark.parametrize(
    ("libpq", "dbmate"),
    [
        ("postgresql://u@/db?host=/run/pg", "postgres://u@/db?socket=%2Frun%2Fpg"),
        ("postgresql://u@%2Frun%2Fpg/db", "postgres://u@/db?socket=%2Frun%2Fpg"),
        ("postgresql://u@%2Frun%2Fpg:6000/db", "postgres://u@:6000/db?socket=%2Frun%2Fpg"),
        (
            "postgres://u:p%40@db.example:6000/x",
            "postgres://u:p%40@db.example:6000/x?sslmode=prefer",
        ),
        ("postgresql://h/x?sslmode=verify-full", "postgres://h/x?sslmode=verify-full"),
        ("postgresql://u@/x?host=h", "postgres://u@h/x?sslmode=prefer"),
    ],
)
def test_an_address_is_said_in_the_way_that_dbmate_understands(libpq: str, dbmate: str) -> None:
    assert dbmate_url(libpq) == dbmate


@pytest.mark.parametrize("address", ["mysql://h/x", "rally", "postgresql://h:port/x"])
def test_what_is_no_address_of_a_postgres_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(MigrationError, match="EXIT10_DATABASE_URL") as told:
        dbmate_url(address)
    assert address not in str(told.value)


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    with pytest.raises(MigrationError, match="refused") as told:
        migrate("postgresql://rally:canary-password@127.0.0.1:1/x")
    assert "canary-password" not in str(told.value)


def test_a_fresh_database_gets_every_table_once() -> None:
    with EmbeddedSystem.throwaway() as system:
        first = migrate(system.postgres.url)
        second = migrate(system.postgres.url)
    assert first == sorted(path.name for path in FOLDER.glob("*.sql"))
    assert second == []
