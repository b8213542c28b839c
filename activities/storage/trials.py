"""Trials in Postgres: at most one runs, and its begin and end are on the audit chain in the same transaction."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from activities.experiment_ports import ConfigQuarantined, StoredExperiment
from activities.ports import StoreUnavailable
from activities.storage.audit import append_in
from activities.storage.database import Database
from activities.storage.paging import Position, page_of
from activities.storage.trial_pairs import ADD_PAIR, FINISHED, NOTE, OPEN, SUMS, open_of, pair_of, sums_of
from activities.storage.trial_rows import (
    IN_PRODUCTION,
    QUARANTINED,
    RUNNING,
    TRIALS,
    event_of,
    trial_of,
)
from activities.trial_ports import ConfigStable, OpenPair, Pair, RunningTrial, TrialRunning, TrialUnknown
from models.audit import AuditAction
from models.ids import ID
from models.order import ReviewOrder
from models.review import ReviewStatus
from models.reviewer_config import ReviewerConfig, config_hash
from models.tables import Review
from models.trial import PAYER, Trial, TrialStatus
from models.trial_report import Comparison, report_of

CONCLAVE = "conclave"
"""Who does what happens by itself."""


class PostgresTrials:
    """The port `Trials`, and what people see and do of trials."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, experiment: StoredExperiment, share_percent: int, by: str) -> tuple[Trial, bool]:
        """Start a trial of an experiment's configuration; returns it, and whether it is new.

        Who asks twice for the same gets the one that runs.

        Raises:
            ConfigQuarantined: the configuration may not be tried.
            ConfigStable: it is the stable one.
            TrialRunning: another trial runs.
        """
        row: dict[str, Any] = {
            "id": uuid4().hex,
            "experiment_id": experiment.id,
            "config": experiment.config.model_dump(mode="json"),
            "config_hash": config_hash(experiment.config),
            "share_percent": share_percent,
            "status": TrialStatus.RUNNING.value,
            "started_by": by,
            "started_at": datetime.now(UTC),
        }
        async with self._database.transaction() as session:
            await session.execute(insert(TRIALS).values(row).on_conflict_do_nothing())
            found = (await session.execute(select(TRIALS).where(RUNNING))).first()
            if found is None:  # the one in the way was stopped just now
                raise StoreUnavailable
            if found.id != row["id"]:
                if (found.experiment_id, found.share_percent) == (experiment.id, share_percent):
                    return trial_of(found), False
                raise TrialRunning(found.id)
            quarantined, stable = (
                await session.execute(select(QUARANTINED, IN_PRODUCTION).where(TRIALS.c.id == found.id))
            ).one()
            if quarantined:
                raise ConfigQuarantined
            if stable:
                raise ConfigStable
            data = {name: row[name] for name in ("experiment_id", "config_hash", "share_percent")}
            await append_in(session, event_of(AuditAction.ROLLOUT_STARTED, by, found.id, data))
            return trial_of(found), True

    async def stop(self, trial_id: str, reason: str, by: str) -> Trial:
        """End a trial; one that has ended stays as it is. Its reviews that are under way are cancelled soon.

        Raises:
            TrialUnknown: there is none.
        """
        async with self._database.transaction() as session:
            await _stop_in(session, trial_id, reason, by)
        return await self.get(trial_id)

    async def stop_unfit(self) -> str | None:
        query = select(TRIALS.c.id, QUARANTINED.label("quarantined")).where(RUNNING, QUARANTINED | IN_PRODUCTION)
        async with self._database.transaction() as session:
            found = (await session.execute(query.with_for_update())).first()
            if found is None:
                return None
            reason = "Its configuration was quarantined." if found.quarantined else "Its configuration became stable."
            await _stop_in(session, found.id, reason, CONCLAVE)
            return found.id

    async def running(self) -> RunningTrial | None:
        """The trial that runs, unless its configuration may not be tried any more."""
        query = select(TRIALS.c.id, TRIALS.c.config, TRIALS.c.share_percent).where(RUNNING, ~QUARANTINED)
        async with self._database.statements() as session:
            row = (await session.execute(query)).first()
        if row is None:
            return None
        return RunningTrial(row.id, ReviewerConfig.model_validate(row.config), row.share_percent)

    async def get(self, trial_id: str) -> Trial:
        """One trial with what it shows so far.

        Raises:
            TrialUnknown: there is none.
        """
        if not ID.match(trial_id):
            raise TrialUnknown
        async with self._database.statements() as session:
            row = (await session.execute(select(TRIALS).where(TRIALS.c.id == trial_id))).first()
            if row is None:
                raise TrialUnknown
            sums = sums_of((await session.execute(SUMS, {"trial": trial_id})).one())
        return trial_of(row, report_of(sums))

    async def page(self, before: Position | None, size: int) -> list[Trial]:
        """Trials older than a position (`started_at`, `id`), newest first."""
        query: Select[Any] = select(TRIALS)
        query = page_of(query, TRIALS.c.started_at, TRIALS.c.id, before, size)
        async with self._database.statements() as session:
            return [trial_of(row) for row in (await session.execute(query)).all()]

    async def add(self, trial_id: str, review_id: str, order: ReviewOrder) -> None:
        """Note the candidate's review of what a live review is about; it is started when that one is over."""
        row = {
            "id": order.review_id,
            "owner": PAYER,
            "source_id": order.source_id,
            "status": ReviewStatus.RUNNING.value,
            "request_hash": "0" * 64,
            "review_order": order.model_dump(mode="json"),
            "config_hash": order.config_hash,
            "background": True,
            "created_at": datetime.now(UTC),
        }
        async with self._database.transaction() as session:
            await session.execute(insert(Review).values(row).on_conflict_do_nothing())
            values = {"trial": trial_id, "review": review_id, "candidate": order.review_id}
            await session.execute(ADD_PAIR, values)

    async def open_pairs(self, most: int) -> list[OpenPair]:
        """The candidate's reviews that are not over and may begin, or must end; the oldest first."""
        async with self._database.statements() as session:
            return [open_of(row) for row in (await session.execute(OPEN, {"most": most})).all()]

    async def finished(self, size: int) -> list[Pair]:
        async with self._database.statements() as session:
            return [pair_of(row) for row in (await session.execute(FINISHED, {"size": size})).all()]

    async def note(self, pair: Pair, comparison: Comparison) -> None:
        said = {"trial": pair.trial_id, "review": pair.review_id, "said": comparison.model_dump_json()}
        async with self._database.statements() as session:
            await session.execute(NOTE, said)


async def _stop_in(session: AsyncSession, trial_id: str, reason: str, by: str) -> None:
    change = (
        update(TRIALS)
        .where(TRIALS.c.id == trial_id, RUNNING)
        .values(status=TrialStatus.STOPPED.value, stopped_at=datetime.now(UTC), reason=reason)
        .returning(TRIALS.c.config_hash)
    )
    stopped = (await session.execute(change)).first()
    if stopped is not None:
        data = {"config_hash": stopped.config_hash, "reason": reason}
        await append_in(session, event_of(AuditAction.ROLLOUT_STOPPED, by, trial_id, data))
