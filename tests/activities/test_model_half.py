"""One question to a model, with real money: real Postgres, Redis and key service, real HTTP."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from activities.llm.client import HttpModelWire
from activities.model_half import RoutedModels
from activities.ports import CallIdentity, Material, ModelFailed
from activities.quota.best_effort import impatient_client
from activities.storage.database import Database
from models.call import TokenUsage
from models.codec import AesGcmCodec
from models.expert import ExpertName
from models.opinion import Consultation, Opinion
from models.provider import PLATFORM, PriceOverride, Provider
from models.quota import QuotaLimits
from models.route import route
from models.routing import RoutingPolicy
from starter.provider_services import ProviderServices, put_together
from starter.stack.launcher import Stack
from tests.activities.conftest import statements_of
from tests.activities.storage.test_storage import stored
from tests.fakes import TEXTS, manifest
from tests.providers.replies import Reply
from tests.providers.server import ScriptedProvider
from tests.stack_fixture import stack_settings

FOUND: dict[str, Any] = {
    "findings": [
        {
            "type": "Command Injection",
            "severity": "high",
            "path": "shop/app.py",
            "line_range": [5, 5],
            "quote": "    os.system(cmd)",
            "description": "A shell runs what comes from outside.",
            "recommendation": "Use a list.",
            "confidence": 0.9,
            "cwe": "CWE-78",
        }
    ],
    "summary": "one",
    "execution_time_ms": 1,
}
KEY = b"sk-canary-0123456789abcdef"
PRICE = PriceOverride(input="2", output="10")
USAGE = TokenUsage(input=1_000, output=200)
COST = 1_000 * 2 + 200 * 10


@dataclass
class Desk:
    """Everything one test needs."""

    services: ProviderServices
    models: RoutedModels
    database: Database
    user: str
    review_id: str
    servers: dict[str, ScriptedProvider] = field(default_factory=dict[str, ScriptedProvider])
    providers: dict[str, Provider] = field(default_factory=dict[str, Provider])
    workflow_id: str = field(default_factory=lambda: f"review-{uuid.uuid4().hex}")

    async def ask(self, attempt: int = 1, position: int = 0, delivery: int = 1, **changes: Any) -> Opinion:
        question = Consultation.model_validate(
            {
                "review_id": self.review_id,
                "source_id": "5" * 32,
                "owner": self.user,
                "expert": ExpertName.SECURITY,
                "attempt": attempt,
                "route_position": position,
                "budget_micro_usd": 1_000_000,
                "policy": RoutingPolicy(providers=tuple(self.providers)),
                **changes,
            }
        )
        material = Material(manifest(), {path: code.splitlines() for path, code in TEXTS.items()})
        return await self.models.consult(question, CallIdentity(self.workflow_id, delivery), material)

    async def ledger(self) -> list[tuple[str, int, int, bool, str | None]]:
        """State, cost, delivery, useful and failure of each entry, oldest first."""
        query = text(
            "SELECT state, cost_micro_usd, delivery, useful, failure FROM ledger WHERE workflow_id = :id "
            "ORDER BY created_at"
        )
        async with self.database.statements() as session:
            return [tuple(row) for row in (await session.execute(query, {"id": self.workflow_id})).all()]


@asynccontextmanager
async def desk(stack: Stack, database: Database, *names: str, **server: Any) -> AsyncGenerator[Desk]:
    """Providers of these names, in this order of preference, with platform keys, and a user of one's own."""
    environment = stack.environment()
    settings = stack_settings(
        stack.home,
        vault_address=environment["CONCLAVE_VAULT_ADDRESS"],
        vault_token=environment["CONCLAVE_VAULT_TOKEN"],
    )
    redis = impatient_client(environment["CONCLAVE_REDIS_URL"])
    wire = HttpModelWire(loopback_allowed=True)
    codec = AesGcmCodec({"k": b"k" * 32}, "k")
    async with AsyncExitStack() as open_things:
        open_things.push_async_callback(redis.aclose)
        open_things.push_async_callback(wire.aclose)
        statements = await open_things.enter_async_context(statements_of(stack, database))
        services = put_together(settings, database, statements, redis, wire)
        models = RoutedModels(
            services.router, services.wire, services.keys, services.quota, services.limiter, services.health, codec
        )
        _, _, what = await stored(database, statements)
        at = Desk(services, models, database, f"user-{uuid.uuid4().hex}", what.review_id)
        for name in names:
            at.servers[name] = await open_things.enter_async_context(
                ScriptedProvider(answer=FOUND, usage=USAGE, **server)
            )
            entry = at.servers[name].catalogue_entry(id=uuid.uuid4().hex, name=name, price=PRICE, timeout_seconds=2)
            at.providers[name] = await services.catalogue.add(entry)
            await services.keys.add(PLATFORM, entry, bytearray(KEY))
        yield at


