"""The Version Control AI asks a model with real money: real Postgres, Redis and key service, real HTTP."""

import json

import pytest
from sqlalchemy import text

from activities.metered import MeteredModels
from activities.ports import CallIdentity
from activities.storage.database import Database
from activities.verdict import ModelJudge
from models.codec import AesGcmCodec
from models.quota import QuotaLimits
from models.routing import RoutingPolicy
from models.verdict import AiVerdict, Verdict
from models.verdict_rules import ruled
from starter.stack.launcher import Stack
from tests.activities.stats.made import metrics_of
from tests.activities.test_model_half import COST, Desk, desk
from tests.models.test_verdict_rules import GOOD, facts_of
from tests.providers.replies import Reply

METRICS = metrics_of(**GOOD)
FACTS = facts_of(METRICS)
RULES = ruled(METRICS, FACTS)
SAID = {"reasons": ["Recall differs by language."], "verdict": "manual_review", "confidence": 0.7}
PATH = "/v1/chat/completions"


async def judged(at: Desk, delivery: int = 1) -> AiVerdict:
    asked = at.services
    codec = AesGcmCodec({"k": b"k" * 32}, "k")
    models = MeteredModels(asked.wire, asked.keys, asked.quota, asked.limiter, asked.health, codec)
    judge = ModelJudge(asked.router, models, RoutingPolicy(providers=tuple(at.providers)))
    return await judge.verdict(METRICS, FACTS, at.user, CallIdentity(at.workflow_id, delivery))


async def test_a_models_verdict_stands_is_booked_and_is_bought_once(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        at.servers["first"].answer = SAID
        said = await judged(at)
        assert (said.verdict, said.confidence, said.judged_by) == (Verdict.MANUAL_REVIEW, 0.7, "first")
        assert said.reasons[0] == "Recall differs by language."
        assert said.reasons[-1].startswith("The stated rules say pass")
        assert await at.ledger() == [("settled", COST, 1, True, None)]
        # All money is gone, and the worker crashed after it was paid: the answer is still there.
        await at.services.quotas.set(at.user, QuotaLimits(daily_micro_usd=1))
        assert await judged(at, delivery=2) == said
        assert len(at.servers["first"].bill) == 1
        async with at.database.statements() as session:
            query = text("SELECT expert, review_id FROM ledger WHERE workflow_id = :id")
            assert [tuple(row) for row in await session.execute(query, {"id": at.workflow_id})] == [
                ("version-control", None)
            ]


async def test_the_next_provider_is_asked_when_the_first_fails(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first", "second") as at:
        at.servers["first"].script(PATH, Reply(status=500))
        at.servers["second"].answer = SAID
        assert (await judged(at)).judged_by == "second"


@pytest.mark.parametrize(
    ("reply", "note"),
    [(Reply(status=503), "No model was heard"), (None, "A model's answer was not by the schema (wrong_shape)")],
    ids=["down", "says what it likes"],
)
async def test_without_a_usable_answer_the_rules_stand_and_say_so(
    stack: Stack, database: Database, reply: Reply | None, note: str
) -> None:
    async with desk(stack, database, "first") as at:
        at.servers["first"].answer = {"verdict": "pass", "allow": True}
        if reply:
            at.servers["first"].script(PATH, reply)
        said = await judged(at)
        assert (said.verdict, said.confidence, said.judged_by) == (RULES.verdict, RULES.confidence, "rules")
        assert said.reasons[:-1] == RULES.reasons
        assert note in said.reasons[-1]


async def test_where_nobody_can_be_asked_the_rules_judge(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        await at.services.catalogue.disable(at.providers["first"].id)
        assert await judged(at) == RULES
        assert not at.servers["first"].requests


async def test_a_model_sees_numbers_only(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        at.servers["first"].answer = SAID
        await judged(at)
        messages = json.loads(at.servers["first"].requests[-1].body)["messages"]
        shown = json.loads(messages[-1]["content"])
        assert shown["counts"]["samples"] == 500
        assert FACTS.experiment_id not in json.dumps(messages)
