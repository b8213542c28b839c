"""Where a wire connects to: names are resolved once, every answer is checked, and nothing else is ever dialled."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from activities.llm.addresses import check_resolves, pinned
from activities.llm.client import HttpModelWire
from activities.provider_ports import CallFailed
from models.call import Billing, CallFailure
from models.errors import InvalidInput
from models.provider import Provider
from tests.activities.llm.questions import KEY, QUESTION, failed
from tests.models.test_endpoint import REFUSED
from tests.providers.server import ScriptedProvider

PUBLIC = "93.184.215.14"
DENIED = [
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
    *("168.63.129.16", "192.0.0.192", "0.0.0.0", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
    *("::1", "::", "fd00:ec2::254", "fe80::1", "fe80::1%1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
    *("2001:db8::1", "ff02::1", "not an address"),
]


class Answers:
    """A resolver that says what it is told, in order; the last answer stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every address this process connects to."""
    seen: list[str] = []
    loop = asyncio.BaseEventLoop
    connect = loop.create_connection

    async def watched(self: Any, factory: Any, host: Any = None, *rest: Any, **named: Any) -> Any:
        seen.append(str(host))
        return await connect(self, factory, host, *rest, **named)

    monkeypatch.setattr(loop, "create_connection", watched)
    monkeypatch.setattr(
        socket, "create_connection", lambda place, *_, **__: seen.append(str(place))
    )  # nobody may go around it
    yield seen


@asynccontextmanager
async def a_wire(loopback_allowed: bool, *answers: list[str]) -> AsyncGenerator[HttpModelWire, None]:
    wire = HttpModelWire(loopback_allowed=loopback_allowed, resolve=Answers(*answers) if answers else Answers(["::1"]))
    yield wire
    await wire.aclose()


def entry(server: ScriptedProvider, endpoint: str) -> Provider:
    return server.catalogue_entry(endpoint=endpoint, timeout_seconds=2)


FORMS = [text for texts in REFUSED.values() for text in texts if len(text) <= 300]


async def test_no_form_of_address_leads_inside(server: ScriptedProvider, dialled: list[str]) -> None:
    assert len(FORMS) >= 60
    async with a_wire(False, ["127.0.0.1"]) as wire:
        for form in FORMS:
            failure = await failed(wire, entry(server, form))
            assert (failure.failure, failure.billing) == (CallFailure.ADDRESS_NOT_ALLOWED, Billing.FREE), form
            assert not (await wire.probe(entry(server, form), bytearray(KEY))).good
    assert dialled == []
    assert server.connections == 0


async def test_the_watcher_sees_what_is_dialled(server: ScriptedProvider, dialled: list[str]) -> None:
    async with a_wire(True) as wire:
        await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)
    assert dialled == ["127.0.0.1"]


@pytest.mark.parametrize("address", DENIED)
async def test_a_name_with_one_bad_address_is_not_dialled(
    server: ScriptedProvider, dialled: list[str], address: str
) -> None:
    for loopback_allowed in (False, True):  # the setting is for names that say so
        for answer in ([address], [PUBLIC, address], [address, PUBLIC]):
            async with a_wire(loopback_allowed, answer) as wire:
                failure = await failed(wire, entry(server, f"https://api.example.com:{server.port}/v1"))
            assert (failure.failure, failure.billing) == (CallFailure.ADDRESS_NOT_ALLOWED, Billing.FREE)
    assert dialled == []
    assert server.connections == 0


async def test_a_name_that_changes_its_address_is_refused_each_time(
    server: ScriptedProvider, dialled: list[str]
) -> None:
    endpoint = f"https://api.example.com:{server.port}/v1"
    resolver = Answers([PUBLIC], ["127.0.0.1"])
    await check_resolves(endpoint, resolve=resolver)  # what saving the provider saw
    wire = HttpModelWire(resolve=resolver)
    for _ in range(1_000):
        failure = await failed(wire, entry(server, endpoint))
        assert failure.failure is CallFailure.ADDRESS_NOT_ALLOWED
    await wire.aclose()
    assert resolver.asked == 1_001
    assert dialled == []
    assert server.connections == 0


async def test_what_was_checked_is_what_is_dialled(dialled: list[str]) -> None:
    # The second answer of the resolver would lead inside; nobody asks for it.
    resolver = Answers([PUBLIC], ["127.0.0.1"])
    wire = HttpModelWire(resolve=resolver)
    provider = ScriptedProvider().catalogue_entry(endpoint="https://api.example.com/v1", timeout_seconds=1)
    failure = await failed(wire, provider)
    await wire.aclose()
    assert failure.billing is Billing.FREE
    assert (resolver.asked, dialled) == (1, [PUBLIC])


@pytest.mark.parametrize("error", [socket.gaierror(-2, "canary"), OSError("canary"), UnicodeError("canary")])
async def test_a_name_that_does_not_resolve(error: Exception) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise error

    wire = HttpModelWire(resolve=resolve)
    failure = await failed(wire, ScriptedProvider().catalogue_entry(endpoint="https://api.example.com/v1"))
    await wire.aclose()
    assert (failure.failure, failure.billing) == (CallFailure.DNS_FAILED, Billing.FREE)
    with pytest.raises(InvalidInput) as caught:
        await check_resolves("https://api.example.com/v1", resolve=resolve)
    assert caught.value.problem.code == "dns_failed"
    assert "canary" not in caught.value.problem.message


async def test_a_resolver_that_never_answers_is_cut_by_the_deadline() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    wire = HttpModelWire(resolve=resolve)
    provider = ScriptedProvider().catalogue_entry(endpoint="https://api.example.com/v1", timeout_seconds=1)
    failure = await failed(wire, provider)
    await wire.aclose()
    assert (failure.failure, failure.billing) == (CallFailure.TIMEOUT, Billing.FREE)


@pytest.mark.parametrize(("answer", "code"), [([], "dns_failed"), ([PUBLIC, "10.0.0.1"], "address_not_allowed")])
async def test_saving_is_refused_with_a_reason(answer: list[str], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await check_resolves("https://api.example.com/v1", resolve=Answers(answer))
    assert caught.value.problem.code == code


async def test_saving_takes_what_may_be_dialled() -> None:
    await check_resolves("https://api.example.com/v1", resolve=Answers([PUBLIC, "2606:4700::1"]))
    await check_resolves("http://localhost:8000", loopback_allowed=True, resolve=Answers(["127.0.0.1", "::1"]))
    with pytest.raises(InvalidInput):
        await check_resolves("http://localhost:8000", loopback_allowed=True, resolve=Answers([PUBLIC]))


async def test_localhost_must_stay_here() -> None:
    with pytest.raises(CallFailed, match="address_not_allowed"):
        await pinned("localhost", 80, Answers([PUBLIC]), loopback_allowed=True)
    assert await pinned("localhost", 80, Answers(["127.0.0.1"]), loopback_allowed=True) == ["127.0.0.1"]


async def test_an_address_that_does_not_answer_is_followed_by_the_next(server: ScriptedProvider) -> None:
    # Nothing listens on ::1, the server does on 127.0.0.1.
    async with a_wire(True, ["::1", "127.0.0.1"]) as wire:
        assert await wire.ask(entry(server, f"http://localhost:{server.port}/v1"), bytearray(KEY), QUESTION)
    assert server.requests[-1].headers["host"] == f"localhost:{server.port}"
