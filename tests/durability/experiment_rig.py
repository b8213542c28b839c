"""Experiments whose parts are killed at random moments. They are seeded: a failing run names its seed."""

import asyncio
import random
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from temporalio.client import Client as Temporal

from models.dataset import DatasetUpload
from models.experiment import ENDED, ExperimentRequest, ExperimentStatus, ExperimentView
from models.expert import ExpertName
from models.provider import ProviderKind
from models.provider_requests import PriceOverride, ProviderRequest
from models.reviewer_config import ModelsConfig, ReviewerConfig
from starter.client import Unreachable
from starter.experiment_client import ExperimentClient
from starter.provider_client import ProviderClient
from starter.stack.launcher import ALL, Stack, up
from tests.durability.test_kills import SEED, kill
from tests.service_fixture import EXAMPLES, client_of
from tests.stack_fixture import new_folder, running_stack, stack_settings
from tests.starter.test_model_reviews import Providers

DATASET = EXAMPLES / "dataset" / "conclave-demo.jsonl"
PATIENCE_SECONDS = 600.0

STATIC = ReviewerConfig(models=ModelsConfig(enabled=False))
"""Its samples are published together."""
ASKING = ReviewerConfig(experts=(ExpertName.SECURITY, ExpertName.META))
"""Its samples have a process each."""
SETTINGS = {"allow_loopback_providers": True}


@pytest.fixture(scope="module")
def service() -> Generator[Stack]:
    """A stack of its own, with a model that costs nothing and takes its time."""
    providers = Providers()
    with new_folder() as folder, running_stack(folder / "home", ALL, **SETTINGS) as found:
        slow = providers.start("slow")
        slow.latency = 0.2
        wish = ProviderRequest(
            name="slow",
            kind=ProviderKind.COMPATIBLE,
            model="model-1",
            endpoint=f"{slow.url}/v1",
            context_tokens=100_000,
            max_output_tokens=4_000,
            needs_key=False,
            price=PriceOverride(input="0", output="0"),
        )
        ProviderClient(client_of(found)).add_provider(wish)
        yield found
    providers.stop()


class Bench:
    """The service, and the shipped dataset in it."""

    def __init__(self, service: Stack, dataset: Path = DATASET) -> None:
        self._service = service
        self.client = ExperimentClient(client_of(service))
        upload = DatasetUpload(name="demo", text=dataset.read_text(encoding="utf-8"))
        self.dataset = self.client.import_dataset(upload)

    def start(self, config: ReviewerConfig, samples: int) -> str:
        wish = ExperimentRequest(name="kills", dataset_id=self.dataset.id, config=config, limit=samples)
        return self.client.create(wish).id

    def wait(self, experiment_id: str) -> ExperimentView:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                view = self.client.experiment(experiment_id)
                if view.status in ENDED:
                    return view
            except Unreachable:
                pass
            time.sleep(0.2)
        raise AssertionError("the experiment did not end")

    def begun(self, experiment_id: str, samples: int, share: float) -> bool:
        """Wait until a share of the samples is over; whether it still runs then."""
        while True:
            view = self.client.experiment(experiment_id)
            if view.status in ENDED or view.progress.done >= share * samples:
                return view.status not in ENDED
            time.sleep(0.05)

    def reviews(self) -> int:
        """Runs of review processes that Temporal knows, once it has counted them all."""

        async def counted() -> int:
            temporal = await Temporal.connect(self._service.environment()["TEMPORAL_ADDRESS"])
            before, seen = -1, 0
            while before != seen:
                before = seen
                await asyncio.sleep(0.5)
                seen = (await temporal.count_workflows("WorkflowType = 'review'")).count
            return seen

        return asyncio.run(counted())


def essence(view: ExperimentView) -> object:
    """What must not depend on what happened meanwhile: everything but times."""
    assert view.evaluation is not None, view.failure
    metrics, decision = view.evaluation.metrics, view.evaluation.decision
    parts = (metrics.quality, metrics.by_language, metrics.by_expert, metrics.error_rate, metrics.files_not_analysed)
    return parts, metrics.cost_micro_usd, view.evaluation.ai.verdict, decision.outcome, view.status


def campaign(
    service: Stack,
    config: ReviewerConfig,
    samples: int,
    parts: list[str],
    seed: int = SEED,
    *,
    within: float | None = None,
) -> ExperimentView:
    """Kill parts one after another.

    Args:
        service: the stack.
        config: what is measured.
        samples: how many.
        parts: what is killed, in order.
        seed: of the moments.
        within: seconds after the one before is back in which a part is killed; None: at random shares of the samples.
    """
    chance = random.Random(seed)
    bench = Bench(service)
    undisturbed = bench.wait(bench.start(config, samples))
    # A configuration that the gate puts on the blacklist could not be measured again.
    assert undisturbed.evaluation is not None and undisturbed.status is not ExperimentStatus.QUARANTINED
    before = bench.reviews()
    experiment_id = bench.start(config, samples)
    stack, killed = up(stack_settings(service.home, **SETTINGS)), 0
    for share, part in zip(sorted(chance.random() for _ in parts), parts, strict=True):
        if not bench.begun(experiment_id, samples, share * 0.95 if within is None else 0):
            break
        time.sleep(chance.random() * (within or 0.3))
        kill(stack, part)
        killed += 1
        stack = up(stack_settings(service.home, **SETTINGS))
    disturbed = bench.wait(experiment_id)
    assert killed == len(parts), f"seed {seed}: only {killed} kills before the end"
    assert essence(disturbed) == essence(undisturbed), f"seed {seed}"
    assert disturbed.bar is not None
    processes = samples if disturbed.bar.models else 0
    assert bench.reviews() == before + processes, f"seed {seed}: a sample was reviewed twice"
    return disturbed
