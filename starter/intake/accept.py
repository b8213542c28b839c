"""What the service makes of an upload: everything is checked again, for a client can be anything."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from models.errors import InvalidInput
from models.evidence import evidence_of
from models.intake import AcceptedSource, SourceUpload, UploadedArtifact, UploadedFile
from models.paths import colliding, display_path, path_problem
from models.source import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_SOURCE_BYTES,
    ArtifactKind,
    LineRange,
    SkippedFile,
    SkipReason,
    SourceFile,
    SourceManifest,
    language_of,
)
from starter.intake.artifacts import artifact_kind, artifact_too_large
from starter.intake.diffs import FileDiff, parse_diff
from starter.intake.limits import MAX_ARTIFACT_BYTES, no_files, source_too_large, too_many_files

# Python, JavaScript and Java end a line (and a comment) there, parsers and git do not: left as it is, the analysers
# would count different lines, and code could hide behind a comment.
_LONE_RETURN = re.compile(r"\r(?!\n)")
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class _Text:
    sent: str
    """As it was sent, a byte order mark removed: the diff counts these lines."""
    text: str
    """With a line feed where `sent` has a carriage return alone."""
    size: int
    """Bytes in UTF-8."""
    sha256: str
    lines: int
    fragment: bool


def accept(
    upload: SourceUpload,
    *,
    source_id: str,
    max_files: int = MAX_FILES,
    max_source_bytes: int = MAX_SOURCE_BYTES,
) -> AcceptedSource:
    """Check an upload and describe it.

    Raises:
        InvalidInput: with a code, the index of the file or line meant, and never a path or content.
    """
    if len(upload.files) > max_files or len(upload.skipped) > max_files:
        raise too_many_files(max_files)
    _check_paths(upload.files)
    checked = _checked_texts(upload.files, max_source_bytes)
    skipped = _skipped(upload, checked)
    texts = {path: item for path, item in checked.items() if item.size <= MAX_FILE_BYTES}
    if not texts:
        raise no_files(skipped)
    artifacts = _checked_artifacts(upload.artifacts)
    changes = _changes(upload.diff, texts, {entry.path for entry in skipped})
    files = tuple(_source_file(path, item, changes) for path, item in texts.items())
    contents = {path: item.text for path, item in texts.items()}
    removed = {change.path: change.removed for change in (changes or {}).values()}
    manifest = SourceManifest(
        source_id=source_id,
        label=display_path(upload.label),
        content_hash=content_hash(files, skipped, artifacts),
        files=files,
        skipped=skipped,
        artifacts=tuple(artifacts),
        evidence=evidence_of(files, contents, artifacts, removed),
    )
    return AcceptedSource(manifest=manifest, texts=contents, artifacts=artifacts)


def content_hash(
    files: Sequence[SourceFile], skipped: Sequence[SkippedFile], artifacts: Mapping[ArtifactKind, bytes]
) -> str:
    """Names what is reviewed, whatever order and form it was sent in; only the label and the id are not part of it."""
    described = {
        "files": sorted(
            [file.path, file.sha256, file.fragment, _pairs(file.changed)]
            for file in files
        ),
        "skipped": sorted([entry.path, str(entry.reason)] for entry in skipped),
        "artifacts": sorted([str(kind), hashlib.sha256(content).hexdigest()] for kind, content in artifacts.items()),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(described, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def _pairs(changed: Sequence[LineRange] | None) -> list[list[int]] | None:
    return None if changed is None else [[part.start, part.end] for part in changed]


def _check_paths(files: Sequence[UploadedFile]) -> None:
    for index, file in enumerate(files):
        problem = path_problem(file.path)
        if problem:
            message = f"The path of files[{index}] {problem}. Send a path relative to the folder under review."
            raise InvalidInput("invalid_path", message, file=index)
    clashes = colliding([file.path for file in files])
    if clashes:
        message = (
            f"The path of files[{clashes[0]}] cannot stand beside that of another file: they are the same on"
            " systems that ignore case, or one is a folder of the other. Leave one of them out."
        )
        raise InvalidInput("path_collision", message, file=clashes[0])


def _checked_texts(files: Sequence[UploadedFile], max_source_bytes: int) -> dict[str, _Text]:
    """Every file's text, by path in order."""
    checked: dict[str, _Text] = {}
    total = 0
    for index, file in enumerate(files):
        sent = file.text.removeprefix(_BOM)
        text = _LONE_RETURN.sub("\n", sent)
        content = _encoded(text, f"files[{index}].text")
        total += len(content)
        if total > max_source_bytes:
            raise source_too_large(max_source_bytes)
        lines = text.count("\n") + (not text.endswith("\n") and text != "")
        checked[file.path] = _Text(sent, text, len(content), hashlib.sha256(content).hexdigest(), lines, file.fragment)
    return dict(sorted(checked.items()))


