"""Schemathesis against a whole service: what the API does is what it says, whatever is sent.

`FUZZ_EXAMPLES` is how many requests are made of every operation in each of its ways (examples, boundaries,
random, one after another along the links). Boundaries alone are thousands; 10 gives 4,700 in all, 135 gives 11,000.
"""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from starter.stack.launcher import ALL, Stack
from tests.stack_fixture import new_folder, running_stack

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "10")
SECONDS = 3600
CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture(scope="module")
def service() -> Generator[Stack]:
    with new_folder() as folder, running_stack(folder / "home", ALL) as found:
        yield found


@pytest.mark.campaign
@pytest.mark.timeout(SECONDS)
def test_the_api_does_what_it_says(service: Stack, tmp_path: Path) -> None:
    assert service.api_url is not None
    token = service.environment()["CONCLAVE_API_TOKEN"]
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG), "run"),
            *(f"{service.api_url}/openapi.json", "--header", f"Authorization: Bearer {token}", "--no-color"),
            *("--max-examples", EXAMPLES, "--continue-on-failure", "--max-failures", "100"),
            *("--request-timeout", "60", "--generation-database", "none"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    summary = done.stdout.partition(" SUMMARY ")[2] or done.stdout[-4000:] + done.stderr[-4000:]
    print(summary)
    assert done.returncode == 0, done.stdout[-20_000:]
    made = re.search(r"(\d+) generated", summary)
    assert made is not None and int(made[1]) > 3_000 + 40 * int(EXAMPLES)
