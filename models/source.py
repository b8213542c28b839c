"""Source under review: which files, in which language, which of their lines changed, what was left out and why."""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, StringConstraints

from models.wire import Wire

MAX_FILES = 10_000
"""Files in one source."""
MAX_FILE_BYTES = 512 * 1024
"""Bytes in one file; a larger one is skipped and reported, never silently clean."""
MAX_SOURCE_BYTES = 64 * 1024 * 1024
"""Bytes of all files of one source together."""
MAX_PATH_LENGTH = 1024
"""Characters in one path."""


class Language(StrEnum):
    """Languages the analysers tell apart."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    JAVA = "java"
    RUST = "rust"
    C = "c"
    CPP = "cpp"
    OTHER = "other"
    """Text that no language analyser reads: configuration, documentation. Secrets are still looked for in it."""


LANGUAGE_OF_SUFFIX: dict[str, Language] = {
    ".py": Language.PYTHON,
    ".pyi": Language.PYTHON,
    ".js": Language.JAVASCRIPT,
    ".jsx": Language.JAVASCRIPT,
    ".mjs": Language.JAVASCRIPT,
    ".cjs": Language.JAVASCRIPT,
    ".ts": Language.TYPESCRIPT,
    ".tsx": Language.TYPESCRIPT,
    ".mts": Language.TYPESCRIPT,
    ".cts": Language.TYPESCRIPT,
    ".java": Language.JAVA,
    ".rs": Language.RUST,
    ".c": Language.C,
    ".h": Language.CPP,
    ".cc": Language.CPP,
    ".cpp": Language.CPP,
    ".cxx": Language.CPP,
    ".hh": Language.CPP,
    ".hpp": Language.CPP,
    ".hxx": Language.CPP,
    ".ipp": Language.CPP,
}
"""`.h` is read as C++: its grammar is nearly a superset of C's, while C's rejects most C++ headers."""


def language_of(path: str) -> Language:
    """The language of a file by its suffix, case-insensitively."""
    return LANGUAGE_OF_SUFFIX.get(PurePosixPath(path).suffix.lower(), Language.OTHER)


class SkipReason(StrEnum):
    """Why a file is not part of the source."""

    TOO_LARGE = "file_too_large"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    BINARY = "binary"
    UNSUPPORTED_ENTRY = "unsupported_entry"
    """A link, device, socket, FIFO or submodule: only regular files are read."""
    UNREADABLE = "unreadable"
    UNSUPPORTED_PATH = "unsupported_path"
    LIMIT_REACHED = "limit_reached"


FilePath = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATH_LENGTH)]
"""A relative POSIX path inside the source; `path_problem` says what is wrong with one."""


class SkippedFile(Wire):
    """A file that is not part of the source, and why."""

    path: FilePath
    reason: SkipReason

    @property
    def is_code(self) -> bool:
        """Whether code may have gone unseen: a picture that is binary is no gap, a Python file that is one is.

        Links are no gap: what they lead to is reviewed where it stands, or stands outside.
        """
        if self.reason is SkipReason.UNSUPPORTED_ENTRY:
            return False
        return self.reason is SkipReason.UNREADABLE or language_of(self.path) is not Language.OTHER


class LineRange(Wire):
    """Lines `start` to `end`, both included, counted from 1."""

    start: int = Field(ge=1)
    end: int = Field(ge=1)

    def overlaps(self, other: "LineRange", slack: int = 0) -> bool:
        """Whether the two share a line, or lie at most `slack` lines apart."""
        return self.start <= other.end + slack and other.start <= self.end + slack


class SourceFile(Wire):
    """One file of a source, without its text."""

    path: FilePath
    language: Language
    sha256: str
    size: int = Field(ge=0)
    """Bytes."""
    characters: int = Field(ge=0)
    lines: int = Field(ge=0)
    changed: tuple[LineRange, ...] | None = None
    """Lines the change under review touches; None when the whole file is under review."""
    fragment: bool = False
    """Only the parts that a diff showed are known; unknown lines are empty, so parsers may fail on it."""


class Evidence(StrEnum):
    """What came with the source, or stands in it, that calls for an expert."""

    SECURITY_CONSTRUCTS = "security_constructs"
    COVERAGE = "coverage"
    PROFILE = "profile"
    PUBLIC_API_CHANGED = "public_api_changed"


class ArtifactKind(StrEnum):
    """A measurement that came with the source."""

    COVERAGE_JSON = "coverage_json"
    COBERTURA_XML = "cobertura_xml"
    LCOV = "lcov"
    PSTATS = "pstats"
    SPEEDSCOPE = "speedscope"


class SourceManifest(Wire):
    """Everything about a source but its text: what the workflow and the reports need to know."""

    source_id: str
    label: str = Field(max_length=200)
    """How the user named it: a folder or file name, never an absolute path."""
    content_hash: str
    files: tuple[SourceFile, ...]
    skipped: tuple[SkippedFile, ...] = ()
    artifacts: tuple[ArtifactKind, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether only changed lines are under review (a diff or a git range)."""
        return any(file.changed is not None for file in self.files)
