"""Servers for workflow tests: the real one, and the one that skips time."""

import shutil
import sys
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from models.settings import Settings
from starter.connection import connect
from starter.reviews import STATUS
from starter.stack.launcher import Stack


def binary(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is installed with the development dependencies"
    return found


@pytest.fixture
async def client(stack: Stack) -> Client:
    """The stack's Temporal, without encryption, so that histories can be read."""
    address = stack.environment()["TEMPORAL_ADDRESS"]
    return await connect(Settings(temporal_address=address), pydantic_data_converter, "test")


@pytest.fixture
async def skipping() -> AsyncGenerator[Client, None]:
    """A server on which waiting takes no time."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=binary("temporal"),
        data_converter=pydantic_data_converter,
        search_attributes=[STATUS],
        dev_server_log_level="error",
        dev_server_extra_args=["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"],
    ) as env:
        yield env.client


@pytest.fixture
def queue() -> str:
    return f"test-{uuid.uuid4().hex}"
