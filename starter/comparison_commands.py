"""The command line of comparisons: options only; the work is in `commands`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.options import Json

comparison = typer.Typer(no_args_is_help=True, help="Comparisons that were made: show, list, export, cancel.")

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the comparison, as `conclave comparison list` shows it.")]

COMPARE_HELP = """Compare two configurations on the same samples: which is better, how sure, and what it costs.

V1 and V2 are `stable`, the number or id of a version, or the id of an experiment. With --dataset both are run anew, at
the same time over the same samples. Without it both must be experiments on one dataset; what they measured is compared.

\b
Examples:
  conclave compare 1 2 --dataset conclave-demo --export report.pdf
  conclave compare stable --set 'analysis.tools_off=["bandit"]' --dataset conclave-demo
  conclave compare stable --aa --dataset conclave-demo
  conclave compare 6f1c... 90ab...

\b
Exit codes: 0 promote or hold, 1 reject, 2 bad usage or input, 3 inconclusive, or it could not be finished,
4 service unreachable.
"""


def compare(
    v1: Annotated[str, typer.Argument(metavar="V1", help="What is in use, or was.")],
    v2: Annotated[str | None, typer.Argument(metavar="[V2]", help="What may follow it.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Name (its newest version) or id of the dataset to run both on.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration in the place of V2, .json or .toml.")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one field of it, or of stable; repeatable."),
    ] = None,
    aa: Annotated[bool, typer.Option("--aa", help="V1 against itself: nothing should be significant.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write the report: .pdf, .html, .csv or .json.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call it.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="dev or test; all samples if not given.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many samples.", min=1)] = None,
    repeats: Annotated[int, typer.Option(help="Runs of every sample on each side.", min=1, max=10)] = 1,
    margins: Annotated[
        list[str] | None,
        typer.Option("--margin", metavar="NAME=NUMBER", help="How much worse a guardrail may be; repeatable."),
    ] = None,
    value: Annotated[float, typer.Option(help="USD that one more known issue found is worth.", min=0)] = 1.0,
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


@comparison.command("show")
def comparison_show(comparison_id: Id, json_output: Json = False) -> None:
    """How a comparison goes, or what came of it; exit codes as those of `compare`, 0 while it is under way."""
    from starter.commands.comparison import show_comparison

    raise typer.Exit(show_comparison(comparison_id, json_output))


@comparison.command("list")
def comparison_list(
    most: Annotated[int, typer.Option("--limit", help="The newest so many.", min=1, max=1000)] = 20,
    json_output: Json = False,
) -> None:
    """Comparisons, newest first."""
    from starter.commands.comparison import list_comparisons

    raise typer.Exit(list_comparisons(most, json_output))


@comparison.command("export")
def comparison_export(
    comparison_id: Id,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Ends with .pdf, .html, .csv or .json.")],
) -> None:
    """Write the report to a file."""
    from starter.commands.comparison import export_comparison

    raise typer.Exit(export_comparison(comparison_id, path))


@comparison.command("cancel")
def comparison_cancel(comparison_id: Id, json_output: Json = False) -> None:
    """End a comparison without a recommendation."""
    from starter.commands.comparison import cancel_comparison

    raise typer.Exit(cancel_comparison(comparison_id, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("compare", help=COMPARE_HELP)(compare)
    app.add_typer(comparison, name="comparison")
