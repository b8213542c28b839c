"""Routing decisions, in Postgres."""

from datetime import UTC, datetime
from typing import cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from activities.storage.database import Database
from models.routing import RouteDecision
from models.tables import Route

ROUTES = cast(Table, Route.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
_KEY = ["review_id", "expert"]
_NEW = insert(ROUTES)
RECORD = _NEW.on_conflict_do_update(index_elements=_KEY, set_={"expert": _NEW.excluded.expert}).returning(
    ROUTES.c.decision
)
"""The first decision stands; whoever comes later is given it."""
DECIDED = select(ROUTES.c.decision).where(
    ROUTES.c.review_id == bindparam("review"), ROUTES.c.expert == bindparam("name")
)
OF_REVIEW = select(ROUTES.c.expert, ROUTES.c.decision).where(ROUTES.c.review_id == bindparam("review"))


class PostgresRoutes:
    """The port `Routes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decided(self, review_id: str, expert: str) -> RouteDecision | None:
        async with self._database.statements() as session:
            found = (await session.execute(DECIDED, {"review": review_id, "name": expert})).scalar_one_or_none()
        return None if found is None else RouteDecision.model_validate(found)

    async def record(self, review_id: str, expert: str, decision: RouteDecision) -> RouteDecision:
        row = {
            "review_id": review_id,
            "expert": expert,
            "decision": decision.model_dump(mode="json"),
            "created_at": datetime.now(UTC),
        }
        async with self._database.statements() as session:
            return RouteDecision.model_validate((await session.execute(RECORD, row)).scalar_one())

    async def of_review(self, review_id: str) -> dict[str, RouteDecision]:
        """The decisions of one review, by expert."""
        async with self._database.statements() as session:
            rows = (await session.execute(OF_REVIEW, {"review": review_id})).all()
        return {row.expert: RouteDecision.model_validate(row.decision) for row in rows}
