"""One check of one provider, over real HTTP: what counts against the provider, and what against its key."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.health import HealthActivities
from activities.llm.client import HttpModelWire
from activities.ports import KeyServiceUnavailable
from activities.provider_ports import KeyUnreadable, ProviderUnknown
from models.call import CallFailure
from models.health import Check, Health, HealthTick, Probe, after
from models.provider import KeyState, Provider, ProviderKey
from tests.providers.replies import Reply
from tests.providers.server import ScriptedProvider

MODELS = "/v1/models"


class Catalogue:
    def __init__(self, *providers: Provider) -> None:
        self._providers = {each.id: each for each in providers}

    async def active(self) -> list[Provider]:
        return list(self._providers.values())

    async def get(self, provider_id: str) -> Provider:
        if provider_id not in self._providers:
            raise ProviderUnknown
        return self._providers[provider_id]


class Vault:
    """Keys in clear, by id; an exception in place of a key is what opening it raises."""

    def __init__(self, provider: Provider, **keys: str | Exception) -> None:
        self._provider, self._keys = provider, keys
        self.states: dict[str, tuple[KeyState, str | None, int | None]] = {}
        self.opened_buffers: list[bytearray] = []

    async def usable(self, owners: Sequence[str]) -> list[ProviderKey]:
        assert list(owners) == ["platform"], "users' keys are theirs"
        return [self._key(key_id) for key_id in self._keys if key_id not in self.states]

    def _key(self, key_id: str) -> ProviderKey:
        return ProviderKey(
            id=key_id,
            owner="platform",
            provider_id=self._provider.id,
            provider_name=self._provider.name,
            last_four="",
            version=7,
            created_at="2026-11-26T00:00:00+00:00",
        )

    @asynccontextmanager
    async def opened(self, key_id: str, provider: Provider) -> AsyncGenerator[bytearray, None]:
        key = self._keys[key_id]
        if isinstance(key, Exception):
            raise key
        buffer = bytearray(key.encode())
        self.opened_buffers.append(buffer)
        yield buffer
        buffer[:] = bytes(len(buffer))

    async def set_state(self, key_id: str, state: KeyState, reason: str | None, version: int | None = None) -> None:
        self.states[key_id] = (state, reason, version)


class MemoryHealth:
    def __init__(self) -> None:
        self.rows: dict[str, Health] = {}
        self.marked = 0

    async def all(self) -> dict[str, Health]:
        return self.rows

    async def note(self, probe: Probe) -> Health:
        before = self.rows.get(probe.provider_id, Health(provider_id=probe.provider_id))
        self.rows[probe.provider_id] = after(before, probe)
        return self.rows[probe.provider_id]

    async def note_passive(
        self, provider_id: str, failure: CallFailure | None, latency_ms: int, http_status: int | None = None
    ) -> None: ...

    async def mark_all(self) -> None:
        self.marked += 1


@pytest.fixture
async def server() -> AsyncGenerator[ScriptedProvider, None]:
    async with ScriptedProvider() as server:
        yield server


@pytest.fixture
async def wire() -> AsyncGenerator[HttpModelWire, None]:
    wire = HttpModelWire(loopback_allowed=True)
    yield wire
    await wire.aclose()


class Checking:
    """Checks one provider again and again."""

    def __init__(self, wire: HttpModelWire, provider: Provider, **keys: str | Exception) -> None:
        self.provider, self.vault, self.store = provider, Vault(provider, **keys), MemoryHealth()
        self.activities = HealthActivities(Catalogue(provider), self.vault, wire, self.store)

    async def check(self) -> Check:
        return await ActivityEnvironment().run(self.activities.check_provider, self.provider.id)


async def test_one_failure_stops_it_and_three_good_checks_bring_it_back(
    server: ScriptedProvider, wire: HttpModelWire
) -> None:
    checking = Checking(wire, server.catalogue_entry(needs_key=False))
    server.script(MODELS, Reply(), Reply(status=500, body={}), Reply(), Reply(), Reply(status=429, body={}))
    seen = [(await checking.check()).health for _ in range(8)]
    assert [each.is_healthy for each in seen if each] == [True, *[False] * 6, True]
    assert server.bill == [], "looking costs nothing"


@pytest.mark.parametrize(
    "reply", [Reply(body=b"<html>"), Reply(status=503, body={}), Reply(disconnect=True), Reply(status=302, body={})]
)
async def test_what_counts_against_a_provider(server: ScriptedProvider, wire: HttpModelWire, reply: Reply) -> None:
    checking = Checking(wire, server.catalogue_entry(), good="sk-good")
    server.script(MODELS, reply)
    health = (await checking.check()).health
    assert health is not None and not health.is_healthy and health.last_error is not None
    assert checking.vault.states == {}


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "key_invalid"), (403, "key_forbidden"), (402, "provider_billing")]
)
async def test_a_refused_key_is_set_aside_once_and_its_provider_is_not_blamed(
    server: ScriptedProvider, wire: HttpModelWire, status: int, reason: str
) -> None:
    checking = Checking(wire, server.catalogue_entry(), only="sk-bad")
    server.always(MODELS, Reply(status=status, body={}))
    assert await checking.check() == Check(skipped=reason)
    assert checking.vault.states == {"only": (KeyState.INVALID, reason, 7)}
    assert await checking.check() == Check(skipped="no_usable_key")
    assert checking.store.rows == {} and len(server.requests) == 1


async def test_behind_a_refused_key_the_next_one_is_taken(server: ScriptedProvider, wire: HttpModelWire) -> None:
    checking = Checking(wire, server.catalogue_entry(), first="sk-bad", broken=KeyUnreadable(), third="sk-good")
    server.script(MODELS, Reply(status=401, body={}))
    health = (await checking.check()).health
    assert health is not None and health.is_healthy
    assert list(checking.vault.states) == ["first"], "what cannot be read is not what was refused"
    assert [each.headers["authorization"] for each in server.requests] == ["Bearer sk-bad", "Bearer sk-good"]
    assert not any(any(buffer) for buffer in checking.vault.opened_buffers)


async def test_a_server_that_takes_no_key_and_wants_one_is_broken(
    server: ScriptedProvider, wire: HttpModelWire
) -> None:
    checking = Checking(wire, server.catalogue_entry(needs_key=False))
    server.script(MODELS, Reply(status=401, body={}))
    health = (await checking.check()).health
    assert health is not None and not health.is_healthy


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({}, "no_usable_key"),
        ({"one": KeyUnreadable()}, "key_unreadable"),
        ({"one": KeyServiceUnavailable()}, "kek_unavailable"),
    ],
)
async def test_without_a_usable_key_it_is_skipped_and_nobody_is_asked(
    server: ScriptedProvider, wire: HttpModelWire, keys: dict[str, str | Exception], reason: str
) -> None:
    checking = Checking(wire, server.catalogue_entry(), **keys)
    assert await checking.check() == Check(skipped=reason)
    assert checking.store.rows == {} and len(server.requests) == 0


async def test_a_provider_that_is_gone_is_a_coded_failure_for_good(
    server: ScriptedProvider, wire: HttpModelWire
) -> None:
    checking = Checking(wire, server.catalogue_entry())
    with pytest.raises(ApplicationError) as caught:
        await ActivityEnvironment().run(checking.activities.check_provider, "0" * 32)
    assert (caught.value.type, caught.value.message) == ("provider_unknown", "provider_unknown")
    assert caught.value.non_retryable


async def test_a_tick_lists_the_active_ones_or_those_asked_for_and_renews_marks(
    server: ScriptedProvider, wire: HttpModelWire
) -> None:
    one, other = server.catalogue_entry(id="1" * 32, name="one"), server.catalogue_entry(id="2" * 32, name="other")
    store = MemoryHealth()
    activities = HealthActivities(Catalogue(one, other), Vault(one), wire, store)
    run = ActivityEnvironment().run
    assert [each.name for each in (await run(activities.list_providers, HealthTick())).providers] == ["one", "other"]
    asked = HealthTick(provider_ids=(other.id, "9" * 32))
    assert [each.name for each in (await run(activities.list_providers, asked)).providers] == ["other"]
    assert store.marked == 2
