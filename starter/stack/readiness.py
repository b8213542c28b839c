"""How a process without a port tells the launcher that it is in service."""

import os
from pathlib import Path

VARIABLE = "CONCLAVE_READY_FILE"
"""Environment variable with the file to write."""


def path(folder: Path, part: str) -> Path:
    """The file of one part."""
    return folder / f"{part}.ready"


def announce() -> None:
    """Say that this process is in service; does nothing outside a local stack."""
    if target := os.environ.get(VARIABLE):
        draft = Path(f"{target}.new")
        draft.write_text(str(os.getpid()), encoding="ascii")
        draft.replace(target)


def announced(file: Path, pid: int) -> bool:
    """Whether the process with this pid has said so."""
    try:
        return file.read_text(encoding="ascii") == str(pid)
    except OSError:
        return False
