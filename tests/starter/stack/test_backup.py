"""The disaster, rehearsed: a stack at work is copied, destroyed, and made again from the copy somewhere else."""

import asyncio
import shutil
import time
from collections.abc import Callable, Generator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from redis import Redis

from models.dataset import DatasetUpload
from models.experiment import ENDED, ExperimentRequest, ExperimentView
from models.expert import ExpertName
from models.provider import ProviderKind
from models.provider_requests import KeyRequest, PriceOverride, ProviderRequest
from models.review import ReviewReport, ReviewStatus
from models.reviewer_config import ModelsConfig, ReviewerConfig
from models.submission import ReviewSubmission
from starter.audit_client import AuditClient
from starter.client import Client
from starter.experiment_client import ExperimentClient
from starter.intake.collect import collect
from starter.provider_client import ProviderClient
from starter.stack.backup import MANIFEST, back_up, restore
from starter.stack.errors import StackError
from starter.stack.launcher import ALL, SERVERS, Stack, down, up
from tests.providers.server import ScriptedProvider
from tests.service_fixture import EXAMPLES, client_of
from tests.stack_fixture import new_folder, running_stack, stack_settings
from tests.starter.stack.evidence import CONTEXT, leave, transit
from tests.starter.test_model_reviews import CODE, Providers

KEY = "sk-a-key-that-must-come-back-0123456789"
ALSO = {"allow_loopback_providers": True}


@pytest.fixture
def folder() -> Generator[Path]:
    with new_folder() as made:
        yield made


@pytest.mark.campaign
async def test_a_copy_of_the_servers_holds_what_they_held(folder: Path) -> None:
    with running_stack(folder / "home") as stack:
        evidence = await leave(stack)
        manifest = await asyncio.to_thread(back_up, stack_settings(stack.home), folder / "copy")
    assert not (folder / "home").exists()
    assert {path.stat().st_mode & 0o077 for path in (folder / "copy").rglob("*")} == {0}
    # Nothing of it stands in the one file that says what the others are.
    assert "root_token" not in (folder / "copy" / MANIFEST).read_text()
    settings = stack_settings(folder / "other")
    assert await asyncio.to_thread(lambda: restore(settings, folder / "copy", scatter_ports=True)) == manifest
    try:
        restored = up(settings, parts=SERVERS, scatter_ports=True)
        database = await asyncpg.connect(restored.environment()["CONCLAVE_DATABASE_OWNER_URL"])
        assert await database.fetchval("SELECT word FROM evidence") == "kept"
        await database.close()
        opened = transit(restored).decrypt_data("conclave-payloads", evidence.ciphertext, context=CONTEXT)["data"]
        assert opened["plaintext"] == evidence.plaintext
        with pytest.raises(StackError, match="has data already"):
            restore(settings, folder / "copy")
        with pytest.raises(StackError, match="is there already"):
            back_up(settings, folder / "copy")
    finally:
        down(settings)
    with pytest.raises(StackError, match="must run here"):
        back_up(settings, folder / "third")
    assert not (folder / "third").exists() and not (folder / "third.part").exists()
    (folder / "copy" / "database.dump").write_bytes(b"PGDMP")
    with pytest.raises(StackError, match=r"database\.dump differs or is missing"):
        restore(stack_settings(folder / "fourth"), folder / "copy")
    assert not (folder / "fourth").exists()


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_a_destroyed_stack_goes_on_from_its_copy(folder: Path) -> None:
    providers = Providers()
    provider = providers.start("paid")
    try:
        with running_stack(folder / "home", ALL, **ALSO) as stack:
            before = worked(stack, provider)
            # One review is under way when the copy is taken.
            provider.latency = 20.0
            going = submit(client_of(stack))
            wait_for(lambda: len(provider.requests) > before.asked)
            back_up(stack_settings(stack.home), folder / "copy")
        shutil.rmtree(folder / "home", ignore_errors=True)
        provider.latency = 0.0
        settings = stack_settings(folder / "other", **ALSO)
        restore(settings, folder / "copy", scatter_ports=True)
        try:
            compared(up(settings, scatter_ports=True), before, going, provider)
        finally:
            down(settings)
    finally:
        providers.stop()


