"""Composition root of the worker: settings -> clients -> activity objects -> Worker."""

import argparse
import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import regopy  # noqa: F401  # pyright: ignore[reportUnusedImport] - before greenlet: see `activities.policy.regopy_engine`
from temporalio.worker import Worker

from activities.alerts import AlertActivities
from activities.audit import AuditActivities
from activities.comparison import ComparisonActivities
from activities.delivery.apprise import AppriseNotifier
from activities.experiment import ExperimentActivities
from activities.experts.batch import BatchPanel
from activities.experts.panel import PanelAnalyst
from activities.experts.sandbox import KernelSandbox
from activities.experts.temporary import remove_kept_folders
from activities.gate_check import GateCheck
from activities.health import HealthActivities
from activities.key_rotation import KeyRotationActivities
from activities.metered import MeteredModels
from activities.model_access import RoutedAccess
from activities.model_half import RoutedModels
from activities.monitor import MonitorActivities
from activities.ports import Analyst, BatchAnalyst
from activities.prepare import PrepareActivities
from activities.promotion import PromotionActivities
from activities.quota.processes import TemporalProcesses
from activities.quota.sweeper import QuotaSweeper
from activities.quota_sweep import QuotaSweepActivities
from activities.review import ReviewActivities
from activities.sample_reports import SampleReportActivities
from activities.stats.comparer import StatisticalComparer
from activities.stats.evaluator import StatisticalEvaluator
from activities.stats.intervals import ONE_SIDED, clopper_pearson
from activities.telemetry.measured import MeasuredAnalyst, MeasuredComparer
from activities.verdict import ModelJudge
from models.ids import Queue
from models.monitor import ErrorRule
from models.settings import Settings
from starter.composition import Services, services
from starter.logs import configure
from starter.provider_services import key_rings, price_table
from starter.read_settings import settings_or_exit
from starter.stack import readiness
from starter.task_workers import task_worker
from starter.telemetry import serve_page, telemetry_of
from starter.worker_health import beat_forever
from starter.workflow_runner import workflow_runner
from workflows.alert import AlertDeliveryWorkflow
from workflows.audit import AuditCheckpointWorkflow
from workflows.comparison import ComparisonWorkflow
from workflows.experiment import ExperimentWorkflow
from workflows.health import ProviderHealthWorkflow
from workflows.key_rotation import KeyRotationWorkflow
from workflows.monitor import StableMonitorWorkflow
from workflows.promotion import PromotionWorkflow
from workflows.quota import QuotaSweepWorkflow
from workflows.review import ReviewWorkflow

__all__ = ["WORKFLOWS", "activities_of", "main", "workers", "workflow_runner"]

WORKFLOWS: list[type] = [
    ReviewWorkflow,
    ProviderHealthWorkflow,
    QuotaSweepWorkflow,
    AlertDeliveryWorkflow,
    KeyRotationWorkflow,
    AuditCheckpointWorkflow,
    PromotionWorkflow,
    ExperimentWorkflow,
    StableMonitorWorkflow,
    ComparisonWorkflow,
]


@dataclass(frozen=True, slots=True)
class Activities:
    """All activity objects of this worker."""

    review: ReviewActivities
    health: HealthActivities
    quota: QuotaSweepActivities
    alerts: AlertActivities
    keys: KeyRotationActivities
    audit: AuditActivities
    promotions: PromotionActivities
    experiments: ExperimentActivities
    prepare: PrepareActivities
    reports: SampleReportActivities
    monitor: MonitorActivities
    comparisons: ComparisonActivities


def activities_of(parts: Services, analyst: Analyst, batches: BatchAnalyst) -> Activities:
    """Activity objects over the connected services."""
    asked = parts.providers
    models = RoutedModels(asked.router, asked.wire, asked.keys, asked.quota, asked.limiter, asked.health, parts.codec)
    review = ReviewActivities(
        MeasuredAnalyst(analyst, parts.telemetry.meters), models, parts.sources, parts.reviews, version("conclave")
    )
    sweeper = QuotaSweeper(asked.ledger, asked.counters, TemporalProcesses(parts.temporal))
    return Activities(
        review=review,
        health=HealthActivities(asked.catalogue, asked.keys, asked.wire, asked.health),
        quota=QuotaSweepActivities(sweeper),
        alerts=AlertActivities(asked.alerts, AppriseNotifier(parts.settings.alert_urls), asked.catalogue),
        keys=KeyRotationActivities(key_rings(parts.settings, parts.database)),
        audit=AuditActivities(parts.versions.audit, parts.versions.checkpoints),
        promotions=promotion_activities(parts),
        experiments=experiment_activities(parts),
        prepare=PrepareActivities(
            parts.versions.experiments,
            parts.versions.blacklist,
            batches,
            parts.sources,
            parts.reviews,
            version("conclave"),
        ),
        reports=SampleReportActivities(parts.versions.experiments, parts.sources, parts.reviews, version("conclave")),
        monitor=monitor_activities(parts),
        comparisons=ComparisonActivities(
            parts.versions.comparisons,
            MeasuredComparer(
                StatisticalComparer(
                    parts.versions.comparisons, price_table(asked), lambda: datetime.now(UTC), version("conclave")
                ),
                parts.telemetry.meters,
            ),
        ),
    )


def promotion_activities(parts: Services) -> PromotionActivities:
    """The steps of promotions."""
    versions = parts.versions
    gate = GateCheck(versions.experiments, versions.versions, versions.policies, evaluator_of(parts))
    return PromotionActivities(versions.promotions, versions.policies, gate)


