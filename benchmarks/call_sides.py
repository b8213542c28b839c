"""The sides of the call benchmark: each asks the same provider the same question and reads the answer."""

import json
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from activities.llm.client import DIALECTS, HttpModelWire
from activities.model_half import RoutedModels
from activities.ports import CallIdentity, Material
from activities.questions import prepared
from activities.quota.best_effort import impatient_client
from activities.storage import schema
from activities.storage.database import Database, engine_for
from activities.storage.reviews import PostgresReviews
from activities.storage.sources import PostgresSources
from activities.storage.statements import Statements
from benchmarks.loopback_provider import keyed
from models.codec import AesGcmCodec
from models.expert import ExpertName
from models.ids import review_workflow_id
from models.opinion import Consultation
from models.order import ReviewOrder
from models.provider import PLATFORM
from models.reviewer_config import ReviewerConfig
from models.settings import Settings
from models.submission import ReviewSubmission, order_of
from starter.intake.accept import accept
from starter.intake.collect import collect
from starter.provider_services import put_together
from starter.stack.launcher import Stack

SAMPLE = Path(__file__).parent.parent / "examples" / "python-shop" / "shop" / "pricing.py"
USERS = 8
EXPERTS = tuple(ExpertName)
MICRO_USD = 1_000_000
CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=3.0)
"""Idle connections are closed before the gateway does it, which would fail a call now and then."""

Call = Callable[[int], Awaitable[None]]
"""Asks once; the number is a call's own."""


class Ours:
    """Our whole path: kept answer, route, reservation, key, dispatch, HTTP, sealing, booking, reading the findings."""

    def __init__(self, models: RoutedModels, reviews: PostgresReviews, material: Material) -> None:
        self._models = models
        self._reviews = reviews
        self._material = material
        self._orders: list[ReviewOrder] = []

    async def expect(self, calls: int) -> None:
        """Accept reviews for so many calls: each call is an expert's first of its review, so it is routed anew."""
        while len(self._orders) * len(EXPERTS) < calls:
            order = order_of(
                ReviewSubmission(source_id=self._material.manifest.source_id, experts="all"),
                self._material.manifest,
                review_id=uuid.uuid4().hex,
                config=ReviewerConfig(),
                models_routed=True,
                owner=f"user-{len(self._orders) % USERS}",
                analysis_queue="none",
                models_queue="none",
            )
            await self._reviews.accept(order.owner, order, "0" * 64, None)
            self._orders.append(order)

    async def call(self, number: int) -> None:
        order = self._orders[number // len(EXPERTS)]
        question = Consultation(
            review_id=order.review_id,
            source_id=order.source_id,
            owner=order.owner,
            expert=EXPERTS[number % len(EXPERTS)],
            attempt=1,
            route_position=0,
            budget_micro_usd=MICRO_USD,
            policy=order.policy,
            complexity=order.complexity.score,
        )
        opinion = await self._models.consult(
            question, CallIdentity(review_workflow_id(order.review_id), 1), self._material
        )
        if not (opinion.provider or "").startswith("loopback"):
            raise RuntimeError("another provider was asked")


class Plain:
    """One HTTP request with httpx, and nothing else."""

    def __init__(self, client: httpx.AsyncClient, url: str, key: str, body: bytes) -> None:
        self._client = client
        self._url = f"{url}/chat/completions"
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._body = body

    async def call(self, number: int) -> None:
        try:
            answer = await self._client.post(self._url, content=self._body, headers=self._headers)
        except httpx.TransportError:  # the other side closed an idle connection all the same
            answer = await self._client.post(self._url, content=self._body, headers=self._headers)
        if "choices" not in answer.json():
            raise RuntimeError(f"no answer: {answer.status_code}")


@asynccontextmanager
async def sides(
    stack: Stack, provider_url: str, other: tuple[str, str] | None
) -> AsyncGenerator[tuple[Ours, dict[str, Call]], None]:
    """All sides, ready.

    Args:
        stack: Postgres, Redis and OpenBao.
        provider_url: of the loopback provider.
        other: address and key of the other gateway, where there is one.
    """
    environment = stack.environment()
    settings = Settings.model_validate(
        {
            "home": stack.home,
            "vault_address": environment["CONCLAVE_VAULT_ADDRESS"],
            "vault_token": environment["CONCLAVE_VAULT_TOKEN"],
            "default_daily_usd": 100_000,
            "default_monthly_usd": 100_000,
        }
    )
    async with AsyncExitStack() as open_things:
        engine = engine_for(environment["CONCLAVE_DATABASE_URL"])
        open_things.push_async_callback(engine.dispose)
        await schema.migrate(environment["CONCLAVE_DATABASE_URL"], environment["CONCLAVE_DATABASE_OWNER_URL"])
        database = Database(engine)
        statements = Statements(environment["CONCLAVE_DATABASE_URL"])
        open_things.push_async_callback(statements.close)
        redis = impatient_client(environment["CONCLAVE_REDIS_URL"])
        open_things.push_async_callback(redis.aclose)
        wire = HttpModelWire(loopback_allowed=True)
        open_things.push_async_callback(wire.aclose)
        parts = put_together(settings, database, statements, redis, wire)
        provider = await parts.catalogue.add(keyed(provider_url))
        await parts.keys.add(PLATFORM, provider, bytearray(b"sk-loopback-0123456789abcdef"))

        source = accept(collect(SAMPLE), source_id=uuid.uuid4().hex)
        manifest = await PostgresSources(database).save("benchmark", source)
        _, lines = await PostgresSources(database).lines(manifest.source_id)
        material = Material(manifest, lines)
        models = RoutedModels(
            parts.router, wire, parts.keys, parts.quota, parts.limiter, parts.health, AesGcmCodec({"k": bytes(32)}, "k")
        )
        ours = Ours(models, PostgresReviews(database, statements), material)

        asked = Consultation(
            review_id="0" * 32,
            source_id=manifest.source_id,
            expert=ExpertName.SECURITY,
            attempt=1,
            route_position=0,
            budget_micro_usd=MICRO_USD,
        )
        question = prepared(asked, material, provider, parts.prices.sheet(provider), MICRO_USD).question
        body = json.dumps(DIALECTS[provider.protocol].request(provider, question).body).encode()
        client = await open_things.enter_async_context(
            httpx.AsyncClient(limits=CONNECTIONS, timeout=120, trust_env=False)
        )
        calls: dict[str, Call] = {"bare": Plain(client, provider.endpoint, "sk-loopback", body).call, "ours": ours.call}
        if other is not None:
            calls["gateway"] = Plain(client, other[0], other[1], body).call
        yield ours, calls
