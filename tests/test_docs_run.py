"""Every `conclave` command of the documents is typed as it stands there, page by page, at a real stack."""

import asyncio
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from starter.stack.launcher import ALL
from tests.desk import HELD, Desk
from tests.documented import PAGES, ROOT, commands, named
from tests.providers.server import ScriptedProvider
from tests.stack_fixture import new_folder, running_stack

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(1500)]

ELSEWHERE = {
    "conclave serve": ("runs until it is stopped", "tests/starter/stack/test_commands.py"),
    "conclave worker": ("runs until it is stopped", "tests/starter/stack/test_commands.py"),
    "conclave key rewrap --rotate": (
        "needs a token that the local stack keeps from us",
        "tests/starter/test_rewrap.py",
    ),
}
"""Beginnings of commands that are not typed here: why, and which test has them instead."""


@pytest.fixture(scope="module")
def desk() -> Generator[Desk]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    model = ScriptedProvider()
    asyncio.run_coroutine_threadsafe(model.start(), loop).result(10)
    with new_folder() as folder, running_stack(folder / "home", ALL, **HELD) as stack:
        (folder / "desk").mkdir()
        yield Desk(stack, folder / "desk", model)
    asyncio.run_coroutine_threadsafe(model.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def excused(line: str) -> bool:
    return any(line.startswith(beginning) for beginning in ELSEWHERE)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=named)
def test_the_commands_of_a_page_work_in_its_order(desk: Desk, page: Path) -> None:
    for line in commands(page):
        if not excused(line):
            desk.type(line)


def test_who_is_excused_has_a_test_and_stands_in_a_page() -> None:
    told = [line for page in PAGES for line in commands(page)]
    for beginning, (_, test) in ELSEWHERE.items():
        assert (ROOT / test).exists(), test
        assert any(line.startswith(beginning) for line in told), beginning
