"""Each engine that there is."""

from collections.abc import Generator

import pytest

from activities.policy.engine import RegoEngine
from activities.policy.opa_engine import OpaEngine
from activities.policy.regopy_engine import RegopyEngine
from tests.activities.policy.opa_server import needs_opa, opa_server


@pytest.fixture(scope="module", params=["regopy", pytest.param("opa", marks=needs_opa)])
def engine(request: pytest.FixtureRequest) -> Generator[RegoEngine]:
    if request.param == "regopy":
        yield RegopyEngine()
        return
    with opa_server() as address:
        yield OpaEngine(address)


@pytest.fixture(scope="module")
def real_opa() -> Generator[OpaEngine]:
    """For tests marked with `needs_opa`."""
    with opa_server() as address:
        yield OpaEngine(address)
