"""Coverage reports as they are written: coverage.py's JSON, Cobertura XML, lcov. Pure: bytes in, measured lines out."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from activities.experts.children.protocol import InputInvalid

MAX_LINE = 10_000_000


@dataclass(slots=True)
class Measured:
    """What a report says of one file."""

    hits: dict[int, int] = field(default_factory=dict[int, int])
    """Line to how often it ran."""
    branches: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """Line to (branches taken, branches there are)."""

    def hit(self, line: int, count: int) -> None:
        """Add a line; of several statements for one line the most often run one counts."""
        if 1 <= line <= MAX_LINE:
            self.hits[line] = max(count, self.hits.get(line, 0))

    def branch(self, line: int, taken: int, total: int) -> None:
        """Add the branches of a line."""
        if 1 <= line <= MAX_LINE and 0 <= taken <= total:
            self.branches[line] = max((taken, total), self.branches.get(line, (0, 0)))


@dataclass(slots=True)
class Report:
    """What a report says of all files."""

    files: dict[str, Measured] = field(default_factory=dict[str, Measured])
    roots: tuple[str, ...] = ()
    """Folders the paths may be relative to."""

    def file(self, path: str) -> Measured:
        """The entry of a file, made if there is none."""
        return self.files.setdefault(path, Measured())


def read_report(kind: str, data: bytes) -> Report:
    """Read a report.

    Raises:
        InputInvalid: it is not a report of that kind, or says nothing of any file.
    """
    reader = {"coverage_json": _json, "cobertura_xml": _cobertura, "lcov": _lcov}[kind]
    try:
        report = reader(data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, LookupError) as error:
        raise InputInvalid from error
    if not any(measured.hits for measured in report.files.values()):
        raise InputInvalid
    return report


def _json(data: bytes) -> Report:
    root = json.loads(data)
    report = Report()
    for path, entry in cast("dict[str, dict[str, Any]]", root["files"]).items():
        measured = report.file(path)
        for line in cast("list[int]", entry["executed_lines"]):
            measured.hit(int(line), 1)
        for line in cast("list[int]", entry["missing_lines"]):
            measured.hit(int(line), 0)
        taken, total = defaultdict[int, int](int), defaultdict[int, int](int)
        for key, step in (("executed_branches", 1), ("missing_branches", 0)):
            for source, _target in cast("list[list[int]]", entry.get(key) or []):
                taken[int(source)] += step
                total[int(source)] += 1
        for line, count in total.items():
            measured.branch(line, taken[line], count)
    return report


def _lcov(data: bytes) -> Report:
    report = Report()
    measured: Measured | None = None
    branches: dict[int, list[bool]] = defaultdict(list)
    for raw in data.decode("utf-8").splitlines():
        key, _, value = raw.strip().partition(":")
        if key == "SF":
            measured, branches = report.file(value), defaultdict(list)
        elif key == "DA" and measured is not None:
            line, count = value.split(",")[:2]
            measured.hit(int(line), max(int(float(count)), 0))
        elif key == "BRDA" and measured is not None:
            line, *_, taken = value.split(",")
            branches[int(line)].append(taken not in ("-", "0"))
        elif key == "end_of_record" and measured is not None:
            for line, taken in branches.items():
                measured.branch(line, sum(taken), len(taken))
            measured = None
    return report


def _cobertura(data: bytes) -> Report:
    """Read as a stream: a report of a large project is not held as a tree; declared entities are refused."""
    report, roots, measured = Report(), list[str](), None
    named_coverage = False
    try:
        for event, element in _events(data):
            tag = element.tag.rpartition("}")[2]
            if event == "start":
                named_coverage = named_coverage or tag == "coverage"
                measured = report.file(element.get("filename", "")) if tag == "class" else measured
            elif tag == "source" and element.text:
                roots.append(element.text.strip())
            elif tag == "line" and measured is not None:
                _cobertura_line(measured, element)
            if event == "end":
                element.clear()
    except (ParseError, DefusedXmlException) as error:
        raise InputInvalid from error
    if not named_coverage:
        raise InputInvalid
    report.roots = tuple(roots[:50])
    return report


def _events(data: bytes) -> Iterable[tuple[str, Any]]:
    return cast("Iterable[tuple[str, Any]]", iterparse(BytesIO(data), events=("start", "end")))


def _cobertura_line(measured: Measured, element: Any) -> None:
    line = int(element.get("number"))
    measured.hit(line, max(int(float(element.get("hits"))), 0))
    condition = element.get("condition-coverage") or ""
    if element.get("branch") == "true" and "(" in condition:
        taken, _, total = condition.partition("(")[2].partition(")")[0].partition("/")
        measured.branch(line, int(taken), int(total))
