"""The commands that the documents tell people to run, as they stand there."""

import re
from collections.abc import Iterator
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
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*conclave [a-z-]")


def named(page: Path) -> str:
    """A page's name in the output of tests."""
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> list[str]:
    """Each `conclave ...` of a page in its order: from indented blocks, and fenced ones of shell or YAML."""
    found: list[str] = []
    for language, lines in _blocks(page.read_text(encoding="utf-8")):
        if language in ("yaml", "yml"):
            lines = [line for script in _scripts(yaml.safe_load("\n".join(lines))) for line in script.splitlines()]
        found += filter(None, map(_command, "\n".join(lines).replace("\\\n", " ").splitlines()))
    return found


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
            yield "sh", [line]


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
