"""Import graphs, Python's by grimp, the others' from syntax trees: cycles, hubs and layering by networkx."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from activities.experts.analysers.common import CODE, PYTHON, Hit, files_of
from activities.experts.analysers.facts import (
    Answer,
    ChildAnalyser,
    Count,
    Facts,
    Line,
    Name,
    Told,
    files_by_path,
    plain_path,
)
from activities.ports import SourceTree
from models.expert import ExpertName, Place, Severity
from models.source import Language, SourceFile

MAX_RELATED = 20
"""Places besides its own that a finding may name."""
_HARMLESS_CYCLES = frozenset({Language.RUST, Language.JAVA})
"""Languages whose compilers take cycles without complaint: a matter of design only."""


class ImportFact(Facts):
    """The lines of one import."""

    path: Name
    line: Line
    end: Line


class CycleFact(ImportFact):
    """Nodes that need each other, at the import that closes the ring."""

    nodes: tuple[Name, ...]
    length: Count
    size: Count
    others: Annotated[tuple[ImportFact, ...], Field(max_length=MAX_RELATED)]
    lazy: bool


class HubFact(Facts):
    """A node that needs many and is needed by many."""

    path: Name
    fan_in: Count
    fan_out: Count


class ViolationFact(Facts):
    """An import against the layers."""

    rule: Literal["product-imports-test", "entry-point-imported"]
    path: Name
    line: Line
    target: Name


class GraphAnswer(Answer):
    """What a child says."""

    modules: Count
    imports: Count
    cycles: tuple[CycleFact, ...]
    hubs: tuple[HubFact, ...]
    violations: tuple[ViolationFact, ...]


class ImportsAnalyser(ChildAnalyser[GraphAnswer]):
    """An import graph in the hands of the dependency expert."""

    expert = ExpertName.DEPENDENCY
    answer = GraphAnswer

    def told(self, answer: GraphAnswer, tree: SourceTree) -> Told:
        """Cycles, layering, hubs."""
        metrics = {
            f"{self.name}-imports": float(answer.imports),
            f"{self.name}-cycles": float(len(answer.cycles)),
        }
        return Told(list(hits_of(answer, files_by_path(tree))), metrics)


class PythonImportsAnalyser(ImportsAnalyser):
    """The graph of all Python modules, by grimp."""

    name = "grimp"
    child = "python_imports.py"
    package = "grimp"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every Python module; stubs import nothing at run time."""
        return tuple(path for path in files_of(tree, PYTHON) if path.endswith(".py"))


class SourceImportsAnalyser(ImportsAnalyser):
    """Imports between the files of JavaScript, TypeScript, Java, Rust, C and C++: one graph per language family."""

    name = "tree-sitter-imports"
    child = "source_imports.py"
    package = "tree-sitter"

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file in those languages."""
        return files_of(tree, CODE - PYTHON)


def hits_of(answer: GraphAnswer, files: dict[str, SourceFile]) -> Iterable[Hit]:
    """The findings, cycles first."""
    for cycle in answer.cycles:
        if cycle.path in files:
            yield _cycle_hit(cycle, files)
    for fact in answer.violations:
        if fact.path in files:
            yield _violation_hit(fact)
    for hub in answer.hubs:
        if hub.path in files:
            yield Hit(
                hub.path,
                1,
                1,
                rule="hub",
                kind="hub-module",
                severity=Severity.LOW,
                confidence=0.6,
                message=f"{hub.fan_in} files depend on this one and it depends on {hub.fan_out}: a change anywhere "
                "reaches it, and from it everything.",
                recommendation="Split it along its users, or let the details depend on a small interface.",
            )


def _cycle_hit(cycle: CycleFact, files: dict[str, SourceFile]) -> Hit:
    language = files[cycle.path].language
    cut = ("...",) if cycle.length > len(cycle.nodes) else ()
    ring = " -> ".join(plain_path(node, 60) for node in (*cycle.nodes, *cut, *cycle.nodes[:1]))
    of = f" of {cycle.length}" if cut else ""
    size = f" (part of a knot of {cycle.size})" if cycle.size > cycle.length else ""
    how = " An import inside a function keeps it from failing at load time." if cycle.lazy else ""
    harmless = cycle.lazy or language in _HARMLESS_CYCLES
    places = [each for each in cycle.others if each.path in files]
    return Hit(
        cycle.path,
        cycle.line,
        cycle.end,
        rule="lazy-cycle" if cycle.lazy else "cycle",
        kind="import-cycle",
        severity=Severity.LOW if harmless else Severity.MEDIUM,
        confidence=0.7 if harmless else 0.85,
        message=f"Import cycle{of}{size}: {ring[:360]}.{how}",
        recommendation="Move what both sides need into a module that imports neither, or turn one import around by "
        "passing the dependency in.",
        related=tuple(Place(path=each.path, line_start=each.line, line_end=each.end) for each in places),
    )


def _violation_hit(fact: ViolationFact) -> Hit:
    target = plain_path(fact.target)
    test = fact.rule == "product-imports-test"
    return Hit(
        fact.path,
        fact.line,
        fact.line,
        rule=fact.rule,
        kind="layering-violation",
        severity=Severity.MEDIUM if test else Severity.LOW,
        confidence=0.8,
        message=f"Product code imports test code ({target})."
        if test
        else f"{PurePosixPath(target).name} is an entry point; importing it runs or binds the whole program.",
        recommendation="Move what is shared into the product, and let the tests import it."
        if test
        else "Move what is needed into a module of its own that the entry point imports too.",
    )
