"""Workers die at every step of a paid call; afterwards the ledger and the provider's own bill tell the same.

The moments are random and seeded: a failing run names its seed.
"""

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import text

from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.counters import RedisCounters, keys_of
from activities.quota.sweeper import QuotaSweeper
from activities.storage.database import Database
from models.quota import QuotaLimits
from starter.stack.launcher import Stack
from tests.activities.conftest import database, empty_engine, engine
from tests.activities.quota.conftest import ledger_on
from tests.durability.payer import STEPS, WORST, price, question

__all__ = ["database", "empty_engine", "engine"]

SEED = int(os.environ.get("CONCLAVE_CAMPAIGN_SEED", "20261126"))
AT_ONCE = 3


class Kill(NamedTuple):
    step: str
    calls: int
    """Whole calls before the one in which it dies."""
    seconds: float
    """After the step was entered."""


def plan(kills: int) -> list[Kill]:
    chance = random.Random(SEED)
    steps = [STEPS[number % len(STEPS)] for number in range(kills)]
    chance.shuffle(steps)
    return [Kill(step, chance.randint(0, 2), chance.choice([0.0, chance.uniform(0, 0.012)])) for step in steps]


class AllClosed:
    """Every process of this test is dead."""

    async def is_closed(self, workflow_id: str) -> bool:
        return True


class Payers:
    """Forked workers, and what each is doing."""

    def __init__(self, place: dict[str, str]) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.durability.payer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a group of their own, so that all of them can be ended together
        )
        self._tell(json.dumps(place))
        assert self._parent.stdout and self._parent.stdout.readline() == b"0 ready\n"

    def _tell(self, line: str) -> None:
        assert self._parent.stdin
        self._parent.stdin.write(line.encode() + b"\n")
        self._parent.stdin.flush()

    def run(self, kills: list[Kill]) -> Counter[str]:
        """Keep some workers at work and kill each where its plan says; returns how many died in which step."""
        assert self._parent.stdout
        waiting, plans = list(kills), dict[int, Kill]()
        entered, died = Counter[tuple[int, str]](), Counter[str]()
        for _ in range(AT_ONCE):
            self._tell("one more")
        while sum(died.values()) < len(kills):
            pid, step = self._parent.stdout.readline().split()
            worker, name = int(pid), step.decode()
            entered[worker, name] += 1
            if worker not in plans and waiting:
                plans[worker] = waiting.pop(0)
            mine = plans.get(worker)
            if mine and name == mine.step and entered[worker, name] == mine.calls + 1:
                time.sleep(mine.seconds)
                os.kill(worker, signal.SIGKILL)
                died[name] += 1
                self._tell("one more")
        return died

    def close(self) -> None:
        os.killpg(self._parent.pid, signal.SIGKILL)
        self._parent.communicate()


@contextmanager
def provider() -> Generator[str, None, None]:
    argv = [sys.executable, "-m", "tests.providers.server", "--latency", "0.01"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.kill()


def sha(reservation_id: str) -> str:
    return hashlib.sha256(question(reservation_id)).hexdigest()


def compare(entries: list[Any], bill: list[dict[str, Any]], unanswered: list[dict[str, Any]]) -> None:
    """Each call of the bill is one entry, each entry is what the provider saw of it."""
    billed = Counter(line["body_sha256"] for line in bill)
    seen = billed + Counter(line["body_sha256"] for line in unanswered)
    assert set(billed.values()) <= {1}, "a question was paid for twice"
    by_question = {sha(entry.id): entry for entry in entries}
    assert set(seen) <= set(by_question), "the provider was asked without a reservation"
    for question_sha, entry in by_question.items():
        if entry.state == "released":
            assert question_sha not in seen, "released, but sent"
        elif entry.failure is None:
            assert billed[question_sha] == 1, "booked without an answer"
        else:  # sent without an answer that anybody saw, or about to be: the worst case
            assert (entry.failure, entry.cost_micro_usd, entry.useful) == ("worker_lost", WORST, False)
    costs = {line["body_sha256"]: price(line["usage"]["input"], line["usage"]["output"]) for line in bill}
    certain = [entry for entry in entries if entry.state == "settled" and entry.failure is None]
    unseen = [cost for each, cost in costs.items() if by_question[each].failure is not None]
    assert sum(entry.cost_micro_usd for entry in certain) == sum(costs.values()) - sum(unseen)


async def campaign(stack: Stack, database: Database, kills: int) -> None:
    user, environment = f"user-{uuid.uuid4().hex}", stack.environment()
    async with database.statements() as session:
        schema = (await session.execute(text("SELECT current_schema()"))).scalar_one()
    with provider() as url:
        place = {
            "database_url": environment["CONCLAVE_DATABASE_URL"],
            "schema": schema,
            "redis_url": environment["CONCLAVE_REDIS_URL"],
            "provider_url": url,
            "user": user,
        }
        payers = Payers(place)
        try:
            died = await asyncio.to_thread(payers.run, plan(kills))
        finally:
            await asyncio.to_thread(payers.close)
        told = httpx.get(f"{url}/bill", trust_env=False).json()
    assert sum(died.values()) == kills and set(died) == set(STEPS)
    counters = RedisCounters(BestEffortRedis(impatient_client(environment["CONCLAVE_REDIS_URL"])))
    async with ledger_on(stack, database, QuotaLimits()) as ledger:
        report = await QuotaSweeper(ledger, counters, AllClosed()).sweep(0, lambda: None)
        state = (await ledger.standing(user)).state
    async with database.statements() as session:
        entries = list((await session.execute(text("SELECT * FROM ledger"))).all())
        tracked = (await session.execute(text("SELECT sum(requests_count), sum(cost_usd) FROM usage_tracking"))).one()
        answers = (await session.execute(text("SELECT count(*) FROM model_answers"))).scalar_one()
    assert {entry.state for entry in entries} <= {"settled", "released"}, f"orphans; seed {SEED}"
    assert report.left == 0 and report.released + report.resolved == report.looked_at > 0
    compare(entries, told["bill"], told["unanswered"])
    settled = [entry for entry in entries if entry.state == "settled"]
    spent = sum(entry.cost_micro_usd for entry in settled)
    assert (state.month.requests, state.month.spent_micro_usd, state.month.held_micro_usd) == (len(settled), spent, 0)
    assert (tracked[0], int(tracked[1] * 1_000_000)) == (len(settled), spent), f"posted twice; seed {SEED}"
    assert answers == sum(entry.failure is None for entry in settled), "every paid answer that was seen is kept"
    redis = impatient_client(environment["CONCLAVE_REDIS_URL"])
    assert await redis.hmget(keys_of(user, state.day.period)[1], ["spent", "held"]) == [str(spent), "0"]
    await redis.aclose()
    await counters.close()
    print(f"{kills} kills {dict(died)}: {len(entries)} calls, {report.released} released, {report.resolved} resolved")


async def test_the_ledger_tells_what_the_bill_tells_whoever_dies(stack: Stack, database: Database) -> None:
    await campaign(stack, database, 15)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
async def test_the_ledger_survives_the_full_campaign(stack: Stack, database: Database) -> None:
    await campaign(stack, database, 500)
