"""Small sources on disk for the tests of the experts."""

import hashlib
from pathlib import Path

from activities.ports import SourceTree
from models.source import SourceFile, SourceManifest, language_of


def lay_out(root: Path, files: dict[str, str | bytes]) -> SourceTree:
    """Write files and describe them as an accepted source would be."""
    root.mkdir(parents=True, exist_ok=True)
    described: list[SourceFile] = []
    for path, content in sorted(files.items()):
        data = content.encode() if isinstance(content, str) else content
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        text = data.decode("utf-8", errors="replace")
        described.append(
            SourceFile(
                path=path,
                language=language_of(path),
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                characters=len(text),
                lines=len(text.splitlines()),
            )
        )
    manifest = SourceManifest(source_id="s-1", label="sample", content_hash="0" * 64, files=tuple(described))
    return SourceTree(root=root, manifest=manifest, artifacts={})


def from_folder(root: Path) -> SourceTree:
    """Describe the regular files that are already in a folder."""
    files = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return lay_out(root, {name: path.read_bytes() for name, path in files.items()})
