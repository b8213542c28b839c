"""The command line of datasets: options only; the work is in `commands`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.command_tree import EXPERIMENTS, examples, group
from starter.completion import named
from starter.options import Json

dataset = group("Labelled samples to measure on: import, list, show.")

IMPORT_HELP = """Import a dataset: JSON Lines, one labelled sample each.

A line has `id`, `language`, `filename`, `code`, `clean` and `labels`. A label has `type`, `line_start`, `line_end` and,
if known, `cwe`, `severity` and `rule`. A line may also have `scope`, `group`, `split`, `source` and `licence`. A
reviewer sees the code and the file name alone; all other fields are kept beside.

The same content under the same name is the version that is there, other content is the next version.
"""


@dataset.command(
    "import",
    help=IMPORT_HELP,
    epilog=examples(
        "conclave dataset import samples.jsonl",
        "conclave dataset import samples.jsonl --name security-python",
        "gunzip -c samples.jsonl.gz | conclave dataset import - --name samples",
    ),
)
def dataset_import(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file; `-` reads standard input.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it; made of the file's name if not given.")
    ] = None,
    json_output: Json = False,
) -> None:
    """`conclave dataset import`; its help is `IMPORT_HELP`."""
    from starter.commands.dataset import import_dataset

    raise typer.Exit(import_dataset(path, name, json_output))


@dataset.command("list", epilog=examples("conclave dataset list"))
def dataset_list(json_output: Json = False) -> None:
    """List every version of every dataset, the newest first."""
    from starter.commands.dataset import list_datasets

    raise typer.Exit(list_datasets(json_output))


@dataset.command(
    "show", epilog=examples("conclave dataset show conclave-demo", "conclave dataset show conclave-demo --sample 0")
)
def dataset_show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|ID", autocompletion=named("dataset"), help="A name (its newest version) or an id."
        ),
    ],
    sample: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Show the sample at this place, counted from 0.", min=0)
    ] = None,
    json_output: Json = False,
) -> None:
    """Show languages, splits and labels of a dataset, or a sample."""
    from starter.commands.dataset import show_dataset

    raise typer.Exit(show_dataset(name, sample, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(dataset, name="dataset", rich_help_panel=EXPERIMENTS)
