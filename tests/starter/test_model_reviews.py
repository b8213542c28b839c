"""Reviews with models in the panel, as their user runs them: real processes, a provider on the loopback."""

import asyncio
import json
import threading
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.storage.database import Database, engine_for
from activities.storage.ledger import PostgresLedger
from activities.storage.providers import PostgresProviders
from activities.storage.quotas import PostgresQuotas
from activities.storage.statements import Statements
from models.provider import PriceOverride
from models.quota import QuotaLimits
from starter.stack.launcher import ALL, Stack
from starter.stack.layout import Layout
from starter.stack.state import load
from tests.providers.collector import Collector, collecting
from tests.providers.replies import Reply
from tests.providers.server import ScriptedProvider, Seen
from tests.security.canary import found_in, fresh
from tests.stack_fixture import new_folder, running_stack
from tests.starter.test_review_command import conclave

CODE = "import os\n\n\ndef run(cmd):\n    os.system(cmd)\n"
PATH = "/v1/chat/completions"


def said(seen: Seen) -> dict[str, Any]:
    """Finds what only a model would, in the line that every prompt shows."""
    finding = {
        "type": "race-condition",
        "severity": "high",
        "path": "app.py",
        "line_range": [5, 5],
        "quote": "os.system(cmd)",
        "description": "Two callers share one working folder.",
        "recommendation": "Give each a folder of its own.",
        "confidence": 0.9,
        "cwe": None,
    }
    return {"findings": [finding], "summary": "one", "execution_time_ms": 1}


