"""What an analyser is: a tool around which we put limits, and which admits what it could not read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from activities.ports import SourceBatch, SourceTree
from models.expert import CoverageReason, ExpertFinding, ToolRun

Outcome = Literal["exited", "timeout", "cpu", "memory", "killed", "output_too_large", "tool_missing"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one child process."""

    wall_seconds: float = 120.0
    cpu_seconds: int = 120
    memory_bytes: int = 2 * 1024**3
    """Address space (RLIMIT_AS)."""
    output_bytes: int = 32 * 1024**2
    """Bytes of standard output that are kept; more is the outcome `output_too_large`."""
    file_bytes: int = 64 * 1024**2
    """Largest file the child may write."""
    processes: int = 64
    open_files: int = 256


@dataclass(frozen=True, slots=True)
class Usage:
    """What work took of the machine."""

    seconds: float = 0.0
    """Of the clock; not the wait for a turn."""
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    """Most memory that one of its programs had at once."""

    def __add__(self, other: "Usage") -> "Usage":
        """One after the other."""
        return Usage(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_mib, other.peak_mib),
        )

    def part(self, portion: float) -> "Usage":
        """A share of it; memory is not shared."""
        return Usage(self.seconds * portion, self.cpu_seconds * portion, self.peak_mib)

    def told(self) -> dict[str, float]:
        """As a tool's run states it."""
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_mib": round(self.peak_mib, 1),
        }


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child process ended."""

    outcome: Outcome
    returncode: int | None
    stdout: bytes
    stderr: bytes
    """The last 8 KiB, for diagnosis in a log of the tool's own; never shown, never in an exception."""
    usage: Usage = Usage()


class Sandbox(Protocol):
    """Runs untrusted work: no network, empty environment, own limits, sees the tree read-only and a scratch folder."""

    @property
    def isolation(self) -> str:
        """`namespaces` where the kernel gives a network-less namespace, else `limits-only`."""
        ...

    async def run(
        self,
        argv: list[str],
        *,
        tree: Path,
        extra_read: tuple[Path, ...] = (),
        stdin: bytes = b"",
        limits: Limits | None = None,
    ) -> Completed:
        """Run a program to its end.

        Args:
            argv: the program and its arguments; the program is an absolute path.
            tree: folder with the source, visible at the same path, read-only. The working directory is a fresh empty
                scratch folder outside it.
            extra_read: more files or folders the program may read (artifacts, rule files).
            stdin: given to the program.
            limits: bounds, the default ones if None.

        Raises:
            IsolationUnavailable: isolation is mandatory and cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one analyser made of a source."""

    run: ToolRun
    findings: tuple[ExpertFinding, ...] = ()
    analysed: frozenset[str] = frozenset()
    """Paths read to the end."""
    failed: dict[str, CoverageReason] = field(default_factory=dict[str, CoverageReason])
    """Paths meant for this analyser that it did not read, and why."""
    metrics: dict[str, float] = field(default_factory=dict[str, float])


class Analyser(Protocol):
    """One tool in the hands of one expert."""

    name: str

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Paths of the source that this analyser is meant to read; empty when it has nothing to do."""
        ...

    async def run(self, tree: SourceTree, sandbox: Sandbox) -> Analysis:
        """Analyse the wanted files. Never raises for what the tool or the code does: that is in the result."""
        ...


@runtime_checkable
class ProjectAnalyser(Analyser, Protocol):
    """An analyser that looks at a source as a whole, not at each file alone."""

    async def run_many(self, batch: SourceBatch, sandbox: Sandbox) -> list[Analysis]:
        """Analyse sources in one process, each as a project of its own; a run that fails, fails for all of them."""
        ...
