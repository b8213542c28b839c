"""Options and arguments that several commands have."""

from typing import Annotated

import typer

from starter.complaints import speak_json
from starter.completion import POLICIES, SPLITS, named, words

Json = Annotated[bool, typer.Option("--json", callback=speak_json, help="JSON for programs instead of text.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why: one line, kept on the audit chain.")]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="IDENTITY",
        autocompletion=words("second", "local"),
        help="`second`: as the local stack's second identity, an approver.",
    ),
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="PROVIDER",
        autocompletion=named("provider"),
        help="Its name, as `conclave provider list` shows it.",
    ),
]
Experiment = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT",
        autocompletion=named("experiment"),
        help="Its id, as `conclave experiment list` shows it.",
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option("--dataset", metavar="NAME|ID", autocompletion=named("dataset"), help="By name its newest version."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one field of it, as JSON or plain; may be repeated."),
]
Split = Annotated[
    str | None,
    typer.Option(metavar="SPLIT", autocompletion=words(*SPLITS), help="dev or test; all samples if not given."),
]
Samples = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first so many samples.")]
Most = Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest so many.")]
Policy = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        autocompletion=words(*POLICIES),
        help="default or strict; what the service is set to if not given.",
    ),
]
Follow = Annotated[bool, typer.Option("--follow", help="Wait for its end, showing how far it is.")]
