"""The step that vouches for the chain: when it signs, and when it refuses to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.audit import AuditActivities
from activities.ports import KeyServiceUnavailable
from activities.storage.alerts import PostgresAlerts
from activities.storage.audit import PostgresAudit
from activities.storage.database import Database
from models.alert_text import text_of
from models.audit import AuditEntry, AuditProblem, AuditVerdict, Checkpoint
from models.audit_check import Verify
from models.audit_lines import LineUnreadable
from models.audit_views import CheckpointOrder, CheckpointReport
from tests.models.test_audit import chain

NOW = CheckpointOrder(entries=1, seconds=0)


class Kept:
    """Checkpoints in memory, signed by nobody."""

    def __init__(self) -> None:
        self.written: list[Checkpoint] = []
        self.fails: Exception | None = None

    async def write(self, seq: int, head: str, at: datetime) -> Checkpoint:
        if self.fails:
            raise self.fails
        self.written.append(Checkpoint(seq=seq, hash=head, at=at, signature="good"))
        return self.written[-1]

    async def read(self) -> list[Checkpoint]:
        return self.written

    async def last(self) -> Checkpoint | None:
        if isinstance(self.fails, LineUnreadable):
            raise self.fails
        return self.written[-1] if self.written else None

    async def verifier(self) -> Verify:
        return lambda each: each.signature == "good"


class Listed:
    """A chain in memory."""

    def __init__(self, entries: list[AuditEntry]) -> None:
        self.list = entries
        self.read = 0
        self.alarms: list[AuditVerdict] = []

    async def entries(self, first_seq: int = 1) -> AsyncIterator[AuditEntry]:
        for entry in self.list:
            if entry.seq >= first_seq:
                self.read += 1
                yield entry

    async def alarm(self, verdict: AuditVerdict) -> None:
        self.alarms.append(verdict)


async def tick(found: Listed, kept: Kept, order: CheckpointOrder = NOW) -> CheckpointReport:
    return await ActivityEnvironment().run(AuditActivities(found, kept).write_checkpoint, order)


async def test_the_head_is_signed_when_it_is_due_and_only_what_is_new_is_read() -> None:
    found, kept = Listed([]), Kept()
    assert (await tick(found, kept)).written is None
    entries = chain(250)
    found.list = entries[:120]
    assert (await tick(found, kept, CheckpointOrder())).written == kept.written[0]
    found.list, found.read = entries[:219], 0
    assert (await tick(found, kept, CheckpointOrder())).written is None
    assert found.read == 100, "the entry of the last checkpoint, and those behind it"
    found.list = entries[:220]
    await tick(found, kept, CheckpointOrder())
    await tick(found, kept)
    assert [(each.seq, each.hash) for each in kept.written] == [(s, entries[s - 1].hash) for s in (120, 220)]
    found.list = entries[:221]
    late = kept.written[1].model_copy(update={"at": datetime.now(UTC) - timedelta(hours=1)})
    kept.written[1] = late
    assert (await tick(found, kept, CheckpointOrder())).written == kept.written[2]
    assert found.alarms == []


@pytest.mark.parametrize(
    ("tampered", "bad", "problem"),
    [
        (chain(9, actor="bob"), 5, AuditProblem.REWRITTEN),
        (chain(4), 5, AuditProblem.TRUNCATED),
        (chain(6) + chain(9)[7:], 7, AuditProblem.GAP),
        (chain(6) + chain(9, actor="bob")[6:], 7, AuditProblem.BROKEN_LINK),
    ],
)
async def test_a_chain_that_was_changed_is_not_vouched_for(
    tampered: list[AuditEntry], bad: int, problem: AuditProblem
) -> None:
    found, kept = Listed(chain(5)), Kept()
    await tick(found, kept)
    found.list = tampered
    report = await tick(found, kept)
    assert (report.written, report.verdict.first_bad_seq, report.verdict.problem) == (None, bad, problem)
    assert found.alarms == [report.verdict] and len(kept.written) == 1


async def test_an_unreadable_file_of_checkpoints_raises_the_alarm() -> None:
    found, kept = Listed(chain(5)), Kept()
    kept.fails = LineUnreadable(1)
    report = await tick(found, kept)
    assert report.written is None and report.verdict.problem is AuditProblem.BAD_CHECKPOINT
    assert found.alarms == [report.verdict]


async def test_without_a_key_service_it_is_tried_again() -> None:
    kept = Kept()
    kept.fails = KeyServiceUnavailable()
    with pytest.raises(ApplicationError) as raised:
        await tick(Listed(chain(5)), kept)
    assert (raised.value.type, raised.value.non_retryable) == ("kek_unavailable", False)


async def test_people_hear_once_of_each_thing_that_is_wrong(database: Database) -> None:
    audit = PostgresAudit(database)
    broken = AuditVerdict(intact=False, total=7, verified=6, first_bad_seq=7, problem=AuditProblem.BROKEN_LINK)
    for verdict in (broken, broken, broken.model_copy(update={"first_bad_seq": 8})):
        await audit.alarm(verdict)
    raised = await PostgresAlerts(database).page(None, 10)
    assert sorted(each.period for each in raised) == ["broken_link at entry 7", "broken_link at entry 8"]
    assert "broken link at entry" in text_of(raised[0]).body
