"""Small builders for sources: trees on disk, uploads, diffs."""

import difflib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from models.intake import AcceptedSource, SourceUpload, UploadedFile
from starter.intake.accept import accept

SOURCE_ID = "src-0123456789abcdef0123456789abcdef"


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def an_upload(files: Mapping[str, str], diff: str | None = None) -> SourceUpload:
    # Without validation, as the service must not depend on it.
    uploaded = tuple(UploadedFile.model_construct(path=path, text=text) for path, text in files.items())
    return SourceUpload.model_construct(label="project", files=uploaded, diff=diff)


def accepted(upload: SourceUpload) -> AcceptedSource:
    return accept(upload, source_id=SOURCE_ID)


def changed_lines(source: AcceptedSource, path: str) -> list[int]:
    file = next(file for file in source.manifest.files if file.path == path)
    assert file.changed is not None
    return [number for part in file.changed for number in range(part.start, part.end + 1)]


def a_diff(path: str, old: str, new: str, context: int = 3) -> str:
    """A unified diff as `diff -u` writes it; empty when nothing differs."""
    lines = difflib.unified_diff(_ended_lines(old), _ended_lines(new), f"a/{path}", f"b/{path}", n=context)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _ended_lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends a line, as in git."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def commit_all(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "rev-parse", "HEAD").strip()
