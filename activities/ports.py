"""What the activities need from the world, and how it may fail."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.expert import ExpertName, StaticResult
from models.source import ArtifactKind, SourceManifest


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A source laid out as plain regular files, read-only by convention, owned by one caller for a while."""

    root: Path
    """Folder that holds the files at their manifest paths and nothing else."""
    manifest: SourceManifest
    artifacts: dict[ArtifactKind, Path]
    """Reports and profiles that came along; they lie outside `root`."""


class AnalysisFailed(Exception):
    """The static half could not be run at all (not: an analyser failed, which the ledger tells)."""


class IsolationUnavailable(Exception):
    """Isolation is mandatory by settings and this kernel refuses it."""


class Analyst(Protocol):
    """The static halves of the experts."""

    async def analyse(self, expert: ExpertName, tree: SourceTree) -> StaticResult:
        """Run one expert's analysers over a source.

        Raises:
            IsolationUnavailable: isolation is mandatory and cannot be had.
            AnalysisFailed: nothing could be run.
        """
        ...
