"""The command line of trials: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.options import Json

trial = typer.Typer(
    no_args_is_help=True, help="Let a candidate review a share of the live traffic too: start, stop, show, list."
)

TrialId = Annotated[str | None, typer.Argument(metavar="[TRIAL]", help="Its id; the newest if not given.")]

START_HELP = """Let an experiment's configuration review a share of the repositories too, in the background.

Users see nothing of it and pay nothing. One trial runs at a time.

\b
Example:
  conclave trial start EXPERIMENT --share 10
  conclave trial show
"""


@trial.command("start", help=START_HELP)
def trial_start(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Id of the candidate's experiment.")],
    share: Annotated[int, typer.Option(min=1, max=100, help="Per cent of the repositories.")] = 10,
    json_output: Json = False,
) -> None:
    """`conclave trial start`; its help is `START_HELP`."""
    from starter.commands.trial import start_trial

    raise typer.Exit(start_trial(experiment, share, json_output))


@trial.command("stop")
def trial_stop(
    reason: Annotated[str, typer.Option(help="Why: one line, kept on the audit chain.")],
    trial_id: TrialId = None,
    json_output: Json = False,
) -> None:
    """End a trial; its reviews that are under way are cancelled."""
    from starter.commands.trial import stop_trial

    raise typer.Exit(stop_trial(trial_id, reason, json_output))


@trial.command("show")
def trial_show(trial_id: TrialId = None, json_output: Json = False) -> None:
    """How the candidate compares with the stable configuration so far."""
    from starter.commands.trial import show_trial

    raise typer.Exit(show_trial(trial_id, json_output))


@trial.command("list")
def trial_list(json_output: Json = False) -> None:
    """Trials, newest first."""
    from starter.commands.trial import list_trials

    raise typer.Exit(list_trials(json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(trial, name="trial")
