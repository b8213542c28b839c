"""Rules over an import graph: cycles, hubs, layering. Pure: edges in, facts out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import networkx as nx

from activities.experts.children.places import is_only_test, is_support, is_test

MAX_CYCLES = 100
MAX_SHOWN = 8
"""Nodes of a cycle that are named."""
MAX_OTHERS = 20
"""Imports of a cycle that are told besides the closing one."""
MAX_STARTS = 60
"""Nodes of a large knot from which a shortest cycle is looked for."""
HUB_MIN_DEGREE = 8
"""Fan-in and fan-out that a hub has at least."""
HUB_MIN_NODES = 20
HUB_DEVIATIONS = 3.0
"""Standard deviations above the mean that a hub's degree has at least."""
MAX_HUBS = 3
_FRONT_PAGES = frozenset({"__init__.py", "index.js", "index.ts", "index.tsx", "mod.rs", "lib.rs"})
_ENTRY_POINTS = frozenset({"__main__.py"})


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One import: which node needs which, and the line that says so."""

    source: str
    target: str
    path: str
    line: int
    lazy: bool = False
    """Runs only when a function is called, so a cycle through it does not break loading."""
    end: int = 0
    """Last line of an import over several lines; 0 for one line."""

    @property
    def last_line(self) -> int:
        return max(self.end, self.line)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A knot of nodes that need each other, shown by its shortest cycle."""

    nodes: tuple[str, ...]
    """The first `MAX_SHOWN` of the ring."""
    length: int
    """Nodes of the ring."""
    size: int
    """Nodes of the whole knot."""
    closing: Edge
    """From the ring's last node to its first."""
    others: tuple[Edge, ...]
    """The rest of the ring, those on changed lines first."""
    lazy: bool


def cycles(edges: Iterable[Edge], changed: frozenset[tuple[str, int]] = frozenset()) -> list[Cycle]:
    """One cycle per strongly connected component; first those at load time, then those that only lazy imports close.

    Args:
        edges: all imports.
        changed: lines under review in a change, as (path, line): an edge on one is preferred as the closing one.
    """
    every = sorted(set(edges))
    eager = [edge for edge in every if not edge.lazy]
    found = [_cycle(eager, knot, changed, lazy=False) for knot in _knots(eager)]
    tied = {node for cycle, knot in zip(found, _knots(eager), strict=True) if cycle for node in knot}
    found += [_cycle(every, knot, changed, lazy=True) for knot in _knots(every) if not tied & set(knot)]
    return [cycle for cycle in found if cycle is not None][:MAX_CYCLES]


def _knots(edges: Sequence[Edge]) -> list[list[str]]:
    graph = _graph(edges)
    knots = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    return sorted(knots, key=lambda knot: (-len(knot), knot))


def _graph(edges: Iterable[Edge]) -> "nx.DiGraph[str]":
    graph: nx.DiGraph[str] = nx.DiGraph()
    for edge in edges:
        if edge.source != edge.target:
            graph.add_edge(edge.source, edge.target)
    return graph


def _cycle(edges: Sequence[Edge], knot: list[str], changed: frozenset[tuple[str, int]], *, lazy: bool) -> Cycle | None:
    members = set(knot)
    inside = [edge for edge in edges if edge.source in members and edge.target in members]
    first: dict[tuple[str, str], Edge] = {}
    for edge in inside:  # of several lines for one import, a changed one, else the first
        known = first.get((edge.source, edge.target))
        if known is None or _rank(edge, changed) < _rank(known, changed):
            first[edge.source, edge.target] = edge
    graph = _graph(inside)
    touched = [edge for edge in first.values() if _touched(edge, changed)]
    ends = {edge.target: [edge.source] for edge in touched[:MAX_STARTS]} or {
        start: sorted(graph.predecessors(start)) for start in knot[:MAX_STARTS]
    }
    best: list[str] | None = None
    for start, before in sorted(ends.items()):
        paths: dict[str, list[str]] = nx.single_source_shortest_path(graph, start)
        for path in (paths[end] for end in before):
            if best is None or (len(path), path) < (len(best), best):
                best = path
    if best is None:
        return None
    others = sorted((first[pair] for pair in pairwise(best)), key=lambda edge: _rank(edge, changed))
    closing = first[best[-1], best[0]]
    return Cycle(tuple(best[:MAX_SHOWN]), len(best), len(knot), closing, tuple(others[:MAX_OTHERS]), lazy)


