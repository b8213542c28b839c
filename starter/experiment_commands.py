"""The command line of experiments: options only; the work is in `commands`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.options import Json

experiment = typer.Typer(
    no_args_is_help=True,
    help="Measure configurations on labelled samples: create, run, show, list, pause, resume, cancel, verdict, config.",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the experiment, as `conclave experiment list` shows it.")]
Data = Annotated[str | None, typer.Option("--dataset", help="Name (its newest version) or id of the dataset.")]
Title = Annotated[str | None, typer.Option("--name", help="What to call it; made of dataset and time if not given.")]
Config = Annotated[Path | None, typer.Option(help="Configuration to measure, .json or .toml; the stable one if none.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one field of it, as JSON or plain; may be repeated."),
]
Part = Annotated[str | None, typer.Option("--split", help="dev or test; all samples if not given.")]
Limit = Annotated[int | None, typer.Option(help="Only the first so many samples.", min=1)]
Policy = Annotated[str | None, typer.Option(help="default or strict; what the service is set to if not given.")]

RUN_HELP = """Run an experiment, created before or by these options, and show what came of it.

It runs in the service and goes on whatever becomes of this command; run it again with the id to watch it.

\b
Examples:
  conclave experiment run --dataset conclave-demo
  conclave experiment run --dataset conclave-demo --set orchestrator.consensus.min_support=0.3
  conclave experiment run --dataset conclave-demo --set 'analysis.tools_off=["bandit"]' --set models.enabled=false
  conclave experiment run 6f1c...

\b
Exit codes: 0 the gate lets it through, 1 the gate fails it, 2 bad usage or input,
3 inconclusive, or it could not be finished, 4 service unreachable.
"""


@experiment.command("create")
def experiment_create(
    dataset: Data = None,
    name: Title = None,
    config: Config = None,
    sets: Set = None,
    split: Part = None,
    limit: Limit = None,
    policy: Policy = None,
    json_output: Json = False,
) -> None:
    """Note an experiment without starting it; options as those of `run`."""
    from starter.commands.experiment import Wish, create_experiment

    wish = Wish(dataset, name, config, tuple(sets or ()), split, limit, policy)
    raise typer.Exit(create_experiment(wish, json_output))


@experiment.command("run", help=RUN_HELP)
def experiment_run(
    experiment_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="An experiment that is there already.")
    ] = None,
    dataset: Data = None,
    name: Title = None,
    config: Config = None,
    sets: Set = None,
    split: Part = None,
    limit: Limit = None,
    policy: Policy = None,
    json_output: Json = False,
) -> None:
    """`conclave experiment run`; its help is `RUN_HELP`."""
    from starter.commands.experiment import Wish, run_experiment

    wish = Wish(dataset, name, config, tuple(sets or ()), split, limit, policy)
    raise typer.Exit(run_experiment(experiment_id, wish, json_output))


@experiment.command("show")
def experiment_show(experiment_id: Id, json_output: Json = False) -> None:
    """How an experiment goes, or what came of it; exit codes as those of `run`, 0 while it is under way."""
    from starter.commands.experiment import show_experiment

    raise typer.Exit(show_experiment(experiment_id, json_output))


@experiment.command("list")
def experiment_list(
    most: Annotated[int, typer.Option("--limit", help="The newest so many.", min=1, max=1000)] = 20,
    json_output: Json = False,
) -> None:
    """Experiments, newest first."""
    from starter.commands.experiment import list_experiments

    raise typer.Exit(list_experiments(most, json_output))


@experiment.command("pause")
def experiment_pause(experiment_id: Id, json_output: Json = False) -> None:
    """Begin no further sample; those that are under way end."""
    from starter.commands.experiment import change_experiment

    raise typer.Exit(change_experiment("pause", experiment_id, json_output))


@experiment.command("resume")
def experiment_resume(experiment_id: Id, json_output: Json = False) -> None:
    """Go on with a paused experiment."""
    from starter.commands.experiment import change_experiment

    raise typer.Exit(change_experiment("resume", experiment_id, json_output))


@experiment.command("cancel")
def experiment_cancel(experiment_id: Id, json_output: Json = False) -> None:
    """End an experiment without a verdict."""
    from starter.commands.experiment import change_experiment

    raise typer.Exit(change_experiment("cancel", experiment_id, json_output))


@experiment.command("verdict")
def experiment_verdict(
    experiment_id: Id,
    verdict: Annotated[str, typer.Argument(help="pass, fail or manual_review.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept on the audit chain.")],
    json_output: Json = False,
) -> None:
    """Put your verdict over that of the Version Control AI; the gate stays as it decided."""
    from starter.commands.experiment import override_verdict

    raise typer.Exit(override_verdict(experiment_id, verdict, reason, json_output))


@experiment.command("config")
def experiment_config() -> None:
    """The configuration in production as JSON, to start from."""
    from starter.commands.experiment import print_config

    raise typer.Exit(print_config())


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(experiment, name="experiment")
