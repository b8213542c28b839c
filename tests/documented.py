"""The commands that the documents tell people to run, as they stand there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
        *(ROOT / folder / "README.md" for folder in ("benchmarks", "examples/dataset", "temporal-dev")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
SHELLS = ("sh", "bash", "shell", "console")
FENCE = re.compile(r" {0,3}(```+|~~~+)\s*(\w*)")
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*conclave (?![a-z ]+: )[a-z-]")
EXPORT = re.compile(r"(?:\$ )?export (CONCLAVE_[A-Z_]+=\S+)$")
"""Goes before the commands of the same block that follow."""
REFUSAL = re.compile(r"conclave [a-z ]+: .*\[([a-z_]+)\]$|\{\"error\": \{\"code\": \"([a-z_]+)\"")


def named(page: Path) -> str:
    """A page's name in the output of tests."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Told:
    """A command as it stands in a page."""

    line: str
    refusal: str | None = None
    """Code of the error that the page shows under it."""
    interrupted: bool = False
    """Whether the page shows it being stopped by hand."""


def told(page: Path, end: str | None = None) -> list[Told]:
    """Each `conclave ...` of a page in its order: from indented blocks, and fenced ones of shell or YAML.

    Args:
        page: Markdown.
        end: text at which to stop.
    """
    text = page.read_text(encoding="utf-8")
    found: list[Told] = []
    for language, lines in _blocks(text.partition(end)[0] if end else text):
        if language in ("yaml", "yml"):
            lines = [line for script in _scripts(yaml.safe_load("\n".join(lines))) for line in script.splitlines()]
        lines = "\n".join(lines).replace("\\\n", " ").splitlines()
        exported = ""
        for place, line in enumerate(lines):
            if setting := EXPORT.match(line.strip()):
                exported += f"{setting[1]} "
            if command := _command(line):
                # What is printed under it, up to the next one.
                rest = [line.strip() for line in lines[place + 1 :]]
                below = list(takewhile(lambda line: not line.startswith("$ "), rest))
                refused = REFUSAL.match(below[0]) if below else None
                found.append(Told(exported + command, refused and (refused[1] or refused[2]), "^C" in below))
    return found


def commands(page: Path) -> list[str]:
    """The lines of all of them."""
    return [each.line for each in told(page)]


def words_of(line: str) -> list[str]:
    """A command's words after `conclave`, settings before it left out."""
    return re.sub(r"^(?:[A-Z_]+=\S+ )*conclave ", "", line).split()


def outputs(page: Path) -> list[list[str]]:
    """The lines of each block that is marked as printed, those left out that say that something is."""
    blocks = re.findall(
        r"<!-- output -->\n```\n(.*?)```\n<!-- /output -->", page.read_text(encoding="utf-8"), re.DOTALL
    )
    return [[line for line in block.splitlines() if not line.startswith("[...")] for block in blocks]


def _command(line: str) -> str | None:
    """A line without its prompt and what explains it, which stands apart by two blanks."""
    line = line.strip().removeprefix("$ ")
    line = re.sub(r"\buv run (?=conclave )", "", line)
    line = re.split(r" {2,}(?!\S*=)| #", line)[0]
    return line if COMMAND.match(line) else None


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Blocks of code with their language; an indented one counts as shell, a fenced one without any is output."""
    inside: list[str] | None = None
    indented: list[str] = []
    language = mark = ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if inside is None and fence:
            mark, language, inside = fence[1], fence[2], []
        elif inside is not None and line.strip() == mark:
            if language in (*SHELLS, "yaml", "yml"):
                yield language, inside
            inside = None
        elif inside is not None:
            inside.append(line)
        elif line.startswith("    "):
            indented.append(line)
            continue
        if indented:
            yield "sh", indented
            indented = []
    if indented:
        yield "sh", indented


def _scripts(node: Any) -> Iterator[str]:
    """Every `run` and `script` of a workflow file."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "script", "before_script"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _scripts(value)
    elif isinstance(node, list):
        for each in node:
            yield from _scripts(each)
