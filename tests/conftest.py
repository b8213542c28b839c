"""Fixtures for every test: the real servers, started once per run."""

import pytest
from hypothesis import settings

pytest_plugins = ["tests.stack_fixture", "tests.service_fixture"]

# A quarter of the usual hundred: with hundreds of properties every run tries thousands of cases all the same. A
# deadline would fail what runs on a busy machine.
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("quick")

QUICK = ("tests/models/", "tests/rules/")
"""Folders of many short tests without a server."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests come last: while one worker ends a slow module, the others still have something to do."""
    items.sort(key=lambda item: item.nodeid.startswith(QUICK))
