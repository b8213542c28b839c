"""Limits, use, health and alerts as their users meet them."""

import uuid
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from activities.storage.alerts import raise_alert
from models.alert import AlertType
from models.call import TokenUsage
from models.health import Probe
from models.quota import day_of
from models.reservation import Settlement
from starter.stack.launcher import Stack
from tests.activities.quota.holds import hold
from tests.starter.api.provider_desk import Desk, desk_on, error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS: dict[str, int | None] = {
    "daily_requests": 5,
    "monthly_requests": None,
    "daily_micro_usd": 1_000_000,
    "monthly_micro_usd": 0,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: Stack) -> AsyncGenerator[Desk, None]:
    async with desk_on(stack) as found:
        yield found


def somebody() -> str:
    return f"user-{uuid.uuid4().hex[:12]}"


async def spend(desk: Desk, user: str, amount: int, **changes: Any) -> None:
    quota = desk.providers.quota
    reservation = await quota.reserve(hold(user, 2 * amount).model_copy(update=changes))
    await quota.dispatch(reservation)
    usage = TokenUsage(input=100, output=20)
    await quota.settle(reservation, Settlement(usage=usage, cost_micro_usd=amount, useful=amount != 7), b"sealed")


async def test_limits_are_set_whole_and_shown_with_use(desk: Desk) -> None:
    user = somebody()
    default = (await desk.api.get("/quotas", params={"user": user})).json()["quotas"][0]
    assert (default["limits"]["daily_micro_usd"], default["headroom_micro_usd"]) == (10_000_000, 10_000_000)
    await spend(desk, user, 300)
    limits = LIMITS | {"monthly_micro_usd": 400}
    shown = (await desk.api.put(f"/quotas/{user}", json=limits)).json()
    assert (shown["user"], shown["limits"]) == (user, limits)
    assert (shown["headroom_micro_usd"], shown["requests_left"], shown["pressure"]) == (100, 4, 0.75)
    assert shown["day"] == {
        "period": day_of(datetime.now(UTC)),
        "requests": 1,
        "spent_micro_usd": 300,
        "held_micro_usd": 0,
    }
    assert (await desk.api.get("/quotas", params={"user": user})).json()["quotas"] == [shown]


async def test_everybody_with_limits_or_use_is_listed(desk: Desk) -> None:
    users = [somebody() for _ in range(3)]
    await desk.api.put(f"/quotas/{users[0]}", json=LIMITS)
    await spend(desk, users[1], 5)
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = (await desk.api.get("/quotas", params={"page_size": 2} | ({"cursor": cursor} if cursor else {}))).json()
        found += [each["user"] for each in page["quotas"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == sorted(set(found))
    assert {users[0], users[1]} <= set(found) and users[2] not in found
    own = (await desk.api.get("/quotas", params={"own": True})).json()["quotas"]
    assert [each["user"] for each in own] == ["local"]


@pytest.mark.parametrize("user", ["a:b", "*", "quota:*", "a*", "%0a", "a%0a", "%00", "-x", "x" * 121, "a%20b", "é"])
async def test_100_users_that_are_none(desk: Desk, user: str) -> None:
    assert (await desk.api.put(f"/quotas/{user}", json=LIMITS)).status_code in (404, 422)
    for path in ("/quotas", "/usage"):
        answer = await desk.api.get(f"{path}?user={user}")
        assert answer.status_code == 422, path


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"daily_requests": -1}, "invalid_field"),
        ({"daily_requests": 1.5}, "invalid_field"),
        ({"daily_requests": "5"}, "invalid_field"),
        ({"daily_requests": True}, "invalid_field"),
        ({"daily_micro_usd": 10**18}, "invalid_field"),
        ({"monthly_usd": 1}, "unknown_field"),
    ],
)
async def test_limits_that_are_none(desk: Desk, change: dict[str, object], code: str) -> None:
    assert error_of(await desk.api.put(f"/quotas/{somebody()}", json=LIMITS | change)) == (422, code)


@pytest.mark.parametrize("field", LIMITS)
async def test_a_limit_is_not_lifted_by_being_forgotten(desk: Desk, field: str) -> None:
    sent = {name: value for name, value in LIMITS.items() if name != field}
    assert error_of(await desk.api.put(f"/quotas/{somebody()}", json=sent)) == (422, "field_required")


