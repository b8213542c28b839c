"""The audit chain: a table that is only ever appended to, by one function."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

CANONICAL = """
CREATE FUNCTION audit_canonical(value jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    number float8;
BEGIN
    CASE jsonb_typeof(value)
    WHEN 'object' THEN
        -- RFC 8785 orders names by UTF-16 code units, "C" by bytes: the same for ASCII only.
        IF EXISTS (SELECT FROM jsonb_object_keys(value) AS each(name) WHERE name !~ '^[ -~]*$') THEN
            RAISE EXCEPTION 'audit: a name in data is not ASCII';
        END IF;
        RETURN '{' || coalesce((
            SELECT string_agg(to_json(name)::text || ':' || audit_canonical(item), ',' ORDER BY name COLLATE "C")
            FROM jsonb_each(value) AS each(name, item)
        ), '') || '}';
    WHEN 'array' THEN
        RETURN '[' || coalesce((
            SELECT string_agg(audit_canonical(item), ',' ORDER BY place)
            FROM jsonb_array_elements(value) WITH ORDINALITY AS each(item, place)
        ), '') || ']';
    WHEN 'number' THEN
        number := value::float8;
        IF abs(number) > 9007199254740991 THEN
            RAISE EXCEPTION 'audit: a number in data is beyond 2^53';
        END IF;
        -- As ECMAScript writes numbers: plain from 1e-6 on, below that with an exponent without padding.
        IF number = 0 OR abs(number) >= 1e-6 THEN
            RETURN trim_scale(number::text::numeric)::text;
        END IF;
        RETURN regexp_replace(number::text, 'e-0*', 'e-');
    ELSE
        RETURN value::text;
    END CASE;
END
$$
"""
"""RFC 8785 within the database, so that nobody but the database says what an entry's hash is."""

LINK = """
CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql SET search_path = {path} SET extra_float_digits = 1 AS $$
BEGIN
    -- One writer at a time: numbers have no gaps and each entry sees the one before it.
    PERFORM pg_advisory_xact_lock({lock}, TG_RELID::int);
    SELECT last.seq + 1, last.hash INTO NEW.seq, NEW.prev_hash FROM audit_log last ORDER BY last.seq DESC LIMIT 1;
    NEW.seq := coalesce(NEW.seq, 1);
    NEW.prev_hash := coalesce(NEW.prev_hash, repeat('0', 64));
    NEW.at := clock_timestamp();
    NEW.hash := encode(sha256(decode(NEW.prev_hash, 'hex') || convert_to(audit_canonical(jsonb_build_object(
        'seq', NEW.seq,
        'at', to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00',
        'action', NEW.action,
        'actor', NEW.actor,
        'subject', NEW.subject,
        'data', NEW.data,
        'dedup', NEW.dedup
    )), 'UTF8')), 'hex');
    RETURN NEW;
END
$$
"""
"""Whoever inserts, the owner included, chooses neither number nor time nor link: what was given is overwritten."""

APPEND = """
CREATE FUNCTION audit_append(
    its_action text, its_actor text, its_subject text, its_data jsonb, its_dedup text
) RETURNS audit_log LANGUAGE plpgsql SECURITY DEFINER SET search_path = {path} AS $$
DECLARE
    entry audit_log;
BEGIN
    PERFORM pg_advisory_xact_lock({lock}, 'audit_log'::regclass::oid::int);
    SELECT * INTO entry FROM audit_log WHERE dedup = its_dedup;
    IF NOT FOUND THEN
        INSERT INTO audit_log (action, actor, subject, data, dedup)
        VALUES (its_action, its_actor, its_subject, its_data, its_dedup)
        RETURNING * INTO entry;
    END IF;
    RETURN entry;
END
$$
"""
"""The only way in for the application's role."""

REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is only ever appended to' USING ERRCODE = 'insufficient_privilege';
END
$$
"""

TRIGGERS = (
    "CREATE TRIGGER audit_links BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_link()",
    "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    # Row triggers do not fire for TRUNCATE.
    "CREATE TRIGGER audit_stays BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    # ALWAYS: `session_replication_role` does not switch them off. The first is left out: a replica copies links.
    "ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_keeps",
    "ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_stays",
)

LOCK = 0x_0A_0D_17_06
"""First half of the advisory lock; the second is the table, so that schemas do not wait for each other."""


def upgrade() -> None:
    """Create the table, what appends to it and what keeps it as it is."""
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("dedup", sa.String(160), unique=True),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_log_by_subject", "audit_log", ["subject", "seq"])
    place = {"path": _pinned_path(), "lock": LOCK}
    for function in (CANONICAL, LINK.format(**place), APPEND.format(**place), REFUSE):
        op.execute(sa.text(function.replace(":", r"\:")))
    op.execute("REVOKE ALL ON FUNCTION audit_append FROM PUBLIC")
    for trigger in TRIGGERS:
        op.execute(trigger)


def _pinned_path() -> str:
    """Where the functions look things up, whoever calls them: the caller's temporary tables come last."""
    schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    return f"pg_catalog, {schema}, pg_temp"


def downgrade() -> None:
    """Drop the chain."""
    op.drop_table("audit_log")
    for function in ("audit_append", "audit_link", "audit_refuse", "audit_canonical"):
        op.execute(f"DROP FUNCTION {function}")
