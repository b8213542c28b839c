"""Child program: which lines of the source no test ran, by the coverage reports that came with it."""

from itertools import groupby
from typing import Any

from activities.experts.children.coverage_formats import Measured, read_report
from activities.experts.children.definition import Definition
from activities.experts.children.definitions import definitions
from activities.experts.children.places import PathIndex, family_of, is_support, is_test
from activities.experts.children.protocol import (
    InputInvalid,
    Ledger,
    Request,
    SourceEntry,
    main,
    read_artifact,
    read_source,
)
from activities.experts.children.syntax import Unparsable, parse

MAX_FUNCTIONS = 100


def analyse(request: Request) -> dict[str, Any]:
    """Join the reports, find the files they mean, and tell per file what did not run."""
    measured = _joined(request)
    if not measured:
        raise InputInvalid  # readable, but about another source
    ledger, files = Ledger(), list[dict[str, Any]]()
    families = {family_of(entry.language) for entry in request.files if entry.path in measured}
    unmeasured: list[str] = []
    for entry in request.files:
        if entry.path in measured:
            found = measured[entry.path]
            if max(found.hits, default=0) > entry.lines:
                ledger.failed[entry.path] = "output_invalid"  # the report is of another version of the file
                continue
            files.append(file_facts(entry, found, _functions(request, entry)))
        elif family_of(entry.language) not in families:
            ledger.failed[entry.path] = "no_input"
            continue
        elif not (is_test(entry.path) or is_support(entry.path)):
            unmeasured.append(entry.path)
        ledger.analysed.append(entry.path)
    return {**ledger.as_answer(), "files": files, "unmeasured": sorted(unmeasured)}


def _joined(request: Request) -> dict[str, Measured]:
    """What all reports together say of each file of the source: a line ran if any of them says so."""
    index = PathIndex(entry.path for entry in request.files)
    joined: dict[str, Measured] = {}
    for kind, path in sorted(request.artifacts.items()):
        report = read_report(kind, read_artifact(path))
        for reported, measured in report.files.items():
            mine = index.find(reported, report.roots)
            if mine is None:
                continue
            target = joined.setdefault(mine, Measured())
            for line, count in measured.hits.items():
                target.hit(line, count)
            for line, (taken, total) in measured.branches.items():
                target.branch(line, taken, total)
    return joined


def _functions(request: Request, entry: SourceEntry) -> list[Definition]:
    try:
        found = definitions(parse(entry.path, entry.language, read_source(request.root, entry.path)))
    except Unparsable:
        return []  # the lines are known all the same
    return [item for item in found if item.kind == "function"]


def file_facts(entry: SourceEntry, measured: Measured, functions: list[Definition]) -> dict[str, Any]:
    """What a report says of one file: shares, functions that never ran, the largest gap, changed lines that did not."""
    missing = sorted(line for line, count in measured.hits.items() if count == 0)
    dead = [item for item in functions if never_ran(item, measured)]
    public = [item for item in functions if item.public and not item.trivial and _measured_in(item, measured)]
    outside = [line for line in missing if not any(item.line <= line <= item.end_line for item in dead)]
    changed = [line for line in measured.hits if _touches(entry, line)]
    return {
        "path": entry.path,
        "lines": len(measured.hits),
        "covered": len(measured.hits) - len(missing),
        "branches": sum(total for _, total in measured.branches.values()),
        "branches_taken": sum(taken for taken, _ in measured.branches.values()),
        "public": len(public),
        "dead": [[item.name, item.line, item.end_line] for item in public if item in dead][:MAX_FUNCTIONS],
        "dead_count": sum(item in dead for item in public),
        "block": largest_block(outside, measured),
        "changed": len(changed),
        "changed_missing": _runs(sorted(line for line in changed if measured.hits[line] == 0), measured),
        "changed_partial": sum(
            taken < total for line, (taken, total) in measured.branches.items() if _touches(entry, line) and taken
        ),
    }


def never_ran(item: Definition, measured: Measured) -> bool:
    """Whether lines of a function's body are measured and none of them ran."""
    counts = _measured_in(item, measured)
    return bool(counts) and not any(counts)


def _measured_in(item: Definition, measured: Measured) -> list[int]:
    lines = range(item.body_line, item.end_line + 1)
    return [measured.hits[line] for line in lines if line in measured.hits]


def largest_block(missing: list[int], measured: Measured) -> list[int] | None:
    """The longest run of measured lines that all did not run, as [first, last, lines]."""
    return max(_runs(missing, measured), key=lambda run: (run[2], -run[0]), default=None)


def _runs(missing: list[int], measured: Measured) -> list[list[int]]:
    """Runs of missing lines with no line that ran between them, as [first, last, lines]."""
    order = {line: position for position, line in enumerate(sorted(measured.hits))}
    groups = groupby(enumerate(missing), key=lambda pair: order[pair[1]] - pair[0])
    runs = [[line for _, line in group] for _, group in groups]
    return [[run[0], run[-1], len(run)] for run in runs]


def _touches(entry: SourceEntry, line: int) -> bool:
    return any(start <= line <= end for start, end in entry.changed or ())


if __name__ == "__main__":
    main(analyse)