class Providers:
    """Scripted providers in a thread of their own: the command line is waited for in this one."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.servers: dict[str, ScriptedProvider] = {}
        self.collector = Collector()

    def start(self, name: str) -> ScriptedProvider:
        async def begin() -> ScriptedProvider:
            return await ScriptedProvider(answer=said).__aenter__()

        self.servers[name] = asyncio.run_coroutine_threadsafe(begin(), self.loop).result(10)
        return self.servers[name]

    def stop(self) -> None:
        async def end() -> None:
            for server in self.servers.values():
                await server.__aexit__(None, None, None)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)


@pytest.fixture(scope="module")
def served() -> Generator[tuple[Stack, Providers]]:
    """A stack with two keyless providers: `first`, and `second` behind it."""
    providers = Providers()
    with (
        new_folder() as folder,
        collecting() as providers.collector,
        running_stack(
            folder / "home", ALL, allow_loopback_providers=True, otlp_endpoint=providers.collector.url
        ) as stack,
    ):
        url = stack.environment()["CONCLAVE_DATABASE_URL"]

        async def add() -> None:
            engine = engine_for(url)
            for name in ("first", "second"):
                entry = providers.start(name).catalogue_entry(
                    id=uuid.uuid4().hex, name=name, needs_key=False, price=PriceOverride(input="1", output="2")
                )
                await PostgresProviders(Database(engine)).add(entry)
            await engine.dispose()

        asyncio.run(add())
        yield stack, providers
    providers.stop()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(CODE, encoding="utf-8")
    return tmp_path


def limit(stack: Stack, limits: QuotaLimits) -> None:
    async def put() -> None:
        url = stack.environment()["CONCLAVE_DATABASE_URL"]
        engine, statements = engine_for(url), Statements(url)
        database = Database(engine)
        await PostgresQuotas(database, PostgresLedger(statements, QuotaLimits())).set("local", limits)
        await statements.close()
        await engine.dispose()

    asyncio.run(put())


def reviewed(stack: Stack, source: Path, *options: str) -> dict[str, Any]:
    done = conclave(stack.home, "review", source, "--json", *options)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def experts_of(report: dict[str, Any]) -> dict[str, tuple[str, str | None, str | None]]:
    return {each["expert"]: (each["status"], each["provider"], each["reason"]) for each in report["experts"]}


@pytest.mark.parametrize("mode", ["parallel", "pipeline", "backtrack"])
def test_models_speak_for_every_expert_and_what_they_find_is_in_the_report(
    served: tuple[Stack, Providers], source: Path, mode: str
) -> None:
    stack, _ = served
    report = reviewed(stack, source, "--provider", "first", "--experts", "all", "--mode", mode)
    assert set(experts_of(report).values()) == {("done", "first", None)}
    found = {each["kind"]: [sighting["tool"] for sighting in each["sightings"]] for each in report["findings"]}
    assert set(found["race-condition"]) == {"model"}
    assert "command-injection" in found, "the analysers' findings are all there"
    assert report["cost_micro_usd"] == sum(each["spent_micro_usd"] for each in report["experts"]) > 0


def test_without_models_nobody_is_asked(served: tuple[Stack, Providers], source: Path) -> None:
    stack, providers = served
    before = len(providers.servers["first"].requests)
    report = reviewed(stack, source, "--no-models")
    assert len(providers.servers["first"].requests) == before
    assert (report["cost_micro_usd"], {provider for _, provider, _ in experts_of(report).values()}) == (0, {None})


def test_a_provider_that_fails_is_followed_by_the_next(served: tuple[Stack, Providers], source: Path) -> None:
    stack, providers = served
    providers.servers["first"].script(PATH, Reply(status=404))
    report = reviewed(stack, source, "--provider", "first,second", "--experts", "security")
    assert experts_of(report)["security"] == ("done", "second", None)


def test_an_unusable_provider_is_refused_with_the_way_out(served: tuple[Stack, Providers], source: Path) -> None:
    stack, _ = served
    done = conclave(stack.home, "review", source, "--provider", "gpt-4-turbo")
    assert done.returncode == 2
    assert "provider_not_usable" in done.stderr
    assert "conclave key add" in done.stderr


def test_a_spent_quota_leaves_the_static_half_or_refuses_a_budget(
    served: tuple[Stack, Providers], source: Path
) -> None:
    stack, providers = served
    limit(stack, QuotaLimits(daily_micro_usd=10))
    try:
        before = len(providers.servers["first"].requests)
        report = reviewed(stack, source, "--provider", "first", "--experts", "security")
        assert experts_of(report)["security"] == ("degraded", None, "quota_exceeded")
        assert len(providers.servers["first"].requests) == before
        done = conclave(stack.home, "review", source, "--provider", "first", "--budget", "1")
        assert done.returncode == 2
        assert "quota_exceeded" in done.stderr
    finally:
        limit(stack, QuotaLimits())


def test_the_table_says_who_spoke_and_what_it_cost(served: tuple[Stack, Providers], source: Path) -> None:
    stack, _ = served
    done = conclave(stack.home, "review", source, "--provider", "first", "--experts", "security,quality")
    assert "first (security, quality); $0.0" in done.stdout


def pages(stack: Stack) -> dict[str, str]:
    """What the metrics pages say, by process."""
    port = load(Layout(stack.home)).ports["worker-metrics"]
    urls = {"api": stack.api_url, "worker": f"http://127.0.0.1:{port}"}
    return {part: httpx.get(f"{url}/metrics", trust_env=False).text for part, url in urls.items()}


def test_one_trace_leads_from_the_command_to_the_model_and_holds_no_code(
    served: tuple[Stack, Providers], source: Path
) -> None:
    stack, providers = served
    collector, canary = providers.collector, fresh("code")
    collector.spans.clear()
    (source / "app.py").write_text(f"{CODE}\n# {canary}\n", encoding="utf-8")
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    done = conclave(stack.home, "review", source, "--provider", "first", "--experts", "security", "--json", **told)
    assert done.returncode == 1, done.stderr
    command = collector.until("conclave review")
    # The last of the other processes: what ended before is sent before. Reviews of earlier tests may still send theirs.
    for last in ("GET /reviews/{review_id}/report", "RunActivity:publish_report"):
        collector.until(last, command.trace_id)
    mine = {span.span_id: (service, span) for service, span in collector.spans if span.trace_id == command.trace_id}
    ask = next(span for _, span in mine.values() if span.name == "chat model-1")
    way: list[str] = []
    step = ask
    while step.parent_span_id:
        service, step = mine[step.parent_span_id]
        way.append(f"{service}: {step.name}")
    assert way == [
        "conclave-worker: RunActivity:consult_model",
        "conclave-worker: StartActivity:consult_model",
        "conclave-api: StartWorkflow:review",
        "conclave-api: POST /reviews",
        "conclave-cli: conclave review",
    ]
    assert {"RunWorkflow:review", "RunActivity:analyse_source", "RunActivity:publish_report"} <= {
        span.name for _, span in mine.values()
    }
    values = {each.key: each.value.string_value or each.value.int_value for each in ask.attributes}
    usage = providers.servers["first"].usage
    assert values == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vllm",
        "gen_ai.request.model": "model-1",
        "gen_ai.request.max_tokens": 4000,
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.output_tokens": usage.output,
    }
    secrets = [(stack.home / "secrets" / "api-token").read_text().strip(), canary]
    assert canary.encode() in b"".join(each.body for each in providers.servers["first"].requests), "it was shown"
    assert not found_in(b"".join([*collector.raw, *(text.encode() for text in pages(stack).values())]), secrets)


def test_what_was_asked_and_paid_is_on_the_metrics_page(served: tuple[Stack, Providers], source: Path) -> None:
    stack, _ = served
    before = numbers(pages(stack)["worker"])
    report = reviewed(stack, source, "--provider", "first", "--experts", "security,quality")
    after = numbers(pages(stack)["worker"])

    def risen(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert risen('provider_calls_total{provider="first",result="ok"}') == 2
    assert risen('provider_cost_micro_usd_total{provider="first",use="useful"}') == report["cost_micro_usd"] > 0
    assert risen('orchestrator_provider_selection_total{provider="first",tier="balanced"}') == 2
    assert risen('provider_reservations_total{booking="settled"}') == 2
    assert risen('orchestrator_reviews_total{end="complete",mode="parallel"}') == 1
    for half in ("static", "model"):
        assert risen(f'orchestrator_expert_execution_time_seconds_count{{expert="quality",half="{half}"}}') == 1
    assert any(name.startswith("temporal_num_pollers{") and "conclave-models" in name for name in after)
    shown = numbers(pages(stack)["api"])
    assert shown['provider_quota_used_micro_usd{period="day",user="local"}'] >= report["cost_micro_usd"]
    assert shown['orchestrator_queue_pollers{queue="models",work="activity"}'] == 1
    assert shown['orchestrator_complexity_score_count{language="python"}'] > 0


def numbers(page: str) -> dict[str, float]:
    """Series with their values."""
    lines = [line.rpartition(" ") for line in page.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}