def _rank(edge: Edge, changed: frozenset[tuple[str, int]]) -> tuple[bool, bool, str, int]:
    return (not _touched(edge, changed), edge.lazy, edge.path, edge.line)


def _touched(edge: Edge, changed: frozenset[tuple[str, int]]) -> bool:
    return any((edge.path, line) in changed for line in range(edge.line, edge.last_line + 1))


def hubs(edges: Iterable[Edge]) -> list[tuple[str, int, int]]:
    """Nodes that both need and are needed by far more others than is usual here: (node, fan-in, fan-out).

    A library that all use (fan-in only) is no hub, nor is a package's front page, whose task it is.
    """
    graph = _graph(edge for edge in edges if not is_test(edge.path))
    if len(graph) < HUB_MIN_NODES:
        return []
    degrees = {node: graph.in_degree(node) + graph.out_degree(node) for node in graph}
    mean = sum(degrees.values()) / len(degrees)
    deviation = (sum((degree - mean) ** 2 for degree in degrees.values()) / len(degrees)) ** 0.5
    found = [
        (node, graph.in_degree(node), graph.out_degree(node))
        for node, degree in degrees.items()
        if PurePosixPath(node).name not in _FRONT_PAGES
        and min(graph.in_degree(node), graph.out_degree(node)) >= HUB_MIN_DEGREE
        and degree > mean + HUB_DEVIATIONS * deviation
    ]
    return sorted(found, key=lambda hub: (-hub[1] - hub[2], hub[0]))[:MAX_HUBS]


def layering(edges: Iterable[Edge]) -> list[tuple[str, Edge]]:
    """Imports against the two layers every project has: products do not need tests, nothing needs an entry point.

    One per target, at the first import of it.
    """
    found: dict[tuple[str, str], Edge] = {}
    for edge in sorted(set(edges)):
        if is_test(edge.source) or is_support(edge.source) or edge.source == edge.target:
            continue
        if is_only_test(edge.target):
            found.setdefault(("product-imports-test", edge.target), edge)
        elif PurePosixPath(edge.target).name in _ENTRY_POINTS and not edge.lazy:
            found.setdefault(("entry-point-imported", edge.target), edge)
    return [(rule, edge) for (rule, _), edge in sorted(found.items(), key=lambda item: item[0])]


def graph_facts(
    edges: Sequence[Edge], changed: frozenset[tuple[str, int]], *, layers: Sequence[Edge] | None = None
) -> dict[str, Any]:
    """Everything the rules find, ready for an answer.

    Args:
        edges: the imports that make cycles and hubs.
        changed: see `cycles`.
        layers: the imports between files, where `edges` are between packages.
    """
    return {
        "cycles": [
            {
                "nodes": list(cycle.nodes),
                "length": cycle.length,
                "size": cycle.size,
                "path": cycle.closing.path,
                "line": cycle.closing.line,
                "end": cycle.closing.last_line,
                "others": [{"path": edge.path, "line": edge.line, "end": edge.last_line} for edge in cycle.others],
                "lazy": cycle.lazy,
            }
            for cycle in cycles(edges, changed)
        ],
        "hubs": [{"path": node, "fan_in": fan_in, "fan_out": fan_out} for node, fan_in, fan_out in hubs(edges)],
        "violations": [
            {"rule": rule, "path": edge.path, "line": edge.line, "target": edge.target}
            for rule, edge in layering(edges if layers is None else layers)
        ][:MAX_CYCLES],
    }