async def test_a_question_is_asked_paid_kept_and_read(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        opinion = await at.ask()
        assert [(each.kind, each.line_start, each.tool) for each in opinion.findings] == [
            ("command-injection", 5, "model")
        ]
        assert (opinion.spent_micro_usd, opinion.provider, opinion.further) == (COST, "first", None)
        assert await at.ledger() == [("settled", COST, 1, True, None)]
        sent = at.servers["first"].requests[-1]
        assert sent.headers["authorization"] == f"Bearer {KEY.decode()}"
        assert "os.system(cmd)" in sent.body.decode()
        state = await at.services.quota.state(at.user)
        assert (state.day.spent_micro_usd, state.day.held_micro_usd, state.day.requests) == (COST, 0, 1)


async def test_after_a_crash_the_paid_answer_is_read_not_bought_again(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        first = await at.ask()
        again = await at.ask(delivery=2)
        assert again == first.model_copy(update={"cached": True})
        assert len(at.servers["first"].bill) == 1
        async with at.database.statements() as session:
            sealed = (await session.execute(text("SELECT sealed FROM model_answers"))).scalars().all()
        assert all(b"Command Injection" not in each for each in sealed)


async def test_a_crash_between_question_and_answer_leaves_an_unknown_and_asks_again(
    stack: Stack, database: Database
) -> None:
    async with desk(stack, database, "first") as at:
        at.servers["first"].script("/v1/chat/completions", Reply(hang=True))
        lost = asyncio.create_task(at.ask())
        while not at.servers["first"].requests:
            await asyncio.sleep(0.02)
        lost.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lost
        await at.ask(delivery=2)
        states = [(state, delivery) for state, _, delivery, _, _ in await at.ledger()]
        assert states == [("unknown", 1), ("settled", 2)]


@pytest.mark.parametrize(
    ("reply", "code", "posture", "entry"),
    [
        (Reply(status=503), "overloaded", "retry", ("released", 0, 1, True)),
        (Reply(status=429, headers={"retry-after": "3"}), "rate_limited", "retry", ("released", 0, 1, True)),
        (Reply(status=404), "model_not_found", "next_provider", ("released", 0, 1, True)),
        (Reply(disconnect=True), None, None, ("unknown", 0, 1, True)),
        (Reply(hang=True), "provider_timeout", "next_provider", ("unknown", 0, 1, True)),
        (Reply(body="not json", headers={"content-type": "application/json"}), "provider_bad_response", None, None),
    ],
    ids=["overloaded", "rate limit", "no model", "reset", "hangs", "garbage"],
)
async def test_every_failure_is_booked_and_says_where_to_go_on(
    stack: Stack,
    database: Database,
    reply: Reply,
    code: str | None,
    posture: str | None,
    entry: tuple[str, int, int, bool] | None,
) -> None:
    async with desk(stack, database, "first", "second") as at:
        at.servers["first"].script("/v1/chat/completions", reply)
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        assert caught.value.rejection == "provider_error"
        assert caught.value.further == 1
        if code is not None:
            assert caught.value.code == code
        if posture is not None:
            assert caught.value.posture == posture
        booked = (await at.ledger())[0]
        if entry is not None:
            assert booked[:4] == entry
        opinion = await at.ask(attempt=2, position=caught.value.further)
        assert opinion.provider == "second"


async def test_a_refused_key_is_set_aside_and_the_next_key_is_asked(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        provider = at.providers["first"]
        own = await at.services.keys.add(at.user, provider, bytearray(b"sk-users-own-key-12345"))
        at.servers["first"].script("/v1/chat/completions", Reply(status=401))
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        assert (caught.value.code, caught.value.posture, caught.value.further) == ("key_invalid", "next_key", 1)
        assert (await at.services.keys.get(own.id, at.user)).state == "invalid"
        await at.ask(attempt=2, position=1)
        used = [each.headers["authorization"] for each in at.servers["first"].requests]
        assert used == ["Bearer sk-users-own-key-12345", f"Bearer {KEY.decode()}"]
        assert (await at.services.health.all()).get(provider.id) is None or (await at.services.health.all())[
            provider.id
        ].is_healthy


async def test_an_answer_that_cannot_be_read_is_paid_and_said(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        at.servers["first"].answer = {"verdict": "approve everything"}
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        assert (caught.value.rejection, caught.value.spent_micro_usd) == ("invalid_output", COST)
        assert (await at.ledger())[0][:2] == ("settled", COST)


async def test_a_spent_quota_refuses_before_anything_is_sent(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        await at.services.quotas.set(at.user, QuotaLimits(daily_micro_usd=10))
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        assert caught.value.rejection == "quota_exceeded"
        assert not at.servers["first"].requests
        await at.services.quotas.set(at.user, QuotaLimits(daily_requests=1))
        await at.ask(attempt=2)
        with pytest.raises(ModelFailed) as caught:
            await at.ask(attempt=3)
        assert caught.value.rejection == "quota_exceeded"
        assert caught.value.retry_after_seconds is not None
        assert len(at.servers["first"].requests) == 1


async def test_a_budget_that_pays_no_question_asks_nobody(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        with pytest.raises(ModelFailed) as caught:
            await at.ask(budget_micro_usd=500)
        assert caught.value.rejection == "budget_spent"
        assert not at.servers["first"].requests


async def test_nobody_to_ask_is_told_apart(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        with pytest.raises(ModelFailed) as caught:
            await at.ask(policy=RoutingPolicy(providers=("not-there",)))
        assert (caught.value.rejection, caught.value.posture) == ("no_provider", "stop")


async def test_the_worst_case_is_never_below_what_was_charged_and_is_held_meanwhile(
    stack: Stack, database: Database
) -> None:
    async with desk(stack, database, "first") as at:
        at.servers["first"].latency = 0.3
        asking = asyncio.create_task(at.ask())
        while not at.servers["first"].requests:
            await asyncio.sleep(0.02)
        held = (await at.services.quota.state(at.user)).day.held_micro_usd
        body = json.loads(at.servers["first"].requests[0].body)
        longest = body.get("max_completion_tokens") or body["max_tokens"]
        assert held >= longest * 10 + len(at.servers["first"].requests[0].body) // 2 * 2
        opinion = await asking
        assert opinion.spent_micro_usd <= held


async def test_a_provider_that_is_switched_off_meanwhile_is_still_where_the_chain_says(
    stack: Stack, database: Database
) -> None:
    """The decision of a review stands: what an administrator changes counts from the next review on."""
    async with desk(stack, database, "first", "second") as at:
        at.servers["first"].script("/v1/chat/completions", Reply(status=500))
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        assert caught.value.further is not None
        await at.services.catalogue.disable(at.providers["second"].id)
        assert (await at.ask(attempt=2, position=caught.value.further)).provider == "second"
        decision = await at.services.routes.decided(at.review_id, ExpertName.SECURITY)
        assert decision is not None
        assert route(decision.inputs) == decision
