"""Python projects of a wanted size without a download: whole files of packages that are installed anyway."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    "requests",
    "httpx",
    "starlette",
    "uvicorn",
    "click",
    "typer",
    "filelock",
    "jinja2",
    "urllib3",
    "anyio",
    "fastapi",
    "rich",
    "redis",
    "alembic",
    "networkx",
    "sqlalchemy",
)
"""In the order in which they are taken: all are dependencies of Conclave or of one of its analysers."""


def files() -> Iterator[tuple[Path, Path]]:
    """Every Python file of the packages and its path below site-packages, always in the same order."""
    site = Path(sysconfig.get_path("purelib"))
    for package in PACKAGES:
        for file in sorted((site / package).rglob("*.py")):
            yield file, file.relative_to(site)


def installed_project(folder: Path, lines: int) -> int:
    """Copy whole files into a folder until it holds so many lines.

    Args:
        folder: where to; made here.
        lines: how many at least.

    Returns:
        How many there are.

    Raises:
        ValueError: the installed packages are smaller.
    """
    total = 0
    for source, path in files():
        data = source.read_bytes()
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        total += data.count(b"\n")
        if total >= lines:
            return total
    raise ValueError(f"the installed packages have {total} lines only")
