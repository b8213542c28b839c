"""The whole local stack, API and worker included, for tests that use Conclave as a user does."""

from collections.abc import Generator
from pathlib import Path

import pytest

from models.settings import Settings
from starter.client import Client
from starter.stack.launcher import ALL, Stack
from tests.stack_fixture import new_folder, running_stack, stack_settings

EXAMPLES = Path(__file__).parent.parent / "examples"


def client_of(stack: Stack) -> Client:
    """A client of a stack's API."""
    environment = stack.environment()
    assert stack.api_url is not None
    return Client(stack.api_url, environment["CONCLAVE_API_TOKEN"])


def settings_of(stack: Stack) -> Settings:
    """Settings that name the stack's home and leave finding its parts to the launcher."""
    return stack_settings(stack.home)


@pytest.fixture(scope="module")
def service() -> Generator[Stack, None, None]:
    """A stack of its own for one module: its parts may be killed. Its folder has a name that trips programs up."""
    with new_folder() as folder, running_stack(folder / "it's a home #1?", ALL) as found:
        yield found
