"""What an experiment costs beside the work it orders: time against its limits, the worker's memory, histories."""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil
from temporalio.client import Client as Temporal

from activities.ports import SourceBatch
from benchmarks.batch import laid_out, together
from benchmarks.loopback_provider import loopback_provider, request
from benchmarks.memory import Watch
from benchmarks.model_review import MOST_DAILY
from benchmarks.own_stack import own_stack
from benchmarks.rounds import Target, alternate, ratio, show, timed, verdict
from benchmarks.service import client_of
from benchmarks.static_review import by_hand, calls_of
from benchmarks.worker_process import worker_process
from models.config import OrchestratorConfig
from models.dataset import DatasetUpload, SampleLine
from models.dataset_samples import upload_of
from models.experiment import ENDED, ExperimentOrder, ExperimentRequest, ExperimentView
from models.expert import ExpertName
from models.intake import SourceUpload, UploadedFile
from models.reviewer_config import ModelsConfig, ReviewerConfig
from models.settings import Settings
from starter.experiment_client import ExperimentClient
from starter.provider_client import ProviderClient
from starter.stack.launcher import SERVERS, Stack
from starter.stack.parts.programs import Api

SHIPPED = Path(__file__).parent.parent / "examples" / "dataset" / "conclave-demo.jsonl"
WINDOW = cast(int, ExperimentOrder.model_fields["window"].default)
"""Reviews at once."""
MOST_MIB = 300.0
MOST_RATIO = 3.0
MOST_EVENTS = 10_000
LEAST_SHARE = 0.7
LOOK = 0.5
"""Seconds between looks at a running experiment, as a person's page has them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One experiment to its end."""

    view: ExperimentView
    seconds: float
    sample_seconds: float
    """Until the last sample was over: metrics, verdict and gate follow."""
    most_mib: float
    """Of the worker process."""
    histories: Sequence[tuple[int, int]]
    """Events and bytes of each run of the process."""


def made(samples: int) -> str:
    """A dataset of small different files, a third of them clean."""
    rows: list[str] = []
    for number in range(samples):
        flawed = number % 3 > 0
        body = f"    os.system(command + '{number}')" if flawed else f"    return command + '{number}'"
        label = {"type": "command-injection", "cwe": "CWE-78", "line_start": 5, "line_end": 5}
        line = {
            "id": f"made-{number}",
            "language": "python",
            "filename": f"task_{number}.py",
            "code": f"import os\n\n\ndef run_{number}(command):\n{body}\n",
            "clean": not flawed,
            "labels": [label] if flawed else [],
        }
        rows.append(json.dumps(line))
    return "\n".join(rows)


def run(stack: Stack, pid: int, text: str, config: ReviewerConfig, samples: int | None) -> Run:
    """Import, run and wait."""
    client = ExperimentClient(client_of(stack))
    dataset = client.import_dataset(DatasetUpload(name="bench", text=text))
    watch = Watch(pid)
    watch.start()
    began = time.perf_counter()
    wish = ExperimentRequest(name="bench", dataset_id=dataset.id, config=config, limit=samples)
    view = client.create(wish)
    before = time.perf_counter() - began
    while view.status not in ENDED:
        time.sleep(LOOK)
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            raise RuntimeError("the worker has ended; nobody works on the experiment")
        view = client.experiment(view.id)
    watch.stop()
    found = asyncio.run(histories(stack.environment()["TEMPORAL_ADDRESS"], view.workflow_id))
    sampled, over = (before + each for each in asyncio.run(moments(stack, view.workflow_id)))
    return Run(view, over, sampled, max(mib for _, mib in watch.samples), found)


async def moments(stack: Stack, workflow_id: str) -> tuple[float, float]:
    """Seconds from the start of a process to its evaluation, and to its end, as its history tells.

    Asking the API for it would do: at twenty times a second that alone takes a fifth of a core from what is measured.
    """
    temporal = await Temporal.connect(stack.environment()["TEMPORAL_ADDRESS"])
    runs = [each.start_time async for each in temporal.list_workflows(f"WorkflowId = '{workflow_id}'")]
    began, evaluated, last = min(runs).timestamp(), float("nan"), 0.0
    async for event in temporal.get_workflow_handle(workflow_id).fetch_history_events():
        last = event.event_time.ToMicroseconds() / 1e6 - began
        asked = event.activity_task_scheduled_event_attributes.activity_type.name
        if asked == "evaluate_experiment":
            evaluated = last
    return evaluated, last


async def histories(address: str, workflow_id: str) -> list[tuple[int, int]]:
    """Events and bytes of each run of a process."""
    temporal = await Temporal.connect(address)
    runs = [each.run_id async for each in temporal.list_workflows(f"WorkflowId = '{workflow_id}'")]
    found: list[tuple[int, int]] = []
    for each in runs:
        described = await temporal.get_workflow_handle(workflow_id, run_id=each).describe()
        info = described.raw_description.workflow_execution_info
        found.append((info.history_length, info.history_size_bytes))
    return found


