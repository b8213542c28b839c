"""A client that sent too much waits as it is told, and not for ever."""

import httpx
import pytest

from starter import client

LIMITED = {"Retry-After": "25"}


@pytest.mark.parametrize(
    ("answers", "status", "slept"),
    [
        ([(429, {"Retry-After": "2"}), (200, {})], 200, [2.0]),
        ([(429, LIMITED)] * 4, 429, [25.0, 25.0]),
        ([(429, {"Retry-After": "86400"})], 429, []),
        ([(429, {"Retry-After": "soon"})], 429, []),
        ([(429, {})], 429, []),
        ([(503, LIMITED)], 503, []),
    ],
)
def test_waiting(
    answers: list[tuple[int, dict[str, str]]], status: int, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    left = iter(answers)

    def handle(_request: httpx.Request) -> httpx.Response:
        code, headers = next(left)
        return httpx.Response(code, headers=headers, json={"error": {"code": "rate_limited", "message": "wait"}})

    asking = client.Client("http://127.0.0.1:1", "a-token")
    asking._http = httpx.Client(transport=httpx.MockTransport(handle), base_url="http://127.0.0.1:1")
    try:
        asking.send("GET", "/versions")
        assert status == 200
    except (client.InvalidInput, client.Unreachable):
        assert status != 200
    assert waited == slept
