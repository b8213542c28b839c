"""The metrics page of the API: who may read it, whom it names, and that callers cannot write on it."""

import re
import uuid
from collections.abc import AsyncGenerator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from starter.api.metrics import standing_of

CANARY = "canary-31fd"
SPENT = """
    INSERT INTO quota_counters (user_id, period, requests, spent_micro_usd, held_micro_usd, revision)
    SELECT :user, to_char(now() AT TIME ZONE 'UTC', form), 3, 900000000000, 0, 1
    FROM unnest(ARRAY['YYYY-MM', 'YYYY-MM-DD']) AS form
"""


def with_settings(app: FastAPI, **changes: object) -> None:
    """The same application, set otherwise."""
    state = app.state.conclave
    changed = replace(state.services, settings=state.services.settings.model_copy(update=changes))
    app.state.conclave = replace(state, services=changed)
    app.state.standing = standing_of(changed)


@pytest.fixture
async def spender(app: FastAPI) -> AsyncGenerator[str]:
    """A user who has spent more than anybody."""
    user, database = f"user-{uuid.uuid4().hex[:8]}", app.state.conclave.services.database
    async with database.statements() as session:
        await session.execute(text(SPENT), {"user": user})
    yield user
    async with database.statements() as session:
        await session.execute(text("DELETE FROM quota_counters WHERE user_id = :user"), {"user": user})


async def test_requests_are_counted_by_the_routes_template_and_nothing_a_caller_wrote(api: httpx.AsyncClient) -> None:
    await api.get(f"/reviews/{CANARY}")
    await api.get(f"/{CANARY}/x", params={CANARY: "1"}, headers={"X-Y": CANARY, "traceparent": CANARY})
    await api.request(CANARY.upper(), "/reviews")
    page = (await api.get("/metrics")).text
    assert CANARY not in page.lower()
    count = "http_server_request_duration_seconds_count"
    known = '{http_request_method="GET",http_response_status_code="404",http_route="/reviews/{review_id}"} 1.0'
    assert f"{count}{known}" in page
    assert f'{count}{{http_request_method="GET",http_response_status_code="404",http_route="unmatched"}} 1.0' in page
    assert f'{count}{{http_request_method="other",' in page


async def test_how_things_stand_is_read_when_somebody_asks(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    for part in ("database", "temporal", "checkpoints"):
        assert f'conclave_part_read{{part="{part}"}} 1.0' in answer.text
    assert 'orchestrator_queue_backlog{queue="analysis",work="activity"}' in answer.text
    assert 'provider_reservations_open{state="reserved"}' in answer.text


async def test_a_token_is_asked_for_where_one_is_set(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    with_settings(app, metrics_token=SecretStr("metrics-token-123"))
    assert (await anonymous.get("/metrics")).status_code == 401
    for token, status in (("metrics-token-123", 200), ("metrics-token-124", 401)):
        answer = await anonymous.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


async def test_users_are_named_where_the_page_is_private(
    app: FastAPI, anonymous: httpx.AsyncClient, spender: str
) -> None:
    quotas = quotas_in((await anonymous.get("/metrics")).text, spender)
    assert quotas["provider_quota_used_micro_usd", "day"] == quotas["provider_quota_used_micro_usd", "month"] == 9e11
    assert quotas["provider_quota_limit_micro_usd", "month"] == 100e6, "the default of a user without one of their own"
    assert quotas["provider_quota_requests", "day"] == 3
    with_settings(app, api_host="0.0.0.0")
    page = (await anonymous.get("/metrics")).text
    assert spender not in page and "user=" not in page


def quotas_in(page: str, user: str) -> dict[tuple[str, str], float]:
    """By metric and period."""
    found = re.findall(rf'^(\w+)\{{period="(\w+)",user="{user}"\}} (\S+)$', page, re.MULTILINE)
    return {(metric, period): float(value) for metric, period, value in found}
