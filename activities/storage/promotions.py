"""Promotions in Postgres."""

from typing import Any, NamedTuple

from sqlalchemy import Select, select

from activities.experiment_ports import ChangeRefused, PromotionUnknown
from activities.promotion_ports import Terms, Word
from activities.storage.alerts import raise_alert
from activities.storage.database import Database
from activities.storage.paging import Position, page_of
from activities.storage.promotion_rows import (
    OF_PROMOTIONS,
    PROMOTIONS,
    PolicyHashOf,
    approval_of,
    locked_in,
    promotion_of,
)
from activities.storage.promotion_settling import approvers_in, settle_in
from activities.storage.promotion_words import request_in, vote_in, withdraw_in
from models.alert import AlertType
from models.gate import Decision
from models.promotion import Promotion, PromotionState, PromotionStatus


class Requested(NamedTuple):
    """A promotion that was asked for."""

    promotion: Promotion
    fresh: bool
    """False: the same key asked before."""
    request_hash: str
    """Of the request that asked first."""


class PostgresPromotions:
    """The port `Promotions`, and what people see and do of promotions.

    Every method that changes something raises ChangeRefused where the rules do not allow it; the audit chain has the
    attempt then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def request(self, experiment_id: str, reason: str, by: str, terms: Terms, hash_of: PolicyHashOf) -> Requested:
        """Ask for a promotion.

        Raises:
            ExperimentUnknown: there is no such experiment.
            ChangeRefused: it may not be promoted.
        """
        async with self._database.transaction() as session:
            row, fresh, refusal = await request_in(session, experiment_id, reason, by, terms, hash_of)
        if refusal is not None:
            raise ChangeRefused(refusal)
        return Requested(await self.get(row.id), fresh, row.request_hash)

    async def vote(self, word: Word) -> Promotion:
        """Store an approver's word. Enough approvals do nothing by themselves: the process looks at them (`settle`).

        Raises:
            PromotionUnknown: there is none.
            ChangeRefused: the word does not count.
        """
        async with self._database.transaction() as session:
            refusal = await vote_in(session, word)
        if refusal is not None:
            raise ChangeRefused(refusal)
        return await self.get(word.promotion_id)

    async def withdraw(self, promotion_id: str, by: str, *, anyones: bool = False) -> Promotion:
        """Take a promotion back: who asked for it or the author may; `anyones`: this caller may take back others'.

        Raises:
            PromotionUnknown: there is none.
            ChangeRefused: it is decided, or somebody else's.
        """
        async with self._database.transaction() as session:
            refusal = await withdraw_in(session, promotion_id, by, anyones=anyones)
        if refusal is not None:
            raise ChangeRefused(refusal)
        return await self.get(promotion_id)

    async def approved(self, promotion_id: str) -> str | None:
        async with self._database.transaction() as session:
            row = await locked_in(session, promotion_id)
            enough = len(await approvers_in(session, row)) >= row.needed
            return row.experiment_id if enough and row.status == PromotionStatus.AWAITING else None

    async def settle(
        self, promotion_id: str, hash_of: PolicyHashOf, *, expired: bool, gated: Decision | None = None
    ) -> PromotionState:
        async with self._database.transaction() as session:
            return await settle_in(session, promotion_id, hash_of, expired=expired, gated=gated)

    async def remind(self, promotion_id: str, elapsed_percent: int) -> None:
        async with self._database.transaction() as session:
            row = await locked_in(session, promotion_id)
            if row.status == PromotionStatus.AWAITING:
                until = f"until {row.expires_at:%Y-%m-%d %H:%M} UTC"
                await raise_alert(session, AlertType.PROMOTION_WAITING, row.id, until, elapsed_percent)

    async def get(self, promotion_id: str) -> Promotion:
        """One promotion.

        Raises:
            PromotionUnknown: there is none.
        """
        found = await self._read(select(PROMOTIONS).where(PROMOTIONS.c.id == promotion_id))
        if not found:
            raise PromotionUnknown
        return found[0]

    async def page(self, before: Position | None, size: int, status: PromotionStatus | None = None) -> list[Promotion]:
        """Promotions older than a position (`requested_at`, `id`), newest first."""
        query: Select[Any] = select(PROMOTIONS)
        if status is not None:
            query = query.where(PROMOTIONS.c.status == status)
        return await self._read(page_of(query, PROMOTIONS.c.requested_at, PROMOTIONS.c.id, before, size))

    async def _read(self, query: Select[Any]) -> list[Promotion]:
        async with self._database.statements() as session:
            rows = (await session.execute(query)).all()
            said = (await session.execute(OF_PROMOTIONS, {"promotions": [row.id for row in rows]})).all()
        approvals = [approval_of(row) for row in said]
        return [promotion_of(row, approvals) for row in rows]
