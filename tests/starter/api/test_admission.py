"""Too much of it: what is refused, what it says, and that the way is free again afterwards."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from activities.storage.database import Database
from activities.storage.reviews import PostgresReviews
from activities.storage.sources import PostgresSources
from activities.storage.statements import Statements
from models.admission import OpenReviews, TooManyReviews
from models.identity import digest
from models.intake import AcceptedSource
from models.review import ReviewStatus
from starter.api.admission import Admission
from tests.activities import conftest as adapters
from tests.fakes import TEXTS, manifest, order

ANN, BOB = "token-of-ann-0123456789", "token-of-bob-0123456789"

database, engine, empty_engine, statements = (
    adapters.database,
    adapters.engine,
    adapters.empty_engine,
    adapters.statements,
)
"""Fixtures."""


class Slow:
    """An application whose answers wait for a sign."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        await self.go.wait()
        if scope["path"] == "/broken":
            raise RuntimeError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def busy(slow: Slow) -> AsyncGenerator[httpx.AsyncClient, None]:
    """Two requests and one stream at once."""
    transport = httpx.ASGITransport(
        Admission(slow, requests=2, streams=1, headers={"X-Content-Type-Options": "nosniff"}),
        raise_app_exceptions=False,
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def begin(client: httpx.AsyncClient, slow: Slow, *paths: str) -> list[asyncio.Task[httpx.Response]]:
    tasks = [asyncio.create_task(client.get(path)) for path in paths]
    async with asyncio.timeout(5):
        while slow.begun < len(paths):
            await asyncio.sleep(0)
    return tasks


def assert_busy(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_over_the_bound_it_refuses_at_once_and_lets_in_again_afterwards(
    busy: httpx.AsyncClient, slow: Slow
) -> None:
    inside = await begin(busy, slow, "/a", "/broken")
    assert_busy(await busy.get("/b"))
    assert slow.begun == 2, "nothing was done for the one that was refused"
    slow.go.set()
    answers = await asyncio.gather(*inside, return_exceptions=True)
    assert isinstance(answers[0], httpx.Response) and answers[0].status_code == 200
    assert [(await busy.get("/c")).status_code for _ in range(3)] == [200] * 3, "a failure gives its place back, too"


async def test_who_looks_after_the_service_is_always_let_in(busy: httpx.AsyncClient, slow: Slow) -> None:
    await begin(busy, slow, "/a", "/b", "/healthz", "/readyz", "/metrics")
    slow.go.set()


async def test_streams_and_requests_take_no_places_from_each_other(busy: httpx.AsyncClient, slow: Slow) -> None:
    inside = await begin(busy, slow, "/reviews/1/events", "/a", "/b")
    assert_busy(await busy.get("/reviews/2/events"))
    slow.go.set()
    assert {answer.status_code for answer in await asyncio.gather(*inside)} == {200}


async def source(api: httpx.AsyncClient) -> str:
    body = {"label": "shop", "files": [{"path": "a.py", "text": f"x = '{uuid.uuid4()}'\n"}]}
    answer = await api.post("/sources", json=body)
    assert answer.status_code == 201
    return answer.json()["source_id"]


async def open_reviews(api: httpx.AsyncClient) -> int:
    shown = (await api.get("/reviews", params={"page_size": 100})).json()["reviews"]
    return sum(each["status"] == "running" for each in shown)


@pytest.fixture
def caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two callers who have no review yet, and room for three of each."""
    monkeypatch.setenv("CONCLAVE_MAX_OPEN_REVIEWS_PER_CALLER", "3")
    who = [{"name": uuid.uuid4().hex, "token_sha256": digest(token), "roles": ["user"]} for token in (ANN, BOB)]
    monkeypatch.setenv("CONCLAVE_IDENTITIES", json.dumps(who))


async def test_so_many_reviews_may_be_unfinished_and_none_more(caps: None, api: httpx.AsyncClient) -> None:
    """Nothing works on them here, so all stay open."""
    api.headers["Authorization"] = f"Bearer {ANN}"
    body = {"source_id": await source(api)}
    # All at once: two must not take the last place together.
    keys = [uuid.uuid4().hex for _ in range(9)]
    answers = await asyncio.gather(*(api.post("/reviews", json=body, headers={"Idempotency-Key": key}) for key in keys))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 6
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["code"] == "too_many_reviews"
    assert refused.json()["error"]["details"] == {"limit": 3}
    assert int(refused.headers["retry-after"]) >= 1
    assert await open_reviews(api) == 3, "what was refused left nothing behind"

    turned_away = next(key for key, answer in zip(keys, answers, strict=True) if answer.status_code == 429)
    later = await api.post("/reviews", json=body, headers={"Idempotency-Key": turned_away})
    assert later.status_code == 429, "its key is free to be used again"

    accepted = next(key for key, answer in zip(keys, answers, strict=True) if answer.status_code == 202)
    again = await api.post("/reviews", json=body, headers={"Idempotency-Key": accepted})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")


async def test_one_callers_reviews_do_not_keep_another_out(caps: None, api: httpx.AsyncClient) -> None:
    for token, expected in ((ANN, [202, 202, 202, 429]), (BOB, [202])):
        api.headers["Authorization"] = f"Bearer {token}"
        body = {"source_id": await source(api)}
        assert [(await api.post("/reviews", json=body)).status_code for _ in expected] == expected


async def test_everybodys_reviews_have_a_bound_too(database: Database, statements: Statements) -> None:
    sources, reviews = PostgresSources(database), PostgresReviews(database, statements)
    stored = await sources.save("ann", AcceptedSource(manifest(), dict(TEXTS), {}))
    limits = OpenReviews(per_caller=2, in_all=3)
    ids = [uuid.uuid4().hex for _ in range(5)]

    async def accept(who: str, review_id: str) -> bool:
        what = order(review_id=review_id, source_id=stored.source_id)
        return (await reviews.accept(who, what, "hash", None, limits))[1]

    assert [await accept(*each) for each in zip(("ann", "ann", "bob"), ids[:3], strict=True)] == [True] * 3
    with pytest.raises(TooManyReviews) as refused:
        await accept("bob", ids[3])
    assert (refused.value.limit, refused.value.own) == (3, False)
    await reviews.finish(ids[0], ReviewStatus.CANCELLED, None, datetime.now(UTC))
    assert await accept("bob", ids[4]), "one has ended, so there is a place again"
