"""Whatever happens in whatever order, counters are the sums of the ledger, and both are what a simple model says."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from activities.provider_ports import QuotaExceeded, ReservationClosed
from activities.quota.gate import QuotaGate
from activities.storage.database import Database
from activities.storage.ledger import PostgresLedger
from activities.storage.quotas import PostgresQuotas
from models.call import CallFailure, TokenUsage
from models.quota import ALERT_PERCENTAGES, QuotaLimits
from models.reservation import Hold, Reservation, Settlement
from tests.activities.quota.holds import hold

MONEY, CALLS = 1000, 6
OPEN = {"reserved", "dispatched", "unknown"}

reserve = st.tuples(st.just("reserve"), st.integers(0, 400))
settle = st.tuples(st.just("settle"), st.integers(0, 400))
others = st.tuples(
    st.sampled_from(["repeat", "dispatch", "release", "lose", "resolve", "abandon"]), st.integers(0, 400)
)
steps = st.lists(st.one_of(reserve, settle, others), min_size=12, max_size=40)


@dataclass
class Entry:
    hold: Hold
    reservation: Reservation
    state: str = "reserved"
    cost: int = 0


@dataclass
class Model:
    """What should be true, in the plainest words."""

    entries: list[Entry] = field(default_factory=list)
    most_spent: int = 0
    most_requests: int = 0

    @property
    def held(self) -> int:
        return sum(each.hold.amount_micro_usd for each in self.entries if each.state in OPEN)

    @property
    def spent(self) -> int:
        return sum(each.cost for each in self.entries)

    @property
    def requests(self) -> int:
        return sum(each.state != "released" for each in self.entries)

    def end(self, entry: Entry, cost: int) -> None:
        entry.state, entry.cost = "settled", cost
        self.most_spent = max(self.most_spent, self.spent)
        self.most_requests = max(self.most_requests, self.requests)

    def alerts(self) -> set[tuple[str, int]]:
        pairs = (("cost", self.most_spent, MONEY), ("requests", self.most_requests, CALLS))
        return {
            (kind, share) for kind, used, most in pairs for share in ALERT_PERCENTAGES if used * 100 >= share * most
        }


async def ask(gate: QuotaGate, user: str, model: Model, amount: int) -> None:
    wanted = hold(user, amount)
    money = amount == 0 or model.spent + model.held + amount <= MONEY
    calls = model.requests < CALLS
    try:
        model.entries.append(Entry(wanted, await gate.reserve(wanted)))
    except QuotaExceeded:
        assert not (money and calls), "a false refusal"
    else:
        assert money and calls, "overspent"


async def apply(gate: QuotaGate, ledger: PostgresLedger, model: Model, what: str, number: int) -> None:
    if not model.entries:
        return
    entry = model.entries[number % len(model.entries)]
    one, was_open = entry.reservation, entry.state in OPEN
    if what == "repeat":
        assert (await gate.reserve(entry.hold)).id == one.id
    elif what == "dispatch":
        try:
            await gate.dispatch(one)
            assert entry.state in {"reserved", "dispatched"}
            entry.state = "dispatched"
        except ReservationClosed:
            assert entry.state not in {"reserved", "dispatched"}
    elif what == "settle":
        cost = min(number, one.hold.amount_micro_usd)
        await gate.settle(one, Settlement(usage=TokenUsage(input=7), cost_micro_usd=cost), b"sealed")
        if was_open:
            model.end(entry, cost)
    elif what == "release":
        await gate.release(one, CallFailure.RATE_LIMITED)
        entry.state = "released" if was_open else entry.state
    elif what == "lose":
        await gate.leave_unknown(one, CallFailure.TIMEOUT)
        entry.state = "unknown" if was_open else entry.state
    elif what == "resolve":
        await ledger.resolve(one.id)
        if entry.state == "unknown":
            model.end(entry, one.hold.amount_micro_usd)
    else:
        await gate.abandon_earlier(entry.hold.key.model_copy(update={"delivery": 2}))
        entry.state = {"reserved": "released", "dispatched": "unknown"}.get(entry.state, entry.state)


SUMS = """
SELECT count(*) FILTER (WHERE state <> 'released') AS requests, coalesce(sum(cost_micro_usd), 0) AS spent,
       coalesce(sum(reserved_micro_usd) FILTER (WHERE state IN ('reserved', 'dispatched', 'unknown')), 0) AS held,
       count(*) FILTER (WHERE state = 'settled') AS settled
FROM ledger WHERE user_id = :user
"""


async def rows(database: Database, query: str, user: str) -> list[Any]:
    async with database.statements() as session:
        return list((await session.execute(text(query), {"user": user})).all())


# Without shrinking, which against a real database takes longer than reading the sequence.
@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps)
async def test_counters_are_the_sums_of_the_ledger(
    gate: QuotaGate, ledger: PostgresLedger, quotas: PostgresQuotas, database: Database, what: list[tuple[str, int]]
) -> None:
    user, model = uuid.uuid4().hex, Model()
    await quotas.set(user, QuotaLimits(daily_micro_usd=MONEY, daily_requests=CALLS))
    for name, number in what:
        if name == "reserve":
            await ask(gate, user, model, number)
        else:
            await apply(gate, ledger, model, name, number)
    state = await gate.state(user)
    (sums,) = await rows(database, SUMS, user)
    for use in (state.day, state.month):
        assert (use.requests, use.spent_micro_usd, use.held_micro_usd) == (sums.requests, sums.spent, sums.held)
    assert (sums.requests, sums.spent, sums.held) == (model.requests, model.spent, model.held)
    tracked = await rows(database, "SELECT * FROM usage_tracking WHERE user_id = :user", user)
    assert sum(each.requests_count for each in tracked) == sums.settled
    assert sum(int(each.cost_usd * 1_000_000) for each in tracked) == sums.spent
    raised = await rows(database, "SELECT * FROM cost_alerts WHERE user_id = :user", user)
    found = [(each.alert_type.removeprefix("daily_"), each.threshold_percentage) for each in raised]
    assert sorted(found) == sorted(model.alerts()), "each reached share, once"
