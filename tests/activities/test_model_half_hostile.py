"""What an unlucky moment, a changed setting or a second run of a workflow must not do to money, keys and truth."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from activities.key_ports import KeyServiceRefused, Refusal
from activities.ports import Material, ModelFailed
from activities.provider_ports import ModelAnswer, ReservationClosed
from activities.questions import Prepared, TooExpensive, WindowTooSmall, prepared
from activities.storage.database import Database
from models.expert import ExpertName
from models.opinion import Consultation, Rejection
from models.pricing import PriceSheet, PriceStep, Rates, worst_case_micro_usd
from models.provider import ModelTier, PriceOverride, Provider, ProviderKind, WireProtocol
from models.quota import QuotaLimits
from models.routing import RoutingPolicy
from models.source import Language, SourceFile
from starter.stack.launcher import Stack
from tests.activities.test_model_half import COST, Desk, desk
from tests.fakes import manifest
from tests.providers.replies import Reply

PATH = "/v1/chat/completions"


async def _priced(at: Desk, name: str, price: PriceOverride, **changes: Any) -> Provider:
    """One more provider, served by the first one's server, that takes no key."""
    entry = at.servers["first"].catalogue_entry(
        id=uuid.uuid4().hex, name=name, price=price, timeout_seconds=2, needs_key=False, **changes
    )
    at.providers[name] = await at.services.catalogue.add(entry)
    return entry