def row(name: str, done: Run) -> tuple[object, ...]:
    """One line of the table."""
    progress = done.view.progress
    events, size = max(done.histories), sum(size for _, size in done.histories)
    return (
        name,
        f"{progress.samples:,}",
        f"{progress.errors:,}",
        f"{done.sample_seconds:.1f} s",
        f"{done.seconds - done.sample_seconds:.1f} s",
        f"{progress.samples / done.sample_seconds:.2f}/s",
        f"{done.most_mib:.0f} MiB",
        f"{len(done.histories)} x at most {events[0]:,} events",
        f"{size / progress.samples / 1024:.1f} KiB",
    )


COLUMNS = (
    "run",
    "samples",
    "errors",
    "samples took",
    "the rest",
    "pace",
    "worker at most",
    "histories",
    "history/sample",
)


def static(dataset: Path, samples: int, rounds: int) -> None:
    """Analysers alone, on a real worker, against the batched analysis alone and against the analysers by hand."""
    text = dataset.read_text(encoding="utf-8")
    lines = [SampleLine.model_validate_json(line) for line in text.splitlines() if line.strip()][:samples]
    done: list[Run] = []
    with own_stack() as stack, tempfile.TemporaryDirectory(prefix="conclave-bench-") as name:

        def experiment() -> float:
            # Another configuration each time: the gate may have put the one before on the blacklist.
            config = ReviewerConfig(
                models=ModelsConfig(enabled=False), orchestrator=OrchestratorConfig(budget_micro_usd=10**6 + len(done))
            )
            done.append(run(stack, stack.pids["worker"], text, config, samples))
            return done[-1].seconds

        sides = {"run": experiment, **analysers_alone(Path(name), lines)}
        for side in sides.values():
            side()  # warms: compiled modules, rule files, pages of the programs
        costs = alternate(sides, rounds)
    costs["samples"] = [each.sample_seconds for each in done[1:]]
    show("Analysers alone", COLUMNS, [row("warm-up" if each is done[0] else "measured", each) for each in done])
    shown = [(number + 1, *(f"{costs[side][number]:.2f} s" for side in costs)) for number in range(rounds)]
    show("Seconds", ("round", *costs), shown)
    limit = ratio(costs["samples"], costs["batched"])
    verdict(
        [
            Target(
                "run / analysers over a flat folder, median of rounds", ratio(costs["run"], costs["flat"]), MOST_RATIO
            ),
            Target("samples / batched analysis, the processor's limit, median of rounds", limit, 1 / LEAST_SHARE),
        ]
    )


def analysers_alone(folder: Path, lines: Sequence[SampleLine]) -> dict[str, Callable[[], float]]:
    """Seconds of the batched analysis of samples, and of the analysers over one folder of them."""
    uploads = [upload_of(line) for line in lines]
    trees = [laid_out(folder / "batch" / f"s{place}", upload) for place, upload in enumerate(uploads)]
    batch = SourceBatch(folder / "batch", tuple(trees))
    files = tuple(
        UploadedFile(path=f"s{place:05}_{file.path}", text=file.text)
        for place, upload in enumerate(uploads)
        for file in upload.files
    )
    flat = laid_out(folder / "flat", SourceUpload(label="flat", files=files))
    calls, cores = calls_of(flat.root, flat.manifest), os.cpu_count() or 1
    return {
        "batched": lambda: timed(lambda: asyncio.run(together(batch))),
        "flat": lambda: timed(lambda: by_hand(calls, cores)),
    }


def models(samples: int, latency: float, experts: Sequence[ExpertName] | None) -> None:
    """A provider that answers every question after some seconds, analysers that answer at once."""
    chosen = "all" if experts is None else tuple(experts)
    config = ReviewerConfig(experts=chosen)
    with ExitStack() as open_:
        url = open_.enter_context(loopback_provider(latency))
        settings = {"allow_loopback_providers": True, **MOST_DAILY}
        stack = open_.enter_context(own_stack((*SERVERS, Api()), **settings))
        ProviderClient(client_of(stack)).add_provider(request(url))
        argv = ("benchmarks.instant_worker", Settings().task_queue, "0", "metrics")
        pid = open_.enter_context(worker_process(stack, argv))
        done = run(stack, pid, made(samples), config, None)
    show(f"Models that answer after {latency:g} s", COLUMNS, [row("models", done)])
    most_events = max(events for events, _ in done.histories)
    targets = [
        Target("worker's memory", done.most_mib, MOST_MIB, " MiB", digits=0),
        Target("largest history", most_events, MOST_EVENTS, " events", digits=0),
    ]
    if latency:
        least = samples / WINDOW * latency
        targets.append(Target("time over the provider's", done.sample_seconds / least, 1 / LEAST_SHARE))
    verdict(targets)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("static", "models"))
    parser.add_argument("--dataset", type=Path, default=SHIPPED, help="JSONL file of `static`; the shipped one if none")
    parser.add_argument("--samples", type=int, default=219)
    parser.add_argument("--rounds", type=int, default=5, help="of `static`")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of the provider of `models`")
    parser.add_argument("--expert", action="append", type=ExpertName, help="of `models`; all if none")
    asked = parser.parse_args()
    if asked.what == "static":
        static(asked.dataset, asked.samples, asked.rounds)
    else:
        models(asked.samples, asked.latency, asked.expert)


if __name__ == "__main__":
    main()