class Before:
    """What a user saw of the stack that was lost."""

    def __init__(self, report: ReviewReport, experiment: ExperimentView, entries: int, spent: int, asked: int) -> None:
        self.report, self.experiment, self.entries, self.spent, self.asked = report, experiment, entries, spent, asked


def worked(stack: Stack, provider: ScriptedProvider) -> Before:
    """A stored key, a review that a model took part in, an experiment, and a signed audit chain."""
    client = client_of(stack)
    desk = ProviderClient(client)
    desk.add_provider(
        ProviderRequest(
            name="paid",
            kind=ProviderKind.COMPATIBLE,
            model="model-1",
            endpoint=f"{provider.url}/v1",
            context_tokens=100_000,
            max_output_tokens=4_000,
            needs_key=True,
            price=PriceOverride(input="1", output="1"),
        )
    )
    desk.add_key(KeyRequest(provider="paid", key=SecretStr(KEY)))
    report = finished(client, submit(client))
    assert [each.provider for each in report.experts if each.provider] == ["paid"]
    bench = ExperimentClient(client)
    text = (EXAMPLES / "dataset" / "conclave-demo.jsonl").read_text(encoding="utf-8")
    dataset = bench.import_dataset(DatasetUpload(name="demo", text=text))
    static = ReviewerConfig(experts=(ExpertName.QUALITY,), models=ModelsConfig(enabled=False))
    wish = ExperimentRequest(name="copied", dataset_id=dataset.id, config=static, limit=10)
    experiment_id = bench.create(wish).id
    wait_for(lambda: bench.experiment(experiment_id).status in ENDED)
    audit = AuditClient(client)
    assert audit.checkpoint().written is not None
    verdict = audit.verify()
    assert verdict.intact and verdict.total > 0
    spent = desk.own_quota().day.spent_micro_usd
    assert spent > 0
    return Before(report, bench.experiment(experiment_id), verdict.total, spent, len(provider.requests))


def compared(stack: Stack, before: Before, going: str, provider: ScriptedProvider) -> None:
    """Everything is there again, and goes on."""
    client = client_of(stack)
    assert client.report(before.report.review_id) == before.report
    again = ExperimentClient(client).experiment(before.experiment.id)
    # Only the addresses of the web UI are others: another stack has other ports.
    assert told(again) == told(before.experiment)
    # What was under way is started anew, and asks with the stored key: it decrypts.
    asked = len(provider.requests)
    assert [each.provider for each in finished(client, going).experts if each.provider] == ["paid"]
    since = list(provider.requests)[asked:]
    assert since and all(each.headers["authorization"] == f"Bearer {KEY}" for each in since)
    verdict = AuditClient(client).verify()
    assert verdict.intact and verdict.total >= before.entries and verdict.checkpoint_seq
    # Redis was empty: its counters say what the ledger says.
    state = ProviderClient(client).own_quota()
    assert state.day.spent_micro_usd > before.spent
    redis = Redis.from_url(stack.environment()["CONCLAVE_REDIS_URL"], decode_responses=True)
    counted = redis.hgetall(f"quota:{state.user}:{state.day.period}")
    assert str(state.day.spent_micro_usd) in counted.values(), counted


def told(view: ExperimentView) -> dict[str, object]:
    """What an experiment's reader sees of its outcome."""
    assert view.evaluation is not None
    return view.model_dump(include={"status", "config_hash", "evaluation", "created_at", "finished_at", "failure"})


def submit(client: Client) -> str:
    with new_folder() as made:
        (made / "app.py").write_text(CODE)
        source_id = client.submit_source(collect(made)).source_id
    submission = ReviewSubmission(source_id=source_id, experts=(ExpertName.SECURITY,), providers=("paid",))
    return client.submit_review(submission).id


def finished(client: Client, review_id: str) -> ReviewReport:
    wait_for(lambda: client.review(review_id).status != ReviewStatus.RUNNING)
    view = client.review(review_id)
    assert view.status == ReviewStatus.COMPLETED, (view.status, view.failure)
    return client.report(review_id)


def wait_for(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)
