"""Routing decisions, in Postgres."""

from typing import cast

from sqlalchemy import Table, bindparam, select

from activities.storage.database import Database
from activities.storage.statements import Statement, Statements
from models.routing import RouteDecision
from models.tables import Route

ROUTES = cast(Table, Route.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

RECORD = Statement(
    """
    INSERT INTO routes (review_id, expert, decision, created_at) VALUES (:review, :expert, :decision, now())
    ON CONFLICT (review_id, expert) DO UPDATE SET expert = excluded.expert
    RETURNING decision
    """,
    {"decision": "JSONB"},
)
"""The first decision stands; whoever comes later is given it."""
DECIDED = Statement("SELECT decision FROM routes WHERE review_id = :review AND expert = :expert", {})
OF_REVIEW = select(ROUTES.c.expert, ROUTES.c.decision).where(ROUTES.c.review_id == bindparam("review"))


class PostgresRoutes:
    """The port `Routes`."""

    def __init__(self, database: Database, statements: Statements) -> None:
        """Work on a database.

        Args:
            database: for whoever looks at decisions later.
            statements: the same database, for every call.
        """
        self._database = database
        self._statements = statements

    async def decided(self, review_id: str, expert: str) -> RouteDecision | None:
        found = await self._statements.row(DECIDED, {"review": review_id, "expert": expert})
        return None if found is None else RouteDecision.model_validate_json(found["decision"])

    async def record(self, review_id: str, expert: str, decision: RouteDecision) -> RouteDecision:
        row = {"review": review_id, "expert": expert, "decision": decision.model_dump_json()}
        found = await self._statements.row(RECORD, row)
        return RouteDecision.model_validate_json(found["decision"])

    async def of_review(self, review_id: str) -> dict[str, RouteDecision]:
        """The decisions of one review, by expert."""
        async with self._database.statements() as session:
            rows = (await session.execute(OF_REVIEW, {"review": review_id})).all()
        return {row.expert: RouteDecision.model_validate(row.decision) for row in rows}
