"""How the command line hangs together: groups with headings, examples, and one line when it is used wrongly."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from starter.complaints import complain, speak_json, speaks_json
from starter.exit_codes import INTERRUPTED, PIPE_CLOSED, USAGE

REVIEW = "Review"
EXPERIMENTS = "Experiments"
PROMOTION = "What is in production"
PROVIDERS = "Models and money"
ACCESS = "Access and audit"
STACK = "Local stack"
PROCESSES = "Processes for production"
PANELS = (REVIEW, STACK, EXPERIMENTS, PROMOTION, PROVIDERS, ACCESS, PROCESSES)
"""Headings of the help, in its order."""

HELP_WIDTH = 100
"""Columns of the help at most, on terminals that have more."""
SECRETIVE = re.compile(r"key|token|secret|passw", re.IGNORECASE)
"""Names of options that somebody may have written a secret behind."""
KEY_IN_ARGV = (
    "a key is never an argument: pipe it in (`conclave key add NAME < file`) or type it at the prompt. "
    "If that was one, replace it at the provider."
)


def examples(*lines: str) -> str:
    """Command lines as the end of a command's help. Every command has some, and a test parses each of them.

    Args:
        lines: each a command as it is typed; what follows ` # ` explains it.
    """
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def group(help: str, **options: Any) -> typer.Typer:
    """A group of commands; called without one it shows its help."""
    return typer.Typer(cls=Commands, no_args_is_help=True, help=help, rich_markup_mode=None, **options)


class Commands(TyperGroup):
    """Commands below their headings; called wrongly, one line says so and what to do."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands, those of each heading together."""
        panels: dict[str, list[tuple[str, str]]] = {panel: [] for panel in PANELS}
        for name, command in self.commands.items():
            if not command.hidden:
                panel = getattr(command, "rich_help_panel", None) or "Commands"
                panels.setdefault(panel, []).append((name, command.get_short_help_str(HELP_WIDTH)))
        widest = max(map(len, self.commands))
        for panel, rows in panels.items():
            if rows:
                with formatter.section(panel):
                    # Of one width, so that all headings have their columns in the same place.
                    formatter.write_dl([(name.ljust(widest), told) for name, told in rows])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run, and end the process with one of `exit_codes`; standard output may be closed, before or meanwhile."""
        given = list(sys.argv[1:] if args is None else args)
        speak_json(speaks_json(given))
        _stand_in_for_closed_streams()
        try:
            code = super().main(args, *rest, **options | {"standalone_mode": False})
            sys.stdout.flush()
        except BrokenPipeError:
            sys.exit(_without_output())
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):
                sys.exit(_without_output())
            raise
        except typer.Abort:
            complain("", "interrupted", "Nothing was typed.", shown=False)
            sys.exit(INTERRUPTED)
        except typer.TyperException as error:
            sys.exit(_refused(error))
        sys.exit(code or 0)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """A group without a command shows its help, and that it was not enough."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(USAGE)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an interrupt that it does not look after itself is said in a line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            complain("", "interrupted", "Interrupted. `conclave watch` shows what runs.", shown=False)
            raise typer.Exit(INTERRUPTED) from None


def _refused(error: typer.TyperException) -> int:
    """Say in one line what cannot be understood; what was typed for a value is not repeated."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path.removeprefix("conclave").strip() if context else ""
    wrong: str = getattr(error, "option_name", "")
    if path.startswith("key") and SECRETIVE.search(wrong):
        complain(path, "key_in_argv", KEY_IN_ARGV)
        return USAGE
    help_of = f"`{' '.join(('conclave', *path.split()))} --help` shows what there is."
    complain(path, "usage", f"{_reason(error)} {help_of}")
    return error.exit_code


def _reason(error: typer.TyperException) -> str:
    text = " ".join(error.format_message().split())
    if text.startswith("Got unexpected extra argument"):
        return "There are more arguments than it takes."
    near: Sequence[str] = getattr(error, "possibilities", None) or ()
    if near:
        return f"{error.message}. Did you mean {' or '.join(sorted(near))}?"
    return text if text.endswith((".", "?")) else f"{text}."


def _stand_in_for_closed_streams() -> None:
    """A process that is started with its output closed has none at all; what is written then goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end


def _without_output() -> int:
    """Let the interpreter's own last flush go nowhere."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    return PIPE_CLOSED
