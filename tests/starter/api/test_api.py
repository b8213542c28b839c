"""The API as a client meets it: what it accepts, what it refuses and how it says so."""

import json
import re
import uuid

import httpx
import pytest
from fastapi import FastAPI

from starter.api import codec
from starter.codec_token import web_ui_token

JSON = {"Content-Type": "application/json"}
CANARY = "canary-7c1f-value"


def upload(**changes: object) -> dict[str, object]:
    return {"label": "shop", "files": [{"path": "a.py", "text": f"x = '{uuid.uuid4()}'\n"}]} | changes


def files(*paths: str, text: str = "x = 1\n") -> dict[str, object]:
    return {"files": [{"path": path, "text": text} for path in paths]}


DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,9 @@\n-y\n+x = 1\n"

BAD_SOURCES: list[tuple[str, bytes | dict[str, object], int, str]] = [
    ("a number for a text", upload(label=1), 422, "invalid_field"),
    ("no files", upload(files=[]), 422, "no_files"),
    ("too many files", upload(**files(*(f"f{i}.py" for i in range(51)))), 413, "too_many_files"),
    ("too many bytes", upload(**files("a.py", "b.py", "c.py", text="x" * 400_000)), 413, "source_too_large"),
    ("an absolute path", upload(**files("/etc/" + CANARY)), 422, "invalid_path"),
    ("a path that climbs", upload(**files("../" + CANARY)), 422, "invalid_path"),
    ("a backslash", upload(**files("a\\b.py")), 422, "invalid_path"),
    ("a NUL in a path", upload(**files("a\0.py")), 422, "invalid_text"),
    ("a reserved name", upload(**files("CON")), 422, "invalid_path"),
    ("a path of 1,025 characters", upload(**files("a/" * 511 + "abc")), 422, "invalid_path"),
    ("paths equal after folding", upload(**files("A.py", "a.py")), 422, "path_collision"),
    ("a malformed diff", upload(**files("a.py"), diff=DIFF), 422, "invalid_diff"),
    ("a diff for a missing file", upload(**files("b.py"), diff=DIFF.replace("1,9", "1,1")), 422, "diff_file_missing"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), [case[1:] for case in BAD_SOURCES], ids=[c[0] for c in BAD_SOURCES]
)
async def test_bad_sources(api: httpx.AsyncClient, body: bytes | dict[str, object], status: int, code: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await api.post("/sources", content=content, headers=JSON)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    assert error["message"]
    assert CANARY not in answer.text


BAD_REVIEWS: list[tuple[str, dict[str, object], int, str]] = [
    ("a source that is none", {"source_id": "0" * 32}, 404, "source_unknown"),
    ("a malformed id", {"source_id": CANARY}, 422, "invalid_field"),
    ("an unknown expert", {"source_id": "0" * 32, "experts": [CANARY]}, 422, "invalid_field"),
    ("nobody", {"source_id": "0" * 32, "experts": []}, 422, "invalid_field"),
    ("an unknown mode", {"source_id": "0" * 32, "mode": CANARY}, 422, "invalid_field"),
    ("no budget", {"source_id": "0" * 32, "budget_micro_usd": 0}, 422, "invalid_field"),
    ("a negative budget", {"source_id": "0" * 32, "budget_micro_usd": -1}, 422, "invalid_field"),
    ("an absurd budget", {"source_id": "0" * 32, "budget_micro_usd": 10**12}, 422, "invalid_field"),
]


@pytest.mark.parametrize(("body", "status", "code"), [c[1:] for c in BAD_REVIEWS], ids=[c[0] for c in BAD_REVIEWS])
async def test_bad_reviews(api: httpx.AsyncClient, body: dict[str, object], status: int, code: str) -> None:
    answer = await api.post("/reviews", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert CANARY not in answer.text


async def test_every_route_but_health_needs_the_token(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    open_to_all = {"/healthz", "/readyz", "/metrics"}
    paths: dict[str, dict[str, object]] = app.openapi()["paths"]
    routes = [(method, path) for path in paths.keys() - open_to_all for method in paths[path]]
    assert {("post", "/reviews"), ("patch", "/providers/{provider_id}"), ("put", "/quotas/{user}")} <= set(routes)
    hidden = [(method, route.path) for route in codec.router.routes for method in route.methods]  # type: ignore[attr-defined]
    hidden = [(method, path) for method, path in hidden if method != "OPTIONS"]
    assert len(hidden) == 3
    for method, path in routes + hidden:
        address = re.sub(r"{\w+}", "0" * 32, path)
        answer = await anonymous.request(method, address, params={"token": "wrong"}, content=b"{}", headers=JSON)
        assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize(
    "value", ["", "Bearer ", "Bearer wrong", "Basic abc", "Bearer ' OR pg_sleep(5)--", "Bearer \u00e9"]
)
async def test_tokens_that_are_none(anonymous: httpx.AsyncClient, value: str) -> None:
    answer = await anonymous.get("/reviews", headers={"Authorization": value.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401


async def test_two_authorization_headers_are_ambiguous(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/reviews", headers=[("Authorization", "Bearer a"), ("Authorization", "Bearer b")])
    assert answer.status_code == 400


async def test_a_foreign_host_header_is_refused(api: httpx.AsyncClient) -> None:
    assert (await api.get("/reviews", headers={"Host": "evil.example"})).status_code == 400


async def test_the_same_source_is_stored_once(api: httpx.AsyncClient) -> None:
    body = upload()
    first, second = await api.post("/sources", json=body), await api.post("/sources", json=body)
    assert first.status_code == second.status_code == 201
    assert first.json()["source_id"] == second.json()["source_id"]
    assert "text" not in first.json()["files"][0]
    renamed = await api.post("/sources", json=body | {"label": "other"})
    assert renamed.json() == first.json() | {"label": "other"}


async def test_an_idempotency_key_gives_the_same_review_once(api: httpx.AsyncClient) -> None:
    source = (await api.post("/sources", json=upload())).json()["source_id"]
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = await api.post("/reviews", json={"source_id": source}, headers=headers)
    again = await api.post("/reviews", json={"source_id": source}, headers=headers)
    other = await api.post("/reviews", json={"source_id": source, "experts": "all"}, headers=headers)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_mismatch")


async def test_reviews_are_paged_newest_first(api: httpx.AsyncClient) -> None:
    source = (await api.post("/sources", json=upload())).json()["source_id"]
    made = [(await api.post("/reviews", json={"source_id": source})).json()["id"] for _ in range(3)]
    first = (await api.get("/reviews", params={"page_size": 2})).json()
    rest = (await api.get("/reviews", params={"page_size": 2, "cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in first["reviews"]] == [made[2], made[1]]
    assert rest["reviews"][0]["id"] == made[0]


async def test_a_review_without_a_worker_waits_and_has_no_report(api: httpx.AsyncClient) -> None:
    source = (await api.post("/sources", json=upload())).json()["source_id"]
    view = (await api.post("/reviews", json={"source_id": source, "mode": "backtrack"})).json()
    assert view["status"] == "running"
    assert {each["status"] for each in view["experts"].values()} == {"waiting"}
    assert len(view["experts"]) == 7
    report = await api.get(f"/reviews/{view['id']}/report")
    assert (report.status_code, report.json()["error"]["code"]) == (409, "report_not_ready")
    assert (await api.get(f"/reviews/{view['id']}/report", params={"format": "exe"})).status_code == 422
    assert (await api.get(f"/reviews/{uuid.uuid4().hex}")).status_code == 404


@pytest.mark.parametrize("name", ["%00", "a%00", "%ff", "x" * 9000, "..", "%0a" + "a" * 32, "a" * 32 + "%0a"])
@pytest.mark.parametrize("path", ["/reviews/{}", "/reviews/{}/events", "/reviews/{}/report", "/sources/{}"])
async def test_names_that_are_no_ids_are_unknown(api: httpx.AsyncClient, path: str, name: str) -> None:
    answer = await api.get(path.format(name))
    assert answer.status_code == 404, answer.text


async def test_the_codec_decodes_for_the_token_alone(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    from google.protobuf.json_format import MessageToJson
    from temporalio.api.common.v1 import Payload, Payloads

    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"secret code"')
    sealed = await app.state.conclave.services.codec.encode([plain])
    body = MessageToJson(Payloads(payloads=sealed))
    assert "secret" not in body
    refused = await anonymous.post("/codec/decode", content=body, headers=JSON)
    bearer = {"Authorization": "Bearer codec-token-0123456789"}
    opened = await anonymous.post("/codec/decode", content=body, headers={**JSON, **bearer})
    for_ui = await anonymous.post(f"/codec/{web_ui_token('codec-token-0123456789')}/decode", content=body, headers=JSON)
    assert refused.status_code == 401
    assert for_ui.json() == opened.json()
    assert opened.status_code == 200
    assert opened.json()["payloads"][0]["data"] == "InNlY3JldCBjb2RlIg=="


async def test_only_the_web_ui_may_ask_from_another_origin(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    ui = app.state.conclave.services.settings.temporal_ui_url
    asked = {"Access-Control-Request-Method": "POST"}
    good = await anonymous.options("/codec/decode", headers={"Origin": ui, **asked})
    evil = await anonymous.options("/codec/decode", headers={"Origin": "http://evil.example", **asked})
    assert good.headers["Access-Control-Allow-Origin"] == ui
    assert "Access-Control-Allow-Origin" not in evil.headers
