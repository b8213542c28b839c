"""What a command says when something is wrong: one line on standard error, with `--json` the error envelope."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar

_as_json: ContextVar[bool] = ContextVar("as_json", default=False)


def speak_json(wanted: bool) -> bool:
    """Note whether `--json` was given; returns it, as the callback of an option does."""
    _as_json.set(wanted)
    return wanted


def speaks_json(arguments: Sequence[str]) -> bool:
    """Whether `--json` stands on a command line, even on one that cannot be understood."""
    return "--json" in arguments[: arguments.index("--")] if "--" in arguments else "--json" in arguments


def complain(
    command: str, code: str, message: str, details: Mapping[str, object] | None = None, *, shown: bool = True
) -> None:
    """Say what is wrong.

    Args:
        command: as it was typed, `conclave` left out; empty: all of it.
        code: for programs.
        message: one line for people, with the way out.
        details: for programs; `lines` are shown to people, too.
        shown: whether people see the code.
    """
    details = details or {}
    if _as_json.get():
        print(json.dumps({"error": {"code": code, "message": message, "details": details}}), file=sys.stderr)
        return
    who = f"conclave {command}".rstrip()
    print(f"{who}: {message}" + (f" [{code}]" if shown else ""), file=sys.stderr)
    lines = details.get("lines")
    if isinstance(lines, list):
        for line in lines:  # pyright: ignore[reportUnknownVariableType]
            print(f"  {line}", file=sys.stderr)