def experiment_activities(parts: Services) -> ExperimentActivities:
    """The steps of experiments."""
    versions = parts.versions
    return ExperimentActivities(
        experiments=versions.experiments,
        datasets=versions.datasets,
        blacklist=versions.blacklist,
        versions=versions.versions,
        policies=versions.policies,
        evaluator=evaluator_of(parts),
        models=RoutedAccess(parts.providers.router),
    )


def evaluator_of(parts: Services) -> StatisticalEvaluator:
    """What makes numbers of results and facts of numbers."""
    asked, versions = parts.providers, parts.versions
    metered = MeteredModels(asked.wire, asked.keys, asked.quota, asked.limiter, asked.health, parts.codec)
    judge = ModelJudge(asked.router, metered)
    return StatisticalEvaluator(judge, versions.versions, versions.experiments, version("conclave"))


def monitor_activities(parts: Services) -> MonitorActivities:
    """The steps of the monitor."""
    settings, versions = parts.settings, parts.versions
    return MonitorActivities(
        versions.trials,
        versions.watch,
        versions.versions,
        rule=ErrorRule(settings.monitor_window_reviews, settings.stable_error_limit),
        lower_bound=lambda errors, reviews: clopper_pearson(errors, reviews, ONE_SIDED)[0],
        auto_rollback=settings.auto_rollback,
    )


def short_steps(acts: Activities) -> list[Callable[..., Any]]:
    """Steps that run beside the workflows: they take moments, or mostly wait."""
    return [
        acts.review.judge_panel,
        acts.review.publish_report,
        acts.health.list_providers,
        acts.health.check_provider,
        acts.quota.sweep_reservations,
        acts.alerts.deliver_alerts,
        acts.keys.read_key_version,
        acts.keys.rotate_wrapping_key,
        acts.keys.rewrap_page,
        acts.keys.count_keys_behind,
        acts.keys.retire_key_versions,
        acts.audit.write_checkpoint,
        acts.promotions.settle_promotion,
        acts.promotions.remind_approvers,
        acts.experiments.open_experiment,
        acts.experiments.list_reviews,
        acts.experiments.note_results,
        acts.reports.publish_samples,
        acts.experiments.note_status,
        acts.experiments.gate_experiment,
        acts.experiments.settle_experiment,
        acts.comparisons.note_comparison,
        acts.monitor.watch_stable,
        acts.monitor.follow_trials,
    ]


def long_steps(acts: Activities) -> list[Callable[..., Any]]:
    """Steps that keep processors busy."""
    return [
        acts.review.analyse_source,
        acts.prepare.prepare_samples,
        acts.prepare.review_samples,
        acts.experiments.evaluate_experiment,
        acts.comparisons.compare_runs,
    ]


def workers(parts: Services, acts: Activities, queues: Sequence[Queue] = tuple(Queue)) -> list[Worker]:
    """One worker for each of these task queues."""
    steps = {
        Queue.ORCHESTRATION: short_steps(acts),
        Queue.ANALYSIS: long_steps(acts),
        Queue.MODELS: [acts.review.consult_model],
    }
    return [
        task_worker(
            parts.temporal,
            parts.settings,
            queue,
            steps[queue],
            workflows=WORKFLOWS if queue is Queue.ORCHESTRATION else (),
        )
        for queue in queues
    ]


async def serve(settings: Settings, queues: Sequence[Queue]) -> None:
    """Work on these queues until told to stop by SIGTERM or SIGINT.

    Then nothing new is taken; what runs has `worker_grace_seconds` to end and is handed back after that.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    telemetry = telemetry_of(settings, "worker", sdk=True)
    if telemetry.page is not None and settings.metrics_port is not None:
        serve_page(telemetry.page, settings.metrics_host, settings.metrics_port)
    async with services(settings, "worker", telemetry) as parts:
        sandbox = KernelSandbox(
            required=settings.isolation == "required", hidden=(settings.home,), at_once=settings.analyser_parallelism
        )
        running = workers(parts, activities_of(parts, PanelAnalyst(sandbox), BatchPanel(sandbox)), queues)
        tasks = [asyncio.create_task(each.run()) for each in running]
        stopping = asyncio.create_task(stop.wait())
        # What is there now stays: a collection that walks all of it would hold every step up for a tenth of a second.
        gc.collect()
        gc.freeze()
        # Thousands of findings and reports are made at a time; they hold no cycles, and looking for some took a tenth.
        gc.set_threshold(5_000, 10, 10)
        beating = asyncio.create_task(beat_forever(parts.temporal, settings.task_queue, queues, settings.home))
        readiness.announce()
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(each.shutdown() for each in running))
        await asyncio.gather(*tasks)
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
    telemetry.close()


def asked_queues(arguments: Sequence[str]) -> tuple[Queue, ...]:
    """The queues named on the command line, each once; all of them when none is."""
    parser = argparse.ArgumentParser(prog="conclave worker", allow_abbrev=False)
    parser.add_argument("--queue", action="append", type=Queue, choices=list(Queue), default=[])
    named: list[Queue] = parser.parse_args(arguments).queue
    return tuple(dict.fromkeys(named)) or tuple(Queue)


def main() -> None:
    """Run a worker; exits 0 after a stop, 1 with one line when it cannot start."""
    # Keys are in memory for moments. Not undumpable: the launcher finds lost parts by their environment.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    configure()
    queues = asked_queues(sys.argv[1:])
    try:
        asyncio.run(serve(settings_or_exit(), queues))
    except Exception as error:  # one line with a code instead of a traceback that may hold content
        print(f"conclave worker: {error or type(error).__name__}", file=sys.stderr)
        code = 1
    else:
        code = 0
    gc.collect()
    remove_kept_folders()
    sys.stderr.flush()
    # The SDK's threads can abort the interpreter on its way out (sdk-python issue 300).
    os._exit(code)


if __name__ == "__main__":
    main()
