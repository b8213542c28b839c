"""Fixtures for every test: the real servers, started once per run."""

from hypothesis import settings

pytest_plugins = ["tests.stack_fixture", "tests.service_fixture"]

# A quarter of the usual hundred: with hundreds of properties every run tries thousands of cases all the same. A
# deadline would fail what runs on a busy machine.
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("quick")
