"""The command line. Everything heavy is imported by the command that needs it, so that `--help` is quick."""

from pathlib import Path
from typing import Annotated

import typer

from starter import (
    audit_commands,
    comparison_commands,
    dataset_commands,
    experiment_commands,
    promotion_commands,
    provider_commands,
    trial_commands,
)
from starter.stack import commands as stack

app = typer.Typer(
    name="conclave",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Review code with a panel of seven experts, durably.",
)

CRASHED = 3
"""Exit code after an error nobody thought of: no review was completed."""

REVIEW_HELP = """Review a file, a folder, a change or a diff.

\b
Examples:
  conclave review .                              the whole project
  conclave review . --base main                  what changed since main
  conclave review fix.diff                       a diff on its own
  conclave review src --format sarif --output conclave.sarif
  conclave review . --fail-on high               exit 1 only for high and critical

\b
Exit codes: 0 nothing at or above --fail-on, 1 something is, 2 bad usage or input, 3 review incomplete,
4 service unreachable.
"""


@app.command(help=REVIEW_HELP)
def review(
    path: Annotated[Path, typer.Argument(help="File, folder, or unified diff (`-`: a diff from standard input).")],
    diff: Annotated[Path | None, typer.Option(help="Diff that led to PATH's content; only its changes count.")] = None,
    base: Annotated[str | None, typer.Option(help="Git revision; only what changed since then counts.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Pattern as in .gitignore; may be repeated.")] = None,
    mode: Annotated[
        str | None, typer.Option(help="pipeline, parallel or backtrack; the profile's if not given.")
    ] = None,
    experts: Annotated[
        str | None, typer.Option(help="auto, all, or names separated by commas; as configured if not given.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="interactive (parallel), batch (pipeline) or quality (backtrack); as configured if not given."
        ),
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Most to spend on model calls, in USD.")] = None,
    provider: Annotated[
        str | None, typer.Option(help="Model providers to ask, by name and in this order, separated by commas.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="Ranking of providers: complexity, health, cost, latency, success-rate.")
    ] = None,
    models: Annotated[bool, typer.Option(help="Ask models where a provider is usable; or analysers alone.")] = True,
    wait_for_quota: Annotated[
        bool, typer.Option("--wait-for-quota", help="Wait for the next day or month when the quota is spent.")
    ] = False,
    fail_on: Annotated[
        str, typer.Option(help="Severity from which the exit code is 1: critical, high, medium, low.")
    ] = ("low"),
    format: Annotated[str, typer.Option(help="table, json, sarif, markdown or html.")] = "table",
    output: Annotated[Path | None, typer.Option(help="File for the report; standard output if not given.")] = None,
    coverage: Annotated[Path | None, typer.Option(help="coverage.py JSON, Cobertura XML or lcov.")] = None,
    profile_data: Annotated[Path | None, typer.Option(help="pstats or speedscope JSON.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """`conclave review`; its help is `REVIEW_HELP`."""
    from starter.commands.review import ReviewOptions, run

    options = ReviewOptions(
        path=path,
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


app.command("up")(stack.up)
app.command("down")(stack.down)
app.command("status")(stack.status)
app.command("doctor")(stack.doctor)


provider_commands.install(app)
dataset_commands.install(app)
experiment_commands.install(app)
audit_commands.install(app)
promotion_commands.install(app)
trial_commands.install(app)
comparison_commands.install(app)


@app.command()
def serve() -> None:
    """Run the HTTP API in the foreground; settings come from the environment."""
    from starter.commands.processes import serve_api

    raise typer.Exit(serve_api())


@app.command()
def worker() -> None:
    """Run a worker in the foreground; settings come from the environment."""
    import os
    import sys

    # In place of this process, so that signals and the pid are the worker's; nothing imports the composition root.
    # -P: a `worker.py` in the working folder is not ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "worker"])


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    from starter.commands.processes import migrate_database

    raise typer.Exit(migrate_database())


def main() -> None:
    """Entry point of `conclave`."""
    try:
        app()
    except Exception:
        import sys
        import traceback

        traceback.print_exc()
        # Python's own code for a crash is 1, which here says that something was found.
        sys.exit(CRASHED)