async def test_an_answer_is_kept_before_anybody_is_told_of_it(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(stack, database, "first") as at:
        telling = asyncio.Event()

        async def hangs(*_: Any, **__: Any) -> None:
            telling.set()
            await asyncio.sleep(60)

        monkeypatch.setattr(at.services.limiter, "note", hangs)
        asking = asyncio.create_task(at.ask())
        await asyncio.wait_for(telling.wait(), 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await at.ledger() == [("settled", COST, 1, True, None)]
        monkeypatch.undo()
        assert (await at.ask(delivery=2)).spent_micro_usd == COST
        assert len(at.servers["first"].requests) == 1


@pytest.mark.parametrize("step", ["settle", "leave_unknown"])
async def test_a_cancelled_call_is_booked_before_it_is_over(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A worker that stops closes its connections as soon as its activities are over."""
    async with desk(stack, database, "first") as at:
        if step == "leave_unknown":
            at.servers["first"].script(PATH, Reply(disconnect=True))
        real: Callable[..., Awaitable[None]] = getattr(at.services.quota, step)
        began = asyncio.Event()

        async def slow(*given: Any) -> None:
            began.set()
            await asyncio.sleep(0.3)
            await real(*given)

        monkeypatch.setattr(at.services.quota, step, slow)
        asking = asyncio.create_task(at.ask())
        await asyncio.wait_for(began.wait(), 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert [entry[0] for entry in await at.ledger()] == ["settled" if step == "settle" else "unknown"]


@pytest.mark.parametrize("lost", ["unknown", "dispatched"])
async def test_a_second_run_of_a_workflow_neither_frees_nor_reuses_what_the_first_one_sent(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """A workflow that is reset, or started anew by its id, counts its questions and deliveries from 1 again."""
    async with desk(stack, database, "first") as at:
        at.servers["first"].script(PATH, Reply(hang=True))
        with monkeypatch.context() as patched:
            if lost == "dispatched":  # as a process that is killed leaves it

                async def nothing(*_: Any) -> None: ...

                patched.setattr(at.services.quota, "leave_unknown", nothing)
            with pytest.raises(ModelFailed):
                await at.ask()
        assert [entry[0] for entry in await at.ledger()] == [lost]
        with pytest.raises(ReservationClosed):
            await at.ask()
        assert [entry[0] for entry in await at.ledger()] == ["unknown"]
        assert len(at.servers["first"].requests) == 1
        await at.ask(delivery=2)
        assert [entry[0] for entry in await at.ledger()] == ["unknown", "settled"]


async def test_a_call_of_unknown_outcome_counts_for_what_it_can_have_cost_not_for_what_others_take(
    stack: Stack, database: Database
) -> None:
    async with desk(stack, database, "first") as at:
        await _priced(at, "dear", PriceOverride(input="10", output="50"))
        at.servers["first"].script(PATH, Reply(hang=True))
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        body = at.servers["first"].requests[0].body
        dearest = (len(body) + 2_000) * 2 + 4_000 * 10
        assert 0 < caught.value.spent_micro_usd <= dearest
        assert (await at.services.quota.state(at.user)).day.held_micro_usd == caught.value.spent_micro_usd


async def test_a_free_model_is_asked_whatever_its_dear_followers_would_take(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        await _priced(at, "free", PriceOverride(input="0", output="0"))
        at.providers["first"] = at.providers.pop("first")  # the second in order
        at.servers["first"].script(PATH, Reply(status=503))
        with pytest.raises(ModelFailed):
            await at.ask()
        await at.services.quotas.set(at.user, QuotaLimits(daily_micro_usd=1))
        assert (await at.ask(attempt=2)).provider == "free"


async def test_a_key_that_its_owner_replaced_meanwhile_stays_active(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(stack, database, "first") as at:
        provider = at.providers["first"]
        own = await at.services.keys.add(at.user, provider, bytearray(b"sk-users-own-key-12345"))
        at.servers["first"].script(PATH, Reply(status=401))
        real = at.services.wire.ask

        async def meanwhile(*given: Any) -> ModelAnswer:
            await at.services.keys.rotate(own.id, at.user, provider, bytearray(b"sk-users-new-key-67890"))
            return await real(*given)

        monkeypatch.setattr(at.services.wire, "ask", meanwhile)
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        assert caught.value.code == "key_invalid"
        assert (await at.services.keys.get(own.id, at.user)).state == "active"


async def test_a_key_service_that_refuses_is_said_and_costs_nothing(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(stack, database, "first") as at:

        def refuses(*_: Any) -> None:
            raise KeyServiceRefused(Refusal.DENIED)

        monkeypatch.setattr(at.services.keys, "opened", refuses)
        with pytest.raises(ModelFailed) as caught:
            await at.ask()
        assert (caught.value.code, caught.value.spent_micro_usd) == ("key_unreadable", 0)
        assert [entry[0] for entry in await at.ledger()] == ["released"]


async def test_a_quota_that_was_raised_or_begins_anew_counts_in_an_old_route(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        await at.services.quotas.set(at.user, QuotaLimits(daily_micro_usd=100_000))
        at.servers["first"].script(PATH, Reply(status=503))
        with pytest.raises(ModelFailed):
            await at.ask(max_output_tokens=5_000)
        await at.services.quotas.set(at.user, QuotaLimits(daily_micro_usd=1_000))
        with pytest.raises(ModelFailed) as caught:
            await at.ask(attempt=2)
        assert caught.value.rejection is Rejection.QUOTA_EXCEEDED
        # A longer answer than was thought of when the route was made: it needs more than the quota had then.
        longer = {"max_output_tokens": 12_000}
        with pytest.raises(ModelFailed) as caught:
            await at.ask(attempt=3, **longer)
        assert caught.value.rejection is Rejection.QUOTA_EXCEEDED
        await at.services.quotas.set(at.user, QuotaLimits(daily_micro_usd=1_000_000))
        assert (await at.ask(attempt=4, **longer)).provider == "first"


async def test_nobody_waits_for_a_quota_that_never_fits_because_somebody_else_is_free(
    stack: Stack, database: Database
) -> None:
    async with desk(stack, database, "first") as at:
        await _priced(at, "free", PriceOverride(input="0", output="0"))
        await at.services.quotas.set(at.user, QuotaLimits(daily_micro_usd=10))
        with pytest.raises(ModelFailed) as caught:
            await at.ask(policy=RoutingPolicy(providers=("first",)))
        assert caught.value.rejection is Rejection.QUOTA_EXCEEDED
        assert caught.value.retry_after_seconds is None


async def test_no_request_that_is_used_up_hides_that_there_is_nobody(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        await at.services.quotas.set(at.user, QuotaLimits(daily_requests=0))
        with pytest.raises(ModelFailed) as caught:
            await at.ask(policy=RoutingPolicy(providers=("not-there",)))
        assert caught.value.rejection is Rejection.NO_PROVIDER


def test_a_question_without_any_code_is_not_asked() -> None:
    """Neither when money pays for no more than the instructions, nor when the window takes no more."""
    code = {"shop/app.py": ["value = compute(value, other)" + "  # note" * 20] * 400}
    size = sum(len(line) + 1 for line in code["shop/app.py"])
    file = SourceFile(
        path="shop/app.py", size=size, characters=size, lines=400, language=Language.PYTHON, sha256="0" * 64
    )
    material = Material(manifest().model_copy(update={"files": (file,)}), code)
    question = Consultation(
        review_id="a" * 32,
        source_id="5" * 32,
        expert=ExpertName.SECURITY,
        attempt=1,
        route_position=0,
        budget_micro_usd=1,
    )
    rates = Rates(
        input=Decimal(2),
        cache_read=Decimal(2),
        cache_write_5m=Decimal(2),
        cache_write_1h=Decimal(2),
        output=Decimal(10),
    )
    sheet = PriceSheet(source="override", model="m", steps={"standard": (PriceStep(rates=rates),)})
    provider = Provider(
        id="p",
        name="p",
        kind=ProviderKind.COMPATIBLE,
        protocol=WireProtocol.OPENAI_CHAT,
        model="m",
        endpoint="http://127.0.0.1:1",
        tier=ModelTier.CHEAP,
        context_tokens=200_000,
        max_output_tokens=4_000,
    )
    outcomes = set[str]()
    for budget in range(40_000, 80_000, 250):
        try:
            made = prepared(question, material, provider, sheet, budget)
        except TooExpensive:
            outcomes.add("dear")
        else:
            outcomes.add("asked")
            assert "compute(" in made.question.prompt
            assert sheet_cost(sheet, made) <= budget
    assert outcomes == {"dear", "asked"}
    with pytest.raises(WindowTooSmall):
        prepared(question, material, provider.model_copy(update={"context_tokens": 4_500}), sheet, 10_000_000)


def sheet_cost(sheet: PriceSheet, made: Prepared) -> int:
    """The worst case of a question."""
    return worst_case_micro_usd(sheet, made.question.input_token_bound, made.question.max_output_tokens)


async def test_experts_that_work_at_once_wait_for_the_only_place_there_is(stack: Stack, database: Database) -> None:
    async with desk(stack, database, "first") as at:
        at.servers["first"].latency = 0.3
        only = await _priced(at, "single", PriceOverride(input="0", output="0"), max_concurrency=1)
        experts = [ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.TEST]
        policy = RoutingPolicy(providers=(only.name,))
        opinions = await asyncio.gather(*(at.ask(expert=each, policy=policy) for each in experts))
        assert [each.provider for each in opinions] == ["single"] * 3
