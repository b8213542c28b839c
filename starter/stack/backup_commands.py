"""`conclave backup` and `conclave restore`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.options import Json
from starter.read_settings import settings_or_exit
from starter.stack.commands import failing_clearly, print_json

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the backup.")]


def backup(folder: Folder, as_json: Json = False) -> None:
    """Copy the running local stack into a folder that is not there yet."""
    from starter.render.working import working
    from starter.stack.backup import back_up

    settings = settings_or_exit()
    with failing_clearly(), working("Copying the local stack"):
        manifest = back_up(settings, folder.expanduser().absolute())
    if as_json:
        print_json({"folder": str(folder), **manifest.model_dump(mode="json")})
        return
    typer.echo(f"{len(manifest.files)} files in {folder}. They hold the stack's secrets: whoever reads them can read")
    typer.echo("every stored provider key. Keep them where nobody else can.")


def restore(folder: Folder, as_json: Json = False) -> None:
    """Make the stack of a backup in a home that has no data."""
    from starter.render.working import working
    from starter.stack.backup import restore as put_back

    settings = settings_or_exit()
    with failing_clearly(), working("Restoring the local stack"):
        manifest = put_back(settings, folder.expanduser().absolute())
    if as_json:
        print_json({"home": str(settings.home), **manifest.model_dump(mode="json")})
        return
    typer.echo(
        f"{settings.home} is as it was at {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC. Start it with `conclave up`;"
    )
    typer.echo("what was running then is started anew.")
