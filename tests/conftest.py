"""Fixtures for every test: the real servers, started once per run."""

pytest_plugins = ["tests.stack_fixture", "tests.service_fixture"]