def _encoded(text: str, field: str) -> bytes:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        content = b"\0"
    if b"\0" in content:
        message = f"{field} holds a NUL character or half of a surrogate pair. Leave binary files out."
        raise InvalidInput("invalid_text", message)
    return content


def _skipped(upload: SourceUpload, checked: Mapping[str, _Text]) -> tuple[SkippedFile, ...]:
    """What the client left out and what is too large, named so that a report can show it."""
    reported = {(display_path(entry.path), entry.reason) for entry in upload.skipped}
    reported |= {(path, SkipReason.TOO_LARGE) for path, item in checked.items() if item.size > MAX_FILE_BYTES}
    return tuple(SkippedFile(path=path, reason=reason) for path, reason in sorted(reported))


def _checked_artifacts(artifacts: Sequence[UploadedArtifact]) -> dict[ArtifactKind, bytes]:
    checked: dict[ArtifactKind, bytes] = {}
    for index, artifact in enumerate(artifacts):
        if len(artifact.content) > MAX_ARTIFACT_BYTES:
            raise artifact_too_large()
        if artifact.kind in checked:
            message = f"artifacts[{index}] is the second of its kind. Send one report of each kind."
            raise InvalidInput("duplicate_artifact", message, artifact=index)
        if artifact_kind(artifact.content) is not artifact.kind:
            message = (
                f"The content of artifacts[{index}] is not of the kind it is said to be. Send the report unchanged."
            )
            raise InvalidInput("invalid_artifact", message, artifact=index)
        checked[artifact.kind] = artifact.content
    return dict(sorted(checked.items()))


def _changes(diff: str | None, texts: Mapping[str, _Text], skipped: set[str]) -> dict[str, FileDiff] | None:
    """What the diff says about each file under review; None when there is no diff."""
    if diff is None:
        return None
    _encoded(diff, "diff")
    files = [file for file in parse_diff(diff) if file.has_text]
    missing = [file for file in files if file.path not in texts and file.path not in skipped]
    if missing:
        message = (
            f"The diff changes {len(missing)} files that were not sent, the first at line {missing[0].line}."
            " Its paths must be relative to the folder under review, and the tree must be the new side."
        )
        raise InvalidInput("diff_file_missing", message, files=len(missing), line=missing[0].line)
    changes = {file.path: file for file in files if file.path in texts}
    for file in changes.values():
        _check_same(file, texts[file.path])
    if not any(_changed(file, texts[path]) for path, file in changes.items()):
        message = "The diff changes no line of the files that were sent. Send the files that it changes."
        raise InvalidInput("no_changes", message)
    return changes


def _check_same(file: FileDiff, item: _Text) -> None:
    """Lines that the diff adds must stand where it says, or findings would be kept and dropped by the wrong lines."""
    lines = item.sent.split("\n")
    for number, added in file.added.items():
        if number > len(lines) or _bare(lines[number - 1]) != _bare(added):
            message = (
                f"The file that the diff changes at line {file.line} is not the new side of the diff."
                " Apply the diff to the folder first, or review the diff alone."
            )
            raise InvalidInput("diff_mismatch", message, line=file.line)


def _bare(line: str) -> str:
    """A line without what tools add or remove unasked: a carriage return at its end, a byte order mark."""
    return line.removesuffix("\r").removeprefix(_BOM)


def _changed(file: FileDiff, item: _Text) -> tuple[LineRange, ...]:
    """The changed lines, counted as in `text`."""
    lines = item.sent.split("\n")
    ranges = file.changed(len(lines) - (lines[-1] == ""))
    if item.text == item.sent:
        return ranges
    returns = [len(_LONE_RETURN.findall(f"{line}\n")) for line in lines]
    before = [0, *accumulate(returns)]
    return tuple(
        LineRange(start=part.start + before[part.start - 1], end=min(part.end + before[part.end], item.lines))
        for part in ranges
    )


def _source_file(path: str, item: _Text, changes: Mapping[str, FileDiff] | None) -> SourceFile:
    changed = None
    if changes is not None:
        changed = _changed(changes[path], item) if path in changes else ()
    return SourceFile(
        path=path,
        language=language_of(path),
        sha256=item.sha256,
        size=item.size,
        characters=len(item.text),
        lines=item.lines,
        changed=changed,
        fragment=item.fragment,
    )
