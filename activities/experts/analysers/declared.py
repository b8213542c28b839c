"""Dependencies used and not declared, or declared and not used, for Python and for JavaScript and TypeScript."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Literal

from activities.experts.analysers.common import PYTHON, Hit, files_of
from activities.experts.analysers.facts import (
    Answer,
    ChildAnalyser,
    Count,
    Facts,
    Line,
    Name,
    Told,
    files_by_path,
    plain_name,
)
from activities.experts.children.manifests import is_package_manifest, project_of, projects
from activities.ports import SourceTree
from models.expert import ExpertName, Severity
from models.source import Language, SourceFile

SCRIPT = frozenset({Language.JAVASCRIPT, Language.TYPESCRIPT})
_TEXTS = {
    "undeclared": (
        "undeclared-dependency",
        Severity.MEDIUM,
        0.6,
        "`{name}` is imported{places} and no manifest declares it.",
        "Declare it, or drop the import; what another package brings along can be gone with its next release.",
    ),
    "unused": (
        "unused-dependency",
        Severity.LOW,
        0.5,
        "`{name}` is declared and nothing in the source names it.",
        "Remove it, unless it is a plugin or driver that is found at run time.",
    ),
    "misplaced": (
        "misplaced-dependency",
        Severity.LOW,
        0.6,
        "`{name}` is imported{places} by product code and declared for development only.",
        "Declare it with the product's own dependencies.",
    ),
}


class DependencyFact(Facts):
    """One dependency that is not as declared."""

    rule: Literal["undeclared", "unused", "misplaced"]
    name: Name
    path: Name
    line: Line
    places: Count


class DeclaredAnswer(Answer):
    """What a child says."""

    facts: tuple[DependencyFact, ...]


class DeclaredAnalyser(ChildAnalyser[DeclaredAnswer]):
    """Imports against manifests, in the hands of the dependency expert."""

    expert = ExpertName.DEPENDENCY
    answer = DeclaredAnswer

    def told(self, answer: DeclaredAnswer, tree: SourceTree) -> Told:
        """One finding per dependency."""
        return Told(list(hits_of(answer.facts, files_by_path(tree))))


class PythonDependenciesAnalyser(DeclaredAnalyser):
    """Imports of Python distributions against their manifests, by deptry."""

    name = "deptry"
    child = "python_dependencies.py"
    package = "deptry"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every Python module that has a manifest in a folder above it."""
        folders = projects(file.path for file in tree.manifest.files)
        return tuple(path for path in files_of(tree, PYTHON) if path.endswith(".py") and project_of(path, folders))


class NodeDependenciesAnalyser(DeclaredAnalyser):
    """Imports of npm packages against `package.json`."""

    name = "package-json"
    child = "node_dependencies.py"
    package = "tree-sitter"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every JavaScript and TypeScript file that has a `package.json` in a folder above it."""
        manifests = (file.path for file in tree.manifest.files if is_package_manifest(file.path))
        folders = {str(PurePosixPath(path).parent) for path in manifests}
        return tuple(path for path in files_of(tree, SCRIPT) if project_of(path, folders))


def hits_of(facts: Iterable[DependencyFact], files: dict[str, SourceFile]) -> Iterable[Hit]:
    """The findings, one per dependency."""
    for fact in facts:
        if fact.path not in files:
            continue
        kind, severity, confidence, message, advice = _TEXTS[fact.rule]
        places = f" in {fact.places} places" if fact.places > 1 else ""
        text = message.format(name=plain_name(fact.name), places=places)
        yield Hit(fact.path, fact.line, fact.line, fact.rule, kind, severity, confidence, text, recommendation=advice)
