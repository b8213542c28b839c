"""Every `conclave` command of the documents is typed as it stands there, page by page, at a real stack."""

import asyncio
import re
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from starter.stack.launcher import ALL
from tests.desk import HELD, Desk
from tests.documented import PAGES, ROOT, commands, named, outputs, told
from tests.providers.server import ScriptedProvider
from tests.stack_fixture import new_folder, running_stack

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(1500)]

ELSEWHERE = {
    "conclave --": ("changes the shell that runs it", "tests/starter/test_completion.py"),
    "conclave serve": ("runs until it is stopped", "tests/starter/stack/test_commands.py"),
    "conclave worker": ("runs until it is stopped", "tests/starter/stack/test_commands.py"),
    "conclave key rewrap --rotate": (
        "needs a token that the local stack keeps from us",
        "tests/starter/test_rewrap.py",
    ),
}
"""Beginnings of commands that are not typed here: why, and which test has them instead."""


MADE = "<!-- What follows is made by"
"""From here on a page shows the examples of the commands' help, with ids of nobody: `test_command_tree` has those."""
SLACK = 0.2
"""Share of the lines of an output that may be broken elsewhere, or tell of measurements that fell out otherwise."""


@pytest.fixture(scope="module")
def desk() -> Generator[Desk]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    model = ScriptedProvider(answer={"findings": [], "summary": "Nothing.", "execution_time_ms": 1})
    asyncio.run_coroutine_threadsafe(model.start(), loop).result(10)
    with new_folder() as folder, running_stack(folder / "home", ALL, **HELD) as stack:
        (folder / "desk").mkdir()
        yield Desk(stack, folder / "desk", model)
    asyncio.run_coroutine_threadsafe(model.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def bare(text: str) -> str:
    """What is the same in every run and at every width: no numbers, ids, blanks or borders."""
    return re.sub(r"[0-9a-f]{12,}|[\d,.<>]|[^\w%()$]", "", text)


def excused(line: str) -> bool:
    return any(line.startswith(beginning) for beginning in ELSEWHERE)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=named)
def test_the_commands_of_a_page_work_in_its_order(desk: Desk, page: Path) -> None:
    desk.cleared()
    for each in told(page, MADE):
        if not each.interrupted and not excused(each.line):
            desk.type(each.line, each.refusal)
    printed = bare(desk.printed)
    for block in outputs(page):
        lines = [each for each in map(bare, block) if each]
        missing = [line for line in lines if line not in printed]
        assert len(missing) <= len(lines) * SLACK, missing


def test_who_is_excused_has_a_test() -> None:
    for _, test in ELSEWHERE.values():
        assert (ROOT / test).exists(), test
