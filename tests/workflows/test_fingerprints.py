"""What every process asks for is written down, and asked for again today."""

import asyncio
from collections.abc import Sequence
from typing import TypeGuard

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

from models.settings import Settings
from starter.connection import connect
from starter.stack.launcher import Stack
from tests.workflows.catalogue import BY_LUCK, CATALOGUE, CONSTANTS, FINGERPRINTS, HISTORIES, RACING, constants
from tests.workflows.fingerprint import fingerprint
from tests.workflows.upkeep import UPKEEP

AT_ONCE = 4
ANEW = [name for name in CATALOGUE if name not in BY_LUCK]
QUICK = {
    "review-parallel-with-models",
    "review-pipeline",
    "review-backtrack-recovers",
    "review-is-cancelled",
    "experiment-passes",
    "experiment-is-evaluated-again",
    "experiment-pauses",
    "promotion-approved-by-two",
    "promotion-goes-on",
    "comparison-completes",
    "key-rotation-goes-on",
    *UPKEEP,
}
"""At least one of every process; the campaign runs all."""
RECORDED = sorted(path.stem for path in HISTORIES.glob("*.json"))


def told(name: str, history: str) -> str:
    return fingerprint(WorkflowHistory.from_json(name, history), in_any_order=name in RACING)


def locked(name: str) -> str:
    return (FINGERPRINTS / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RECORDED)
def test_the_fingerprint_of_a_history_is_locked(name: str) -> None:
    assert told(name, (HISTORIES / f"{name}.json").read_text(encoding="utf-8")) == locked(name)


def test_no_fingerprint_is_left_over() -> None:
    assert sorted(path.stem for path in FINGERPRINTS.iterdir()) == RECORDED


async def _run(client: Client, names: Sequence[str]) -> dict[str, str | Exception]:
    """Fingerprints, or what kept a situation from its end. They wait more than they work, so several run at once."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> str | Exception:
        async with places:
            try:
                return told(name, await CATALOGUE[name](client, f"anew-{name}"))
            except Exception as error:
                return error

    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


async def _all(client: Client, names: Sequence[str]) -> dict[str, str | Exception]:
    # Those that change a constant of the code come first, so that no other sees it.
    changing = [name for name in names if name in CONSTANTS]
    with constants(*changing):
        first = await _run(client, changing)
    return first | await _run(client, [name for name in names if name not in CONSTANTS])


@pytest.fixture(scope="module")
def anew(request: pytest.FixtureRequest, stack: Stack) -> dict[str, str | Exception]:
    """The fingerprints, on today's code, of every situation that this run asks for."""
    names = [item.callspec.params["name"] for item in request.session.items if _is_anew(item)]

    async def run() -> dict[str, str | Exception]:
        settings = Settings(temporal_address=stack.environment()["TEMPORAL_ADDRESS"])
        return await _all(await connect(settings, pydantic_data_converter, "test"), names)

    return asyncio.run(run())


def _is_anew(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and "anew" in item.fixturenames


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.campaign) for name in ANEW]
)
def test_todays_code_asks_for_the_same(name: str, anew: dict[str, str | Exception]) -> None:
    """A change that is meant is put behind `workflow.patched` and recorded: CONTRIBUTING.md says how."""
    found = anew[name]
    assert not isinstance(found, Exception), found
    assert found == locked(name)


def test_every_process_is_run_anew() -> None:
    kinds = {locked(name).partition("\n")[0] for name in QUICK}
    assert kinds == {locked(name).partition("\n")[0] for name in RECORDED}
