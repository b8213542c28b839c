"""The part of docs/cli.md that lists the commands, as it must be: `uv run python -m tests.cli_page` writes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from starter.cli import app
from starter.command_tree import PANELS

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
MARK = "<!-- What follows is made by `uv run python -m tests.cli_page`. -->\n"
COMMON = {"--json", "--help"}


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below one, with the words that lead to it."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, each in command.commands.items():
        yield from leaves(each, (*path, name))


def render() -> str:
    """All commands, heading by heading."""
    root: Any = typer.main.get_command(app)
    parts: list[str] = []
    for panel in PANELS:
        parts.append(f"## {panel}\n")
        for name, command in root.commands.items():
            if command.rich_help_panel == panel:
                parts += [_described(path, each) for path, each in leaves(command, (name,))]
    return "\n".join(parts)


def _described(path: tuple[str, ...], command: Any) -> str:
    context = command.make_context(path[-1], [], resilient_parsing=True)
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    usage = " ".join(("conclave", *path, *pieces)).replace("{", "").replace("}", "")
    text = [f"### `{usage}`", "", *_paragraphs(command.help)]
    rows = [_row(each) for each in command.params if not each.hidden and not COMMON & set(each.opts)]
    if rows:
        text += ["| | |", "| --- | --- |", *rows, ""]
    _, _, lines = command.epilog.partition("Examples:\n")
    return "\n".join([*text, *(f"  {line}" for line in lines.splitlines()), ""])


def _paragraphs(help: str) -> list[str]:
    paragraphs = (" ".join(each.split()) for each in help.strip().split("\n\n"))
    return [line for paragraph in paragraphs for line in (paragraph, "")]


def _row(parameter: Any) -> str:
    is_argument, is_flag = parameter.param_type_name == "argument", getattr(parameter, "is_flag", False)
    if is_argument:
        name = parameter.metavar or parameter.name.upper()
    else:
        value = "" if is_flag else f" {parameter.metavar or parameter.name.upper()}"
        name = " / ".join((*parameter.opts, *parameter.secondary_opts)) + value
    default = parameter.default if not is_flag and parameter.default not in (None, ()) else None
    needed = " Required." if parameter.required and not is_argument else ""
    told = f" Default: {default}." if default is not None else needed
    return f"| `{name}` | {parameter.help}{told} |".replace("NAME|ID", "NAME\\|ID")


def current() -> str:
    """What the page has after the mark."""
    return PAGE.read_text(encoding="utf-8").partition(MARK)[2]


if __name__ == "__main__":
    before, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(before + mark + render(), encoding="utf-8")
