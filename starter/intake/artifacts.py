"""Coverage reports and profiles: told apart by their content, never opened further than that."""

import base64
import re
from pathlib import Path

from models.errors import InvalidInput
from models.intake import UploadedArtifact
from models.source import ArtifactKind, SkipReason
from starter.intake.entries import read_regular
from starter.intake.limits import MAX_ARTIFACT_BYTES

COVERAGE_KINDS = frozenset({ArtifactKind.COVERAGE_JSON, ArtifactKind.COBERTURA_XML, ArtifactKind.LCOV})
PROFILE_KINDS = frozenset({ArtifactKind.PSTATS, ArtifactKind.SPEEDSCOPE})

_HEAD = 64 * 1024
_COBERTURA_ROOT = re.compile(rb"<coverage\s[^<>]*\bline-rate\s*=")
_LCOV_START = re.compile(rb"\s*(?:TN:|SF:)")
# A marshalled dictionary (type code with or without the reference flag) whose first key is a tuple of three: the shape
# of every profile. It is recognised, not loaded: loading marshalled data from outside can crash the interpreter.
_PSTATS_START = re.compile(rb"[\x7b\xfb](?:[\x29\xa9]\x03|0\Z)", re.DOTALL)


def artifact_kind(content: bytes) -> ArtifactKind | None:
    """What a coverage report or profile is, by its content; None when it is neither."""
    head = content[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if _PSTATS_START.match(content):
        return ArtifactKind.PSTATS
    if head.startswith(b"{"):
        return _json_kind(content)
    if head.startswith(b"<") and _COBERTURA_ROOT.search(head):
        return ArtifactKind.COBERTURA_XML
    if _LCOV_START.match(head) and b"end_of_record" in content:
        return ArtifactKind.LCOV
    return None


def _json_kind(content: bytes) -> ArtifactKind | None:
    if b'"meta"' in content and b'"files"' in content and b'"executed_lines"' in content:
        return ArtifactKind.COVERAGE_JSON
    if b'"shared"' in content and b'"frames"' in content and b'"profiles"' in content:
        return ArtifactKind.SPEEDSCOPE
    return None


def read_artifact(path: Path, option: str, kinds: frozenset[ArtifactKind]) -> UploadedArtifact:
    """Read the file that an option names and check that it is one of the kinds the option takes."""
    content = read_regular(path, MAX_ARTIFACT_BYTES)
    noun = option.split("-")[0]
    if content is SkipReason.TOO_LARGE:
        raise artifact_too_large()
    if isinstance(content, SkipReason):
        message = f"The file of --{option} cannot be read. Name an existing, readable regular file."
        raise InvalidInput(f"{noun}_unreadable", message)
    kind = artifact_kind(content)
    if kind is None or kind not in kinds:
        accepted = sorted(kinds)
        message = f"The file of --{option} is none of the supported formats: {', '.join(accepted)}."
        raise InvalidInput(f"unsupported_{noun}", message, accepted=[str(item) for item in accepted])
    return UploadedArtifact(kind=kind, content=base64.b64encode(content))


def artifact_too_large() -> InvalidInput:
    """A coverage report or profile beyond the limit."""
    message = (
        f"A coverage report or profile holds at most {MAX_ARTIFACT_BYTES} bytes. Limit it to the code under review."
    )
    return InvalidInput("artifact_too_large", message, 413, max_bytes=MAX_ARTIFACT_BYTES)
