"""Datasets as a client of the API meets them."""

import hashlib
import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from starter.api import datasets
from starter.stack.launcher import Stack
from tests.labelled import clean, jsonl, label, row
from tests.starter.api.provider_desk import desk_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "canary-5f2a"
USER_TOKEN = "a-token-of-somebody-else"
SHARED = Path(__file__).parents[4] / "shared" / "datasets" / "dev" / "security-python.jsonl"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(stack: Stack) -> AsyncGenerator[httpx.AsyncClient, None]:
    """The API over tables of its own; `uma` is a user and nothing else."""
    user = {"name": "uma", "token_sha256": hashlib.sha256(USER_TOKEN.encode()).hexdigest(), "roles": ["user"]}
    async with desk_on(stack, CONCLAVE_IDENTITIES=json.dumps([user])) as desk:
        yield desk.api


async def imported(api: httpx.AsyncClient, name: str, *rows: dict[str, Any]) -> httpx.Response:
    return await api.post("/datasets", json={"name": name, "text": jsonl(*rows)})


def error_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert SECRET not in answer.text
    return answer.json()["error"]


async def test_a_dataset_is_imported_once_and_found(api: httpx.AsyncClient) -> None:
    first = await imported(api, "demo", row("a", source="upstream", note={"x": 1}), clean("b"))
    assert first.status_code == 201, first.text
    made = first.json()
    assert first.headers["Location"] == f"/datasets/{made['id']}"
    assert (made["name"], made["version"], made["created_by"]) == ("demo", 1, "local")
    assert made["content_hash"].startswith("ds:v1:sha256:")
    assert made["stats"]["by_language"] == {"python": 2}
    assert made["stats"]["by_type"] == {"command-injection": 1}
    again = await imported(api, "demo", row("a", source="upstream", note={"x": 1}), clean("b"))
    assert (again.status_code, again.json()) == (200, made)
    second = (await imported(api, "demo", row("a"), clean("b"))).json()
    assert second["version"] == 2
    assert (await api.get(f"/datasets/{made['id']}")).json() == made
    assert (await api.get("/datasets/demo")).json() == second

    sample = (await api.get(f"/datasets/{made['id']}/samples/0")).json()
    assert sample["extra"] == {"filename": "app.py", "source": "upstream", "licence": "", "other": {"note": {"x": 1}}}
    assert sample["sample"]["labels"][0]["line_start"] == 5
    assert error_of(await api.get("/datasets/demo/samples/2"), 404)["code"] == "sample_unknown"
    error_of(await api.get(f"/datasets/demo/samples/{10**30}"), 422)


async def test_datasets_are_listed_in_pages(api: httpx.AsyncClient) -> None:
    made = [(await imported(api, f"page-{n}", row(str(n)))).json() for n in range(5)]
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < 5:
        page = await api.get("/datasets", params={"page_size": 2} | ({"cursor": cursor} if cursor else {}))
        found += page.json()["datasets"]
        cursor = page.json()["next_cursor"]
    assert found[:5] == made[::-1]
    assert error_of(await api.get("/datasets", params={"cursor": SECRET}), 400)["code"] == "invalid_cursor"


async def test_what_is_wrong_is_told_line_by_line_and_nothing_is_kept(api: httpx.AsyncClient) -> None:
    bad = jsonl(row("good"), row("b", language=SECRET), row("c", labels=[label(cwe=SECRET)])) + f"{{{SECRET}\n"
    error = error_of(await api.post("/datasets", json={"name": "bad", "text": bad}), 422)
    assert (error["code"], error["details"]["problems"]) == ("invalid_dataset", 3)
    assert [each.split(": ")[0] for each in error["details"]["lines"]] == [
        "line 2, `language`",
        "line 3, `labels.0.cwe`",
        "line 4",
    ]
    assert error_of(await api.get("/datasets/bad"), 404)["code"] == "dataset_unknown"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "x", "text": ""}, 422, "empty_dataset"),
        ({"name": f"{SECRET} x", "text": "{}"}, 422, "invalid_field"),
        ({"name": "x" * 61, "text": "{}"}, 422, "invalid_field"),
        ({"text": "{}"}, 422, "field_required"),
        ({"name": "x", "text": 1}, 422, "invalid_field"),
        ({"name": "x", "text": jsonl(row()), "owner": SECRET}, 422, "unknown_field"),
    ],
)
async def test_bodies_that_are_refused(api: httpx.AsyncClient, body: Any, status: int, code: str) -> None:
    assert error_of(await api.post("/datasets", json=body), status)["code"] == code


async def test_a_body_has_a_size(api: httpx.AsyncClient) -> None:
    told = {"Content-Type": "application/json", "Content-Length": str(datasets.MAX_BODY_BYTES + 1)}
    error = error_of(await api.post("/datasets", content=b"{}", headers=told), 413)
    assert (error["code"], error["details"]["limit"]) == ("body_too_large", datasets.MAX_BODY_BYTES)


@pytest.mark.parametrize("name", ["nothing", "0" * 32, "%00", "A%20B", "..%2Fdemo"])
async def test_datasets_that_are_not_there(api: httpx.AsyncClient, name: str) -> None:
    error_of(await api.get(f"/datasets/{name}"), 404)


async def test_users_read_and_operators_import(api: httpx.AsyncClient) -> None:
    made = (await imported(api, "roles", row())).json()
    headers = {"Authorization": f"Bearer {USER_TOKEN}"}
    assert (await api.get("/datasets/roles", headers=headers)).json() == made
    body = {"name": "roles", "text": jsonl(row("another"))}
    assert error_of(await api.post("/datasets", json=body, headers=headers), 403)["code"] == "forbidden"
    for path in ("/datasets", "/datasets/roles", "/datasets/roles/samples/0"):
        error_of(await api.get(path, headers={"Authorization": "Bearer x"}), 401)
    assert (await api.get("/datasets/roles")).json() == made


@pytest.mark.skipif(not SHARED.exists(), reason="the shared datasets are not on this machine")
async def test_a_real_collection_is_imported_in_seconds(api: httpx.AsyncClient) -> None:
    begin = time.monotonic()
    body = {"name": "security-python", "text": SHARED.read_text(encoding="utf-8")}
    answer = await api.post("/datasets", json=body)
    took = time.monotonic() - begin
    assert answer.status_code == 201, answer.text
    stats = answer.json()["stats"]
    assert (stats["samples"], stats["clean"], stats["by_language"]) == (219, 69, {"python": 219})
    assert sum(stats["by_split"].values()) == 219
    assert took < 10
