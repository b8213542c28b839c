"""What the launcher remembers between calls: which process is which part, and on which port."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from starter.stack import secret_files
from starter.stack.layout import Layout


class PartRecord(BaseModel):
    """One part as it was started."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    pid: int
    create_time: float
    """Start of the process, seconds since the epoch: a pid alone may have passed to a stranger."""
    fingerprint: str
    """Digest of the command, its environment and its configuration files."""
    stop_signal: int
    """Signal that makes this part end gracefully."""
    wave: int
    """Parts of a higher wave were started later and are stopped earlier."""


class StackState(BaseModel):
    """Content of `stack.json`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    parts: dict[str, PartRecord] = {}
    ports: dict[str, int] = {}
    """Port of each listener by name; kept across restarts so that links and bookmarks stay right."""
    socket_dir: Path | None = None
    """Folder of the Postgres socket when the one below `home` would be too long for the kernel."""


def load(layout: Layout) -> StackState:
    """The remembered state; an empty one when there is none or it cannot be read.

    Nothing is lost with it: processes carry a mark of their own (`processes.strays`) and ports are chosen anew.
    """
    try:
        return StackState.model_validate_json(layout.state_file.read_bytes())
    except (OSError, ValidationError):
        return StackState()


def save(layout: Layout, state: StackState) -> None:
    """Write the state, whole or not at all, readable by its owner only."""
    secret_files.write(layout.state_file, state.model_dump_json(indent=2))
