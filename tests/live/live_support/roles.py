"""Users of the database behind the catalog `postgresql`, which Trino uses for a session by its extra credentials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from .oracle import quoted, unique

@dataclass(frozen=True)
class Role:
    """A user that may see the names in some schema."""

    name: str
    postgres: psycopg.Connection[Any]

    def config(self, password: str | None = None) -> dict[str, Any]:
        """What a configuration needs so that the database is asked as this user, whose password is the catalog's."""
        values = {"postgresql_user": self.name} | ({"postgresql_password": password} if password else {})
        return {"extra_credentials": [{"name": name, "value": value} for name, value in values.items()]}

    def limit(self, connections: int) -> None:
        """How many connections the user may have at once."""
        self.postgres.execute(f"ALTER ROLE {quoted(self.name)} CONNECTION LIMIT {connections}".encode())

    def grant(self, what: str) -> None:
        self.postgres.execute(f"GRANT {what} TO {quoted(self.name)}".encode())


@contextmanager
def new_role(postgres: psycopg.Connection[Any], schema: str, grants: tuple[str, ...] = ()) -> Iterator[Role]:
    """A user that may use a schema, and has these grants."""
    role = Role(unique("role"), postgres)
    postgres.execute(f"CREATE ROLE {quoted(role.name)} LOGIN PASSWORD '{postgres.info.password}'".encode())
    try:
        role.grant(f"USAGE ON SCHEMA {quoted(schema)}")
        for grant in grants:
            role.grant(grant)
        yield role
    finally:
        postgres.execute(f"DROP OWNED BY {quoted(role.name)}".encode())
        postgres.execute(f"DROP ROLE {quoted(role.name)}".encode())
