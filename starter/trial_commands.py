"""The command line of trials: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.command_tree import EXPERIMENTS, examples, group
from starter.completion import named
from starter.options import Experiment, Json, Reason

trial = group("A candidate on a share of the traffic: start, stop, show, list.")

TrialId = Annotated[
    str | None,
    typer.Argument(metavar="TRIAL", autocompletion=named("trial"), help="Its id; the newest if not given."),
]

START_HELP = """Let a candidate review a share of the traffic, too.

An experiment's configuration reviews it in the background. Users see nothing of it and pay nothing. One trial runs at
a time.
"""


@trial.command(
    "start",
    help=START_HELP,
    epilog=examples("conclave trial start EXPERIMENT --share 10", "conclave trial start 6f1c22 --share 100"),
)
def trial_start(
    experiment: Experiment,
    share: Annotated[int, typer.Option(metavar="PERCENT", min=1, max=100, help="Of the repositories.")] = 10,
    json_output: Json = False,
) -> None:
    """`conclave trial start`; its help is `START_HELP`."""
    from starter.commands.trial import start_trial

    raise typer.Exit(start_trial(experiment, share, json_output))


@trial.command("stop", epilog=examples('conclave trial stop --reason "enough pairs"'))
def trial_stop(reason: Reason, trial_id: TrialId = None, json_output: Json = False) -> None:
    """End a trial; its reviews that are under way are cancelled."""
    from starter.commands.trial import stop_trial

    raise typer.Exit(stop_trial(trial_id, reason, json_output))


@trial.command("show", epilog=examples("conclave trial show", "conclave trial show 6f1c22 --json"))
def trial_show(trial_id: TrialId = None, json_output: Json = False) -> None:
    """Show how the candidate compares with the stable one so far."""
    from starter.commands.trial import show_trial

    raise typer.Exit(show_trial(trial_id, json_output))


@trial.command("list", epilog=examples("conclave trial list"))
def trial_list(json_output: Json = False) -> None:
    """List trials, the newest first."""
    from starter.commands.trial import list_trials

    raise typer.Exit(list_trials(json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(trial, name="trial", rich_help_panel=EXPERIMENTS)
