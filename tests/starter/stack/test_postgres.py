"""Postgres: two roles, of which one owns the tables and the other works with them."""

from typing import Any

import asyncpg
import pytest

from models.settings import Settings
from starter.stack.launcher import SERVERS, Stack, up


async def connected(stack: Stack, variable: str = "CONCLAVE_DATABASE_URL", role: str | None = None) -> Any:
    return await asyncpg.connect(stack.environment()[variable], **({"user": role} if role else {}))


async def test_the_applications_role_owns_nothing_and_may_make_nothing(own_stack: Stack) -> None:
    app = await connected(own_stack)
    rights = await app.fetchrow(
        "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    assert tuple(rights) == ("conclave_app", False, False, False, False)
    for statement in ("CREATE TABLE mine (x int)", "CREATE SCHEMA mine", "SET ROLE conclave", "CREATE ROLE other"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.close()
    owner = await connected(own_stack, "CONCLAVE_DATABASE_OWNER_URL")
    assert await owner.fetchval(
        "SELECT current_user || ' ' || rolsuper FROM pg_roles WHERE rolname = current_user"
    ) == ("conclave false")
    await owner.close()


async def test_a_cluster_of_an_earlier_release_gets_the_role_at_the_next_start(
    own_stack: Stack, settings: Settings
) -> None:
    superuser = await connected(own_stack, role="postgres")
    await superuser.execute("DROP OWNED BY conclave_app; DROP ROLE conclave_app")
    await superuser.close()
    app = await connected(up(settings, parts=SERVERS, scatter_ports=True))
    assert await app.fetchval("SELECT current_user") == "conclave_app"
    await app.close()
