"""Labelled samples: read from JSONL and laid out as one tree of plain files."""

import hashlib
import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from activities.ports import SourceTree
from models.dataset import Label, Scope
from models.source import SourceFile, SourceManifest, language_of


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled unit of code; only `language`, the file name and `code` may be shown to a reviewer."""

    id: str
    dataset: str
    language: str
    filename: str
    code: str
    labels: tuple[Label, ...]
    scope: Scope

    @property
    def checked_for(self) -> str:
        """The scope in one word."""
        return ",".join(self.scope.cwes or self.scope.rules)

    @property
    def folder(self) -> str:
        """The folder of this sample in the tree; it tells nothing about the verdict."""
        return "s" + self.id.rsplit("-", 2)[-2] + self.id.rsplit("-", 1)[-1]

    @property
    def path(self) -> str:
        """The sample's path in the tree."""
        return f"{self.folder}/{PurePosixPath(self.filename).name}"


def _sample(row: dict[str, Any], dataset: str) -> Sample:
    return Sample(
        id=row["id"],
        dataset=dataset,
        language=row["language"],
        filename=row["filename"],
        code=row["code"],
        labels=tuple(map(Label.model_validate, row["labels"])),
        scope=Scope.model_validate(row.get("scope") or {}),
    )


def read_samples(files: Iterable[Path]) -> list[Sample]:
    """All samples of some JSONL files, in file order."""
    return [
        _sample(json.loads(line), file.stem)
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def _text(sample: Sample) -> str:
    """The code; a method that was cut out of its class is moved to the margin, where it parses and keeps its lines."""
    return textwrap.dedent(sample.code) if sample.language == "python" and sample.code[:1] in " \t" else sample.code


def _lay_out(sample: Sample, root: Path) -> SourceFile:
    text = _text(sample)
    target = root / sample.path
    if target.exists():
        raise ValueError(f"two samples share the folder {sample.folder}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode())
    return SourceFile(
        path=sample.path,
        language=language_of(sample.path),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        size=len(text.encode()),
        characters=len(text),
        lines=text.count("\n") + (not text.endswith("\n")),
    )


def lay_out(samples: Iterable[Sample], root: Path) -> SourceTree:
    """Write each sample into a folder of its own.

    Analysers start once over the whole tree: a run per sample would cost seconds each.
    """
    files = tuple(sorted((_lay_out(sample, root) for sample in samples), key=lambda it: it.path))
    manifest = SourceManifest(source_id="scoring", label="samples", content_hash="0" * 64, files=files)
    return SourceTree(root=root, manifest=manifest, artifacts={})
