"""What a client sends when it submits source, and what the service makes of it."""

from dataclasses import dataclass

from pydantic import Base64Bytes, Field

from models.source import ArtifactKind, SkippedFile, SourceManifest
from models.wire import Wire


class UploadedFile(Wire):
    """One regular text file."""

    path: str
    """Relative POSIX path; `models.paths` says what is wrong with one."""
    text: str
    """Valid Unicode without NUL and lone surrogates; line endings as in the file."""
    fragment: bool = False
    """Only parts of the file are known (rebuilt from a diff's hunks; unknown lines are empty)."""


class UploadedArtifact(Wire):
    """A coverage report or profile."""

    kind: ArtifactKind
    content: Base64Bytes


class SourceUpload(Wire):
    """Body of `POST /sources`."""

    label: str = Field(min_length=1, max_length=200)
    files: tuple[UploadedFile, ...]
    diff: str | None = None
    """Unified diff whose new side are (some of) `files`: only findings on its changed lines are reported."""
    skipped: tuple[SkippedFile, ...] = ()
    """What the client left out, and why: part of the report."""
    artifacts: tuple[UploadedArtifact, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptedSource:
    """A source that passed every check, ready to be stored."""

    manifest: SourceManifest
    texts: dict[str, str]
    """Text of each file of the manifest, by path."""
    artifacts: dict[ArtifactKind, bytes]
