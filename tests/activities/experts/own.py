"""Helpers for the tests of our own analysers."""

from dataclasses import replace
from pathlib import Path

from activities.experts.analyser import Analyser, Analysis, Sandbox
from activities.ports import SourceTree
from models.expert import ExpertFinding
from models.source import ArtifactKind, LineRange
from tests.activities.experts.plain_sandbox import PlainSandbox
from tests.activities.experts.trees import lay_out


def source(
    folder: Path,
    files: dict[str, str | bytes],
    *,
    artifacts: dict[ArtifactKind, bytes] | None = None,
    changed: dict[str, tuple[tuple[int, int], ...]] | None = None,
    label: str = "sample",
) -> SourceTree:
    """A source with reports beside it; with `changed` it is a change that touches only those lines."""
    tree = lay_out(folder / "tree", files)
    described = tree.manifest.files
    if changed is not None:
        described = tuple(
            file.model_copy(update={"changed": tuple(LineRange(start=s, end=e) for s, e in changed.get(file.path, ()))})
            for file in described
        )
    given: dict[ArtifactKind, Path] = {}
    for kind, data in (artifacts or {}).items():
        given[kind] = folder / f"report.{kind.value}"
        given[kind].write_bytes(data)
    manifest = tree.manifest.model_copy(update={"label": label, "files": described, "artifacts": tuple(given)})
    return replace(tree, manifest=manifest, artifacts=given)


async def analyse(analyser: Analyser, tree: SourceTree, sandbox: Sandbox | None = None) -> Analysis:
    """Run an analyser and check what holds for every result: each file accounted for, each quote in its place."""
    result = await analyser.run(tree, sandbox or PlainSandbox())
    wanted = set(analyser.wants(tree))
    assert result.analysed | result.failed.keys() == wanted
    assert not result.analysed & result.failed.keys()
    for finding in result.findings:
        lines = (tree.root / finding.path).read_text(encoding="utf-8", errors="replace").split("\n")
        assert finding.line_end <= len(lines)
        assert lines[finding.line_start - 1].strip()[:400] == finding.quote
    return result


def of_kind(result: Analysis, kind: str) -> list[ExpertFinding]:
    """The findings of one kind."""
    return [finding for finding in result.findings if finding.kind == kind]
