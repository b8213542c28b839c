"""Lists that are asked for by status: what `conclave watch` reads."""

import uuid
from typing import Any

import httpx
import pytest

SOURCE = {"label": "shop", "files": [{"path": "a.py", "text": "x = 1\n"}]}


async def listed(api: httpx.AsyncClient, name: str, *statuses: str) -> list[dict[str, Any]]:
    answer = await api.get(f"/{name}", params={"status": statuses, "page_size": 100})
    assert answer.status_code == 200, answer.text
    return answer.json()[name]


async def test_reviews_are_listed_by_status(api: httpx.AsyncClient) -> None:
    source = (await api.post("/sources", json=SOURCE)).json()["source_id"]
    made = (await api.post("/reviews", json={"source_id": source})).json()["id"]
    assert made in [each["id"] for each in await listed(api, "reviews", "running", "failed")]
    assert made not in [each["id"] for each in await listed(api, "reviews", "cancelled", "completed")]


async def test_experiments_are_listed_by_status(api: httpx.AsyncClient) -> None:
    line = '{"id": "a", "language": "python", "filename": "a.py", "code": "x = 1\\n", "clean": true, "labels": []}\n'
    dataset = await api.post("/datasets", json={"name": f"by-status-{uuid.uuid4().hex[:8]}", "text": line})
    assert dataset.status_code == 201, dataset.text
    body = {"name": "by status", "dataset_id": dataset.json()["id"], "start": False}
    made = (await api.post("/experiments", json=body)).json()["id"]
    assert made in [each["id"] for each in await listed(api, "experiments", "created", "running")]
    assert made not in [each["id"] for each in await listed(api, "experiments", "running", "paused")]


@pytest.mark.parametrize("name", ["reviews", "experiments", "comparisons"])
async def test_a_status_that_is_none_is_refused(api: httpx.AsyncClient, name: str) -> None:
    answer = await api.get(f"/{name}", params={"status": ["running", "canary"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_field")
    assert "canary" not in answer.text
