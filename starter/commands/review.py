"""`conclave review`: collect, submit, follow, show."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from models.errors import InvalidInput
from models.expert import ExpertName, Severity
from models.review import ReviewMode, ReviewProfile, ReviewReport, ReviewStatus
from models.routing import Strategy
from models.submission import MAX_BUDGET_MICRO_USD, ReviewSubmission, ReviewView
from starter.client import Client, Unreachable
from starter.commands.service import connected
from starter.read_settings import settings_or_exit

FORMATS = ("table", "json", "sarif", "markdown", "html")
RECONNECTS = 60
"""How often a broken event stream is taken up again, a second apart, before giving up."""

CLEAN, FOUND, USAGE, INCOMPLETE, UNREACHABLE = range(5)
"""Exit codes (SPEC.md section 2)."""


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """The command line as it was given."""

    path: Path
    diff: Path | None
    base: str | None
    exclude: tuple[str, ...]
    mode: str | None
    experts: str | None
    profile: str | None
    budget: float | None
    provider: str | None
    strategy: str | None
    models: bool
    wait_for_quota: bool
    fail_on: str
    format: str
    output: Path | None
    coverage: Path | None
    profile_data: Path | None


def run(options: ReviewOptions) -> int:
    """Review and show; returns the exit code."""
    try:
        return _run(options)
    except InvalidInput as error:
        print(f"conclave review: {error.problem.message} [{error.problem.code}]", file=sys.stderr)
        return USAGE
    except Unreachable as error:
        print(f"conclave review: {error}", file=sys.stderr)
        return UNREACHABLE


def _run(options: ReviewOptions) -> int:
    from starter.intake.collect import collect
    from starter.intake.limits import IntakeLimits

    fail_on = _choice(options.fail_on, Severity, "--fail-on")
    if options.format not in FORMATS:
        raise InvalidInput("invalid_option", f"--format takes one of {', '.join(FORMATS)}.")
    wish = wishes(options)
    output = _writable(options.output)
    settings = settings_or_exit()
    upload = collect(
        options.path,
        diff=options.diff,
        base=options.base,
        exclude=options.exclude,
        coverage=options.coverage,
        profile=options.profile_data,
        limits=IntakeLimits(max_files=settings.max_files, max_source_bytes=settings.max_source_bytes),
    )
    with connected(settings) as service:
        manifest = service.client.submit_source(upload)
        view = service.client.submit_review(wish(manifest.source_id))
        try:
            view = follow(service.client, view, service.complaint)
        except KeyboardInterrupt:
            print(f"\nThe review goes on. Its id is {view.id}.", file=sys.stderr)
            return INCOMPLETE
        if view.status != ReviewStatus.COMPLETED:
            reason = view.failure or view.status
            print(f"conclave review: the review ended without a report: {reason}. {_where(view)}", file=sys.stderr)
            return INCOMPLETE
        report = service.client.report(view.id)
        _show(service.client, report, view, options.format, output)
    return exit_code(report, fail_on)


def wishes(options: ReviewOptions) -> Callable[[str], ReviewSubmission]:
    """Check the options; returns what to submit for a source id.

    Raises:
        InvalidInput: an option is not one of its values.
    """
    mode = None if options.mode is None else _choice(options.mode, ReviewMode, "--mode")
    profile = None if options.profile is None else _choice(options.profile, ReviewProfile, "--profile")
    experts: Literal["auto", "all"] | tuple[ExpertName, ...] | None
    if options.experts is None or options.experts in ("auto", "all"):
        experts = options.experts
    else:
        experts = _choices(options.experts, ExpertName, "--experts")
        if not experts:
            raise InvalidInput("no_experts", "--experts names nobody; give auto, all, or at least one expert.")
    strategies = _choices(options.strategy or "", Strategy, "--strategy")
    providers = tuple(dict.fromkeys(_words(options.provider or "")))
    if providers and not options.models:
        raise InvalidInput("invalid_option", "--provider and --no-models contradict each other; leave one out.")
    budget = None if options.budget is None else round(options.budget * 1_000_000)
    if budget is not None and not 0 < budget <= MAX_BUDGET_MICRO_USD:
        raise InvalidInput(
            "invalid_budget", f"--budget takes more than 0 and at most {MAX_BUDGET_MICRO_USD // 10**6} USD."
        )

    try:
        wish = ReviewSubmission(
            source_id="0" * 32,
            mode=mode,
            experts=experts,
            profile=profile,
            budget_micro_usd=budget,
            providers=providers,
            strategies=strategies,
            wait_for_quota=options.wait_for_quota,
            use_models=options.models,
        )
    except ValidationError:
        raise InvalidInput(
            "invalid_option", "--provider takes at most 16 names as `conclave provider list` shows them."
        ) from None

    def submission(source_id: str) -> ReviewSubmission:
        try:
            return ReviewSubmission.model_validate(wish.model_dump() | {"source_id": source_id})
        except ValidationError:
            raise Unreachable("the service gave a source id that is none. Is it another version?") from None

    return submission


Choice = TypeVar("Choice", bound=StrEnum)


def _choice(value: str, kind: type[Choice], option: str) -> Choice:
    try:
        return kind(value.strip().lower())
    except ValueError:
        raise InvalidInput("invalid_option", f"{option} takes one of {', '.join(kind)}.") from None


def _choices(value: str, kind: type[Choice], option: str) -> tuple[Choice, ...]:
    return tuple(dict.fromkeys(_choice(word, kind, option) for word in _words(value)))


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


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
    with ReviewProgress(Console(stderr=True)) as progress:
        for attempt in range(RECONNECTS):
            try:
                for now in client.follow(view.id):
                    progress.update(now.experts)
                    if now.status != ReviewStatus.RUNNING:
                        return now
            except Unreachable:
                if attempt == RECONNECTS - 1:
                    raise
            problem = complaint()
            if problem and problem != complained:
                print(problem, file=sys.stderr)
                complained = problem
            time.sleep(1)
    raise Unreachable("the review is still running, but its progress cannot be read.")


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
            output.write_text(text, encoding="utf-8")
    if output is not None:
        print(f"Report written to {output}.", file=sys.stderr)


def exit_code(report: ReviewReport, fail_on: Severity) -> int:
    """0 clean, 1 something at or above `fail_on`, 3 not everything was analysed."""
    if report.reaches(fail_on):
        return FOUND
    return INCOMPLETE if report.partial else CLEAN
