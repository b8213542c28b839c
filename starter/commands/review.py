"""`conclave review`: collect, submit, follow, show."""

import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from models.errors import InvalidInput
from models.expert import Severity
from models.paths import display_path
from models.review import ReviewReport, ReviewStatus
from models.submission import ReviewView
from starter.client import Client, Unreachable
from starter.commands.asking import refused
from starter.commands.choices import choice
from starter.commands.following import Away, left_running
from starter.commands.review_options import ReviewOptions, wishes
from starter.commands.service import Service, connected
from starter.complaints import complain
from starter.exit_codes import DONE, FOUND, INCOMPLETE
from starter.read_settings import settings_or_exit

FORMATS = ("table", "json", "sarif", "markdown", "html")


OF_THE_REPORT = frozenset({"follow", "fail_on", "format", "output"})
"""Options that also make sense with a review that was begun before."""


def run(options: ReviewOptions) -> int:
    """Review and show; returns the exit code."""
    try:
        return _run(options)
    except (InvalidInput, Unreachable) as error:
        return refused("review", error)


def _run(options: ReviewOptions) -> int:
    fail_on = choice(options.fail_on, Severity, "--fail-on")
    if options.format not in FORMATS:
        raise InvalidInput("invalid_option", f"--format takes one of {', '.join(FORMATS)}.")
    output = _writable(options.output)
    if options.follow is not None:
        if any(
            getattr(options, each.name) != each.default for each in fields(options) if each.name not in OF_THE_REPORT
        ):
            raise InvalidInput(
                "conflicting_options", "--follow takes no PATH, only --fail-on, --format and --output beside it."
            )
        with connected(settings_or_exit()) as service:
            view = service.client.review(options.follow)
            return await_report(service, view, fail_on, options.format, output)
    if options.path is None:
        raise InvalidInput("path_required", "Name what to review, `.` for this folder, or --follow a review's id.")
    return _begun(options, options.path, fail_on, output)


def _begun(options: ReviewOptions, path: Path, fail_on: Severity, output: Path | None) -> int:
    """Collect the source, start a review of it, and wait."""
    from starter.intake.collect import collect
    from starter.intake.limits import IntakeLimits
    from starter.render.working import working

    wish = wishes(options)
    settings = settings_or_exit()
    with working("Reading the source"), _naming_files(options, path):
        upload = collect(
            path,
            diff=options.diff,
            base=options.base,
            exclude=options.exclude,
            coverage=options.coverage,
            profile=options.profile_data,
            limits=IntakeLimits(max_files=settings.max_files, max_source_bytes=settings.max_source_bytes),
        )
    with connected(settings) as service:
        with working("Handing the source in"):
            manifest = service.client.submit_source(upload)
            view = service.client.submit_review(wish(manifest.source_id))
        return await_report(service, view, fail_on, options.format, output)


@contextmanager
def _naming_files(options: ReviewOptions, path: Path) -> Generator[None]:
    """Say which of the files cannot be used: their reader, which the service has too, repeats nothing that came in."""
    try:
        yield
    except InvalidInput as error:
        problem = error.problem
        named = options.diff if options.diff and os.path.exists(path) else path
        files = {
            "path_not_found": named,
            "unsupported_entry": named,
            "diff_unreadable": options.diff or path,
            "coverage_unreadable": options.coverage,
            "unsupported_coverage": options.coverage,
            "profile_unreadable": options.profile_data,
            "unsupported_profile": options.profile_data,
        }
        file = files.get(problem.code)
        if file is None:
            raise
        told = f"{display_path(str(file))}: {problem.message}"
        raise InvalidInput(problem.code, told, error.status, **problem.details) from None


def await_report(service: Service, view: ReviewView, fail_on: Severity, format: str, output: Path | None) -> int:
    """Follow a review to its end and show its report; an interrupt leaves it alone.

    Args:
        service: where it runs.
        view: the review.
        fail_on: severity from which the exit code says so.
        format: of the report.
        output: file for it; None: standard output.
    """
    with left_running("review", "review", view.id, f"conclave review --follow {view.id}"):
        view = follow(service.client, view, service.complaint)
    if view.status != ReviewStatus.COMPLETED:
        reason = view.failure or view.status
        complain("review", "no_report", f"The review ended without a report: {reason}. {_where(view)}.")
        return INCOMPLETE
    report = service.client.report(view.id)
    _show(service.client, report, view, format, output)
    return exit_code(report, fail_on)


def _writable(output: Path | None) -> Path | None:
    """Refuse an output file before the work, not after it."""
    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        raise InvalidInput("invalid_output", "--output must be a file in a folder that exists.")
    return output


def follow(client: Client, view: ReviewView, complaint: Callable[[], str | None]) -> ReviewView:
    """Show the experts at work until the review has ended.

    Args:
        client: the service.
        view: the review as it was accepted.
        complaint: says which part of the local stack is down, if one is.

    Raises:
        Unreachable: the service stays away.
    """
    from rich.console import Console

    from starter.render.progress import ReviewProgress

    complained: str | None = None
    away = Away()
    with ReviewProgress(Console(stderr=True)) as progress:
        while True:
            try:
                for now in client.follow(view.id):
                    away.came()
                    progress.update(now.experts)
                    if now.status != ReviewStatus.RUNNING:
                        return now
            except Unreachable as error:
                away.went(error)
            problem = complaint()
            if problem and problem != complained:
                print(problem, file=sys.stderr)
                complained = problem
            time.sleep(1)


def _where(view: ReviewView) -> str:
    return f"Look at {view.workflow_url}" if view.workflow_url else f"Its process is {view.workflow_id}"


def _show(client: Client, report: ReviewReport, view: ReviewView, format: str, output: Path | None) -> None:
    if format == "table":
        from starter.render.table import print_report

        print_report(report, output, link=view.workflow_url)
    else:
        text = client.rendered(report.review_id, format)
        if output is None:
            sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        else:
            _write(output, text)
    if output is not None:
        print(f"Report written to {output}.", file=sys.stderr)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput("invalid_output", f"--output cannot be written ({reason}); name another file.") from None


def exit_code(report: ReviewReport, fail_on: Severity) -> int:
    """0 clean, 1 something at or above `fail_on`, 3 not everything was analysed."""
    if report.reaches(fail_on):
        return FOUND
    return INCOMPLETE if report.partial else DONE
