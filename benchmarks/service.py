"""The stack under measurement, and one review through its API."""

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from models.intake import SourceUpload
from models.review import ReviewMode, ReviewReport
from models.settings import Settings
from models.source import SourceManifest
from models.submission import ReviewSubmission
from starter.client import Client
from starter.intake.collect import collect
from starter.stack.launcher import Stack, up


@dataclass(frozen=True, slots=True)
class Review:
    """One review as a client saw it."""

    manifest: SourceManifest
    status: str
    report: ReviewReport | None
    """None when there is none: the review failed."""
    intake_seconds: float
    """Reading the folder and uploading it."""
    seconds: float
    """All of it, from reading the folder to the report."""


def running_stack() -> Stack:
    """The local stack of `CONCLAVE_HOME`, started when it does not run; it goes on running afterwards."""
    return up(Settings())


def client_of(stack: Stack) -> Client:
    """A client of the stack's API."""
    environment = stack.environment()
    return Client(
        f"http://{environment['CONCLAVE_API_HOST']}:{environment['CONCLAVE_API_PORT']}",
        environment["CONCLAVE_API_TOKEN"],
    )


def review(client: Client, project: Path | SourceUpload, mode: ReviewMode = ReviewMode.PARALLEL) -> Review:
    """Review a file, folder or diff with every expert, as `conclave review` does."""
    began = time.perf_counter()
    upload = collect(project) if isinstance(project, Path) else project
    manifest = client.submit_source(upload)
    taken_in = time.perf_counter() - began
    accepted = client.submit_review(ReviewSubmission(source_id=manifest.source_id, mode=mode, experts="all"))
    *_, ended = client.follow(accepted.id)
    report = client.report(ended.id) if ended.status == "completed" else None
    return Review(manifest, ended.status, report, taken_in, time.perf_counter() - began)


def cpu_seconds(pid: int, *, children: bool = False) -> float:
    """Processor time of a process so far; with `children` that of those that run below it as well."""
    process = psutil.Process(pid)
    total = 0.0
    for each in [process, *(process.children(recursive=True) if children else [])]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
