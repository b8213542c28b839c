"""Where the local stack keeps its things, below one folder."""

from dataclasses import dataclass
from pathlib import Path

from starter.stack.errors import StackError

PRIVATE = 0o700
"""Mode of the folders: their owner, nobody else."""


@dataclass(frozen=True)
class Layout:
    """The folders and files of one local stack."""

    home: Path

    @property
    def data(self) -> Path:
        """What must survive a restart, one folder or file per part."""
        return self.home / "data"

    @property
    def run(self) -> Path:
        """Configuration files and sockets, written anew at every start."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """One log file per part."""
        return self.home / "logs"

    @property
    def bytecode(self) -> Path:
        """Compiled modules of our own programs; may be removed at any time."""
        return self.home / "cache" / "bytecode"

    @property
    def scratch(self) -> Path:
        """Temporary files of the worker, code under review among them; emptied at every start and stop."""
        return self.run / "scratch"

    @property
    def secrets(self) -> Path:
        """Generated secrets, one file of mode 0600 each."""
        return self.home / "secrets"

    @property
    def state_file(self) -> Path:
        """Which process is which part, and on which port."""
        return self.home / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Held while parts are started or stopped."""
        return self.home / "stack.lock"

    def log(self, part: str) -> Path:
        """The log file of one part."""
        return self.logs / f"{part}.log"

    def create(self) -> None:
        """Make the folders that are missing, readable by their owner only.

        Raises:
            StackError: a folder cannot be made or written to.
        """
        try:
            self.home.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            for folder in (self.data, self.run, self.logs, self.secrets):
                folder.mkdir(mode=PRIVATE, exist_ok=True)
            self.secrets.chmod(PRIVATE)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StackError(
                f"CONCLAVE_HOME cannot be used ({reason}): {self.home}. Name a folder that you may write to."
            ) from None
