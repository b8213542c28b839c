"""The command line of experiments: options only; the work is in `commands`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.command_tree import EXPERIMENTS, examples, group
from starter.completion import VERDICTS, named, words
from starter.options import Dataset, Experiment, Follow, Json, Most, Policy, Reason, Samples, Sets, Split

experiment = group("Measure configurations: create, run, show, list, pause and more.")

Title = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="What to call it; made of dataset and time if not given.")
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Configuration to measure, .json or .toml; the stable one if none."),
]

RUN_HELP = """Run an experiment and show what came of it.

It is created by these options, or was before. It runs in the service and goes on whatever becomes of this command;
`conclave watch ID` follows it.

Exit codes: 0 the gate lets it through, 1 the gate fails it, 2 bad usage or input, 3 inconclusive, or it could not be
finished, 4 service unreachable, 130 interrupted.
"""


@experiment.command(
    "create",
    epilog=examples(
        "conclave experiment create --dataset conclave-demo --name first",
        "conclave experiment create --dataset conclave-demo --config new.toml",
    ),
)
def experiment_create(
    dataset: Dataset = None,
    name: Title = None,
    config: Config = None,
    sets: Sets = None,
    split: Split = None,
    limit: Samples = None,
    policy: Policy = None,
    json_output: Json = False,
) -> None:
    """Note an experiment without starting it; options as those of `run`."""
    from starter.commands.experiment import Wish, create_experiment

    wish = Wish(dataset, name, config, tuple(sets or ()), split, limit, policy)
    raise typer.Exit(create_experiment(wish, json_output))


@experiment.command(
    "run",
    help=RUN_HELP,
    epilog=examples(
        "conclave experiment run --dataset conclave-demo",
        "conclave experiment run --dataset conclave-demo --set models.enabled=false",
        "conclave experiment run --dataset demo --set 'analysis.tools_off=[\"bandit\"]'",
        "conclave experiment run 6f1c22          # one that was created before",
    ),
)
def experiment_run(
    experiment_id: Annotated[
        str | None,
        typer.Argument(
            metavar="EXPERIMENT", autocompletion=named("experiment"), help="Id of one that is there already."
        ),
    ] = None,
    dataset: Dataset = None,
    name: Title = None,
    config: Config = None,
    sets: Sets = None,
    split: Split = None,
    limit: Samples = None,
    policy: Policy = None,
    json_output: Json = False,
) -> None:
    """`conclave experiment run`; its help is `RUN_HELP`."""
    from starter.commands.experiment import Wish, run_experiment

    wish = Wish(dataset, name, config, tuple(sets or ()), split, limit, policy)
    raise typer.Exit(run_experiment(experiment_id, wish, json_output))


@experiment.command(
    "show", epilog=examples("conclave experiment show 6f1c22", "conclave experiment show 6f1c22 --follow")
)
def experiment_show(experiment_id: Experiment, follow: Follow = False, json_output: Json = False) -> None:
    """Show how an experiment goes, or what came of it.

    Exit codes are those of `run`, 0 while it is under way.
    """
    from starter.commands.experiment import show_experiment

    raise typer.Exit(show_experiment(experiment_id, follow, json_output))


@experiment.command("list", epilog=examples("conclave experiment list --limit 5", "conclave experiment list --json"))
def experiment_list(most: Most = 20, json_output: Json = False) -> None:
    """List experiments, the newest first."""
    from starter.commands.experiment import list_experiments

    raise typer.Exit(list_experiments(most, json_output))


@experiment.command("pause", epilog=examples("conclave experiment pause 6f1c22"))
def experiment_pause(experiment_id: Experiment, json_output: Json = False) -> None:
    """Begin no further sample; those that are under way end."""
    from starter.commands.experiment import change_experiment

    raise typer.Exit(change_experiment("pause", experiment_id, json_output))


@experiment.command("resume", epilog=examples("conclave experiment resume 6f1c22"))
def experiment_resume(experiment_id: Experiment, json_output: Json = False) -> None:
    """Go on with a paused experiment."""
    from starter.commands.experiment import change_experiment

    raise typer.Exit(change_experiment("resume", experiment_id, json_output))


@experiment.command("cancel", epilog=examples("conclave experiment cancel 6f1c22"))
def experiment_cancel(experiment_id: Experiment, json_output: Json = False) -> None:
    """End an experiment without a verdict."""
    from starter.commands.experiment import change_experiment

    raise typer.Exit(change_experiment("cancel", experiment_id, json_output))


@experiment.command("verdict", epilog=examples('conclave experiment verdict 6f1c22 pass --reason "checked by hand"'))
def experiment_verdict(
    experiment_id: Experiment,
    verdict: Annotated[
        str,
        typer.Argument(metavar="VERDICT", autocompletion=words(*VERDICTS), help="pass, fail or manual_review."),
    ],
    reason: Reason,
    json_output: Json = False,
) -> None:
    """Put your verdict over that of the Version Control AI.

    The gate stays as it decided.
    """
    from starter.commands.experiment import override_verdict

    raise typer.Exit(override_verdict(experiment_id, verdict, reason, json_output))


@experiment.command("config", epilog=examples("conclave experiment config > new.json"))
def experiment_config(json_output: Json = False) -> None:
    """Print the configuration in production, to start from.

    It is JSON, with --json and without.
    """
    del json_output
    from starter.commands.experiment import print_config

    raise typer.Exit(print_config())


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(experiment, name="experiment", rich_help_panel=EXPERIMENTS)