async def test_use_by_day_provider_and_expert(desk: Desk) -> None:
    user, today = somebody(), day_of(datetime.now(UTC))
    provider = await desk.provider()
    await spend(desk, user, 300, provider_id=provider["id"])
    await spend(desk, user, 7, provider_id=provider["id"], expert=None)
    await desk.providers.quota.reserve(hold(user, 50).model_copy(update={"provider_id": provider["id"]}))

    async def report(by: str, **more: Any) -> dict[str, Any]:
        return (await desk.api.get("/usage", params={"by": by, "user": user} | more)).json()

    line = {"requests": 3, "tokens": 240, "spent_micro_usd": 307, "unusable_micro_usd": 7, "held_micro_usd": 50}
    by_day = await report("day")
    assert by_day["rows"] == [{"heading": today} | line]
    assert by_day["since"] == f"{today[:7]}-01"
    assert (by_day["user"], by_day["until"], by_day["total"]) == (user, today, {"heading": "total"} | line)
    assert [(each["heading"], each["spent_micro_usd"]) for each in (await report("provider"))["rows"]] == [
        (provider["name"], 307)
    ]
    assert [(each["heading"], each["requests"]) for each in (await report("expert"))["rows"]] == [
        ("", 1),
        ("security", 2),
    ]
    assert (await report("day", since="2020-01-01", until="2020-01-31"))["rows"] == []
    everybody = (await desk.api.get("/usage", params={"everybody": True})).json()
    assert everybody["user"] is None and everybody["total"]["requests"] >= 3


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"since": "2026-13-01"}, "invalid_field"),
        ({"until": "2026-02-30"}, "invalid_field"),
        ({"since": "1764115200"}, "invalid_field"),
        ({"since": "2026-11-26T00:00:00"}, "invalid_field"),
        ({"since": "2026-11-2\u0666"}, "invalid_field"),
        ({"since": "2026-11-26\n"}, "invalid_field"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "invalid_range"),
        ({"since": "2020-01-01", "until": "2026-01-01"}, "invalid_range"),
        ({"since": "9999-12-31"}, "invalid_range"),
        ({"by": "key"}, "invalid_field"),
    ],
)
async def test_98_reports_that_are_none(desk: Desk, params: dict[str, str], code: str) -> None:
    assert error_of(await desk.api.get("/usage", params=params)) == (422, code)
    assert (await desk.api.get("/usage", params={"until": "0001-01-01"})).status_code == 200


async def test_health_is_shown_where_it_is_looked_for(desk: Desk) -> None:
    provider = await desk.provider()
    await desk.providers.health.note(Probe(provider_id=provider["id"], latency_ms=12, failure="provider_timeout"))
    overview = (await desk.api.get("/health")).json()
    shown = next(each for each in overview["providers"] if each["id"] == provider["id"])
    assert (overview["healthy"], shown["name"]) == (False, provider["name"])
    assert (shown["health"]["is_healthy"], shown["health"]["last_error"]) == (False, "provider_timeout")
    assert (await desk.api.get(f"/providers/{provider['id']}")).json()["health"] == shown["health"]
    await desk.api.delete(f"/providers/{provider['id']}")
    overview = (await desk.api.get("/health")).json()
    assert provider["id"] not in {each["id"] for each in overview["providers"]}


async def alert(desk: Desk, subject: str, kind: AlertType = AlertType.DAILY_COST, threshold: int = 80) -> None:
    async with desk.app.state.conclave.services.database.transaction() as session:
        await raise_alert(session, kind, subject, "2026-11-26", threshold)


async def test_alerts_are_listed_newest_first_and_acknowledged_once(desk: Desk) -> None:
    user, provider = somebody(), await desk.provider()
    await alert(desk, user)
    await alert(desk, user, threshold=90)
    await alert(desk, provider["id"], AlertType.PROVIDER_UNHEALTHY, 0)
    page = (await desk.api.get("/alerts", params={"page_size": 2})).json()
    rest = (await desk.api.get("/alerts", params={"page_size": 100, "cursor": page["next_cursor"]})).json()
    first, second = page["alerts"]
    assert (first["alert_type"], first["title"]) == ("provider_unhealthy", f"provider {provider['name']} is unhealthy")
    assert (second["subject"], second["threshold_percentage"]) == (user, 90)
    assert rest["alerts"][0]["title"] == f"80 % of the daily spending limit of {user} used"
    seen = await desk.api.post(f"/alerts/{second['id']}/acknowledge")
    again = await desk.api.post(f"/alerts/{second['id']}/acknowledge")
    assert seen.json() == again.json() == second | {"acknowledged": True, "acknowledged_by": "local"}
    still = (await desk.api.get("/alerts", params={"acknowledged": False, "page_size": 100})).json()["alerts"]
    assert first in still and second["id"] not in {each["id"] for each in still}
    assert error_of(await desk.api.post(f"/alerts/{uuid.uuid4().hex}/acknowledge")) == (404, "alert_unknown")
