"""The command line of reviews, and of watching: options only; the work is in `commands`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.command_tree import REVIEW, examples
from starter.completion import EXPERTS, FORMATS, MODES, PROFILES, SEVERITIES, STRATEGIES, listed, named, words
from starter.options import Json

REVIEW_HELP = """Review a file, a folder, a change or a diff.

A review runs in the service and goes on whatever becomes of this command; --follow takes it up again.

Exit codes: 0 nothing at or above --fail-on, 1 something is, 2 bad usage or input, 3 review incomplete, 4 service
unreachable, 130 interrupted.
"""
WATCH_HELP = """Watch what runs and what waits for approval.

Without ID: reviews, experiments, comparisons and promotions, the newest first, until Ctrl-C. With the ID of one of
them: how far that is and, at its end, what came of it, with the exit code of its own command.

Where there is no terminal the list is printed once. With --json there is a line at every change.
"""


def review(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="File, folder, or unified diff (`-`: one from standard input)."),
    ] = None,
    follow: Annotated[
        str | None,
        typer.Option(metavar="ID", autocompletion=named("review"), help="Take up a review that was begun before."),
    ] = None,
    diff: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Diff that led to PATH's content; only its changes count.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="REF", help="Git revision; only what changed since then counts.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="As in .gitignore; may be repeated.")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            autocompletion=words(*MODES),
            help="pipeline, parallel or backtrack; the profile's if not given.",
        ),
    ] = None,
    experts: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            autocompletion=listed("auto", "all", *EXPERTS),
            help="auto, all, or names separated by commas; as configured if not given.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE",
            autocompletion=words(*PROFILES),
            help="interactive (parallel), batch (pipeline) or quality (backtrack); as configured if not given.",
        ),
    ] = None,
    budget: Annotated[float | None, typer.Option(metavar="USD", help="Most to spend on model calls.")] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            autocompletion=named("provider"),
            help="Model providers to ask, by name and in this order, separated by commas.",
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            autocompletion=listed(*STRATEGIES),
            help="Ranking of providers: complexity, health, cost, latency, success-rate.",
        ),
    ] = None,
    models: Annotated[bool, typer.Option(help="Ask models where a provider is usable; or analysers alone.")] = True,
    wait_for_quota: Annotated[
        bool, typer.Option("--wait-for-quota", help="Wait for the next day or month when the quota is spent.")
    ] = False,
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="SEVERITY",
            autocompletion=words(*SEVERITIES),
            help="From which on the exit code is 1: critical, high, medium or low.",
        ),
    ] = "low",
    format: Annotated[
        str,
        typer.Option(metavar="FORMAT", autocompletion=words(*FORMATS), help="table, json, sarif, markdown or html."),
    ] = "table",
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the report; standard output if not given.")
    ] = None,
    coverage: Annotated[
        Path | None, typer.Option(metavar="FILE", help="coverage.py JSON, Cobertura XML or lcov.")
    ] = None,
    profile_data: Annotated[Path | None, typer.Option(metavar="FILE", help="pstats or speedscope JSON.")] = None,
    json_output: Json = False,
) -> None:
    """`conclave review`; its help is `REVIEW_HELP`."""
    from starter.commands.review import run
    from starter.commands.review_options import ReviewOptions

    options = ReviewOptions(
        path=path,
        follow=follow,
        diff=diff,
        base=base,
        exclude=tuple(exclude or ()),
        mode=mode,
        experts=experts,
        profile=profile,
        budget=budget,
        provider=provider,
        strategy=strategy,
        models=models,
        wait_for_quota=wait_for_quota,
        fail_on=fail_on,
        format="json" if json_output else format,
        output=output,
        coverage=coverage,
        profile_data=profile_data,
    )
    raise typer.Exit(run(options))


def watch(
    thing_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            autocompletion=named("review", "experiment", "comparison", "promotion"),
            help="Of a review, an experiment, a comparison or a promotion.",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once and end.")] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=1, max=3600, help="Time between two looks.")] = 2.0,
    json_output: Json = False,
) -> None:
    """`conclave watch`; its help is `WATCH_HELP`."""
    from starter.commands.watch import watch as work

    raise typer.Exit(work(thing_id, once, every, json_output))


REVIEW_EXAMPLES = examples(
    "conclave review .                       # the whole project",
    "conclave review . --base main           # what changed since main",
    "conclave review fix.diff                # a diff on its own",
    "git diff | conclave review -            # what is not committed",
    "conclave review src --format sarif --output conclave.sarif",
    "conclave review . --fail-on high        # exit 1 for high and critical",
    "conclave review --follow 3f9c0d         # take it up after an interrupt",
)
WATCH_EXAMPLES = examples(
    "conclave watch                          # everything that runs, live",
    "conclave watch 3f9c0d                   # one of them, to its end",
    "conclave watch --once --json            # for a script",
)


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("review", help=REVIEW_HELP, epilog=REVIEW_EXAMPLES, rich_help_panel=REVIEW)(review)
    app.command("watch", help=WATCH_HELP, epilog=WATCH_EXAMPLES, rich_help_panel=REVIEW)(watch)
