"""What the application's role may do with the tables that the owner's role made."""

from sqlalchemy import Connection, text

APP_ROLE = "conclave_app"
"""Its name on the local stack and in the team's."""

READ_ONLY = frozenset({"alembic_version", "audit_log"})
"""Tables that the application reads: what they hold is made by migrations, and by `audit_append`."""

WRITTEN_ONCE = frozenset({"datasets", "samples"})
"""Tables whose rows never change."""

EXISTS = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role AND rolname <> current_user)")
OUR_TABLES = text(
    """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relowner = current_user::regrole
    """
)
QUOTED = text("SELECT quote_ident(:role), quote_ident(current_schema())")


def grant(connection: Connection, role: str) -> None:
    """Give the application's role what it needs, if there is such a role; repeating it changes nothing.

    Done after every migration instead of once: the role may have been made later than the tables.
    """
    if not connection.execute(EXISTS, {"role": role}).scalar_one():
        return
    app, schema = connection.execute(QUOTED, {"role": role}).one()
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {app}"))
    for table in connection.execute(OUR_TABLES).scalars().all():
        connection.execute(text(f"GRANT {_rights(table)} ON {table} TO {app}"))
    connection.execute(text(f"GRANT EXECUTE ON FUNCTION audit_append TO {app}"))


def _rights(table: str) -> str:
    if table in READ_ONLY:
        return "SELECT"
    return "SELECT, INSERT" if table in WRITTEN_ONCE else "SELECT, INSERT, UPDATE, DELETE"
