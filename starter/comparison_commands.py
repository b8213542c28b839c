"""The command line of comparisons: options only; the work is in `commands`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.command_tree import EXPERIMENTS, examples, group
from starter.completion import named
from starter.options import Dataset, Follow, Json, Most, Samples, Sets, Split

comparison = group("Comparisons that were made: show, list, export, cancel.")

Id = Annotated[
    str,
    typer.Argument(
        metavar="COMPARISON", autocompletion=named("comparison"), help="Its id, as `conclave comparison list` shows it."
    ),
]

COMPARE_HELP = """Compare two configurations on the same samples.

Which is better, how sure that is, and what it costs. V1 and V2 are `stable`, the number or id of a version, or the id
of an experiment. With --dataset both are run anew, at the same time over the same samples. Without it both must be
experiments on one dataset; what they measured is compared.

It runs in the service and goes on whatever becomes of this command; `conclave watch ID` follows it.

Exit codes: 0 promote or hold, 1 reject, 2 bad usage or input, 3 inconclusive, or it could not be finished,
4 service unreachable, 130 interrupted.
"""
CONTENDERS = named("version", "experiment")


def compare(
    v1: Annotated[str, typer.Argument(metavar="V1", autocompletion=CONTENDERS, help="What is in use, or was.")],
    v2: Annotated[
        str | None, typer.Argument(metavar="V2", autocompletion=CONTENDERS, help="What may follow it.")
    ] = None,
    dataset: Dataset = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Configuration in the place of V2, .json or .toml.")
    ] = None,
    sets: Sets = None,
    aa: Annotated[bool, typer.Option("--aa", help="V1 against itself: nothing should be significant.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report: .pdf, .html, .csv or .json.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call it.")] = None,
    split: Split = None,
    limit: Samples = None,
    repeats: Annotated[int, typer.Option(help="Runs of every sample on each side.", min=1, max=10)] = 1,
    margins: Annotated[
        list[str] | None,
        typer.Option("--margin", metavar="NAME=NUMBER", help="How much worse a guardrail may be; may be repeated."),
    ] = None,
    value: Annotated[float, typer.Option(metavar="USD", help="What one more known issue found is worth.", min=0)] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything drawn by lot.", min=0)] = 0,
    json_output: Json = False,
) -> None:
    """`conclave compare`; its help is `COMPARE_HELP`."""
    from starter.commands.comparison import Wish
    from starter.commands.comparison import compare as work

    wish = Wish(
        v1, v2, config, tuple(sets or ()), aa, dataset, name, split, limit, repeats, tuple(margins or ()), value,
        seed,
    )  # fmt: skip
    raise typer.Exit(work(wish, export, json_output))


@comparison.command(
    "show", epilog=examples("conclave comparison show 6f1c22", "conclave comparison show 6f1c22 --json")
)
def comparison_show(comparison_id: Id, follow: Follow = False, json_output: Json = False) -> None:
    """Show how a comparison goes, or what came of it.

    Exit codes are those of `compare`, 0 while it is under way.
    """
    from starter.commands.comparison import show_comparison

    raise typer.Exit(show_comparison(comparison_id, follow, json_output))


@comparison.command("list", epilog=examples("conclave comparison list --limit 5"))
def comparison_list(most: Most = 20, json_output: Json = False) -> None:
    """List comparisons, the newest first."""
    from starter.commands.comparison import list_comparisons

    raise typer.Exit(list_comparisons(most, json_output))


@comparison.command("export", epilog=examples("conclave comparison export 6f1c22 report.pdf"))
def comparison_export(
    comparison_id: Id,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Ends with .pdf, .html, .csv or .json.")],
    json_output: Json = False,
) -> None:
    """Write a comparison's report to a file."""
    from starter.commands.comparison import export_comparison

    raise typer.Exit(export_comparison(comparison_id, path, json_output))


@comparison.command("cancel", epilog=examples("conclave comparison cancel 6f1c22"))
def comparison_cancel(comparison_id: Id, json_output: Json = False) -> None:
    """End a comparison without a recommendation."""
    from starter.commands.comparison import cancel_comparison

    raise typer.Exit(cancel_comparison(comparison_id, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    told = examples(
        "conclave compare 1 2 --dataset conclave-demo --export report.pdf",
        "conclave compare stable --set 'analysis.tools_off=[\"bandit\"]' --dataset demo",
        "conclave compare stable --aa --dataset conclave-demo",
        "conclave compare 6f1c22 90ab4e           # two experiments that are over",
    )
    app.command("compare", help=COMPARE_HELP, epilog=told, rich_help_panel=EXPERIMENTS)(compare)
    app.add_typer(comparison, name="comparison", rich_help_panel=EXPERIMENTS)
