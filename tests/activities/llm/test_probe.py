"""Signs of life: unbilled where the protocol has a list of models, else one call that is capped."""

import pytest

from activities.llm.client import HttpModelWire
from models.call import TokenUsage
from models.provider import WireProtocol
from tests.activities.llm.questions import KEY
from tests.providers.replies import Reply, chat_body
from tests.providers.server import ScriptedProvider

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("protocol", WireProtocol)
async def test_a_list_of_models_costs_nothing(
    server: ScriptedProvider, wire: HttpModelWire, protocol: WireProtocol
) -> None:
    probe = await wire.probe(server.catalogue_entry(protocol), bytearray(KEY))
    assert (probe.good, probe.http_status, probe.failure) == (True, 200, None)
    seen = server.requests[-1]
    assert (seen.method, seen.path, seen.body) == ("GET", "/v1/models", b"")
    assert seen.headers["authorization"] == f"Bearer {KEY.decode()}"
    assert server.bill == []


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_without_a_list_is_asked_once_and_little(
    server: ScriptedProvider, wire: HttpModelWire, status: int
) -> None:
    server.script("/v1/models", Reply(status=status))
    probe = await wire.probe(server.catalogue_entry(), bytearray(KEY))
    assert probe.good
    assert server.requests[-1].json["max_tokens"] == 16
    assert len(server.requests) == 2


async def test_an_answer_cut_at_the_cap_is_a_sign_of_life(server: ScriptedProvider, wire: HttpModelWire) -> None:
    server.script("/v1/models", Reply(status=404))
    server.script(CHAT, Reply(body=chat_body("{", TokenUsage(input=20, output=16), finish="length")))
    assert (await wire.probe(server.catalogue_entry(), bytearray(KEY))).good


@pytest.mark.parametrize(
    ("reply", "status", "failure"),
    [
        (Reply(status=401, body={"error": {"code": "invalid_api_key"}}), 401, "key_invalid"),
        (Reply(status=429), 429, "rate_limited"),
        (Reply(status=500), 500, "server_error"),
        (Reply(status=302, headers={"location": "/"}), 302, "provider_redirect"),
        (Reply(body="<html>"), 200, "provider_bad_response"),
        (Reply(disconnect=True), None, "provider_unreachable"),
    ],
)
async def test_what_is_wrong_is_told(
    server: ScriptedProvider, wire: HttpModelWire, reply: Reply, status: int | None, failure: str
) -> None:
    server.script("/v1/models", reply)
    probe = await wire.probe(server.catalogue_entry(), bytearray(KEY))
    assert (probe.good, probe.http_status, probe.failure) == (False, status, failure)


@pytest.mark.parametrize(("status", "failure"), [(404, "model_not_found"), (503, "overloaded")])
async def test_a_failed_call_is_no_sign_of_life(
    server: ScriptedProvider, wire: HttpModelWire, status: int, failure: str
) -> None:
    server.script("/v1/models", Reply(status=404))
    server.script(CHAT, Reply(status=status))
    probe = await wire.probe(server.catalogue_entry(), bytearray(KEY))
    assert (probe.good, probe.http_status, probe.failure) == (False, status, failure)


async def test_a_probe_has_its_own_short_deadline(
    server: ScriptedProvider, wire: HttpModelWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.llm.client.PROBE_SECONDS", 0.3)
    server.script("/v1/models", Reply(hang=True))
    probe = await wire.probe(server.catalogue_entry(timeout_seconds=600), bytearray(KEY))
    assert (probe.good, probe.http_status, probe.failure) == (False, None, "provider_timeout")
