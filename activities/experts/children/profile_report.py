"""Child program: the functions of the source that a profile spent its time in."""

import contextlib
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from activities.experts.children.definition import Definition
from activities.experts.children.definitions import definitions
from activities.experts.children.places import PathIndex
from activities.experts.children.profile_formats import Key, Timing, read_profile
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

MIN_SHARE = 0.01
"""Share of the whole profile below which a function is not told."""
MAX_FUNCTIONS = 100
_MODULE_LEVEL = frozenset({"<module>", "(anonymous)", "<top-level>", "(program)"})
_SHORT_NAME = re.compile(r"[A-Za-z_$][\w$]*")


@dataclass(slots=True)
class Mine:
    """What the profile says of one function of the source."""

    path: str
    line: int
    end_line: int
    name: str
    self_time: float = 0.0
    total_time: float = 0.0
    library_time: float = 0.0
    """Time in code outside the source that it called directly."""
    inner_time: float = 0.0
    """The largest total time of a function of the source that it called directly."""
    calls: int = 0
    outer_calls: int = 0
    keys: set[Key] = field(default_factory=set[Key])


def analyse(request: Request) -> dict[str, Any]:
    """Map every profile onto the source; a profile of which nothing can be found in the source is of another one."""
    entries = {entry.path: entry for entry in request.files}
    index, functions = PathIndex(entries), dict[str, list[Definition]]()
    texts: dict[str, list[bytes]] = {}
    told: list[dict[str, Any]] = []
    matched = 0
    for kind, artifact in sorted(request.artifacts.items()):
        timings = read_profile(kind, read_artifact(artifact))
        total = sum(timing.self_time for timing in timings.values())
        mine: dict[Key, Mine] = {}
        by_place: dict[tuple[str, int, str], Mine] = {}
        for key, timing in timings.items():
            path = index.find(key[0]) if key[0] else None
            if path is None:
                continue
            if path not in texts:
                texts[path], functions[path] = _read(request, entries[path])
            place = locate(key, texts[path], functions[path])
            if place is not None:
                mine[key] = by_place.setdefault((path, place[0], place[2]), Mine(path, *place))
                _add(mine[key], key, timing)
        matched += len(mine)
        _attribute(timings, mine)
        told += [_fact(function, total, kind) for function in by_place.values() if _share(function, total) >= MIN_SHARE]
    if not matched:
        raise InputInvalid
    told.sort(key=lambda fact: (-fact["share"], -fact["total_share"], fact["path"], fact["line"], fact["profile"]))
    return {**Ledger(list(entries)).as_answer(), "functions": told[:MAX_FUNCTIONS], "matched": matched}


def _read(request: Request, entry: SourceEntry) -> tuple[list[bytes], list[Definition]]:
    data = read_source(request.root, entry.path)
    found: list[Definition] = []
    with contextlib.suppress(Unparsable):
        found = [item for item in definitions(parse(entry.path, entry.language, data)) if item.kind == "function"]
    return data.split(b"\n"), sorted(found, key=lambda item: item.line)


def locate(key: Key, lines: list[bytes], functions: list[Definition]) -> tuple[int, int, str] | None:
    """Where a profiled function stands in a file: (line, last line, name), or None if the file has no such function.

    The line of another version of the file names another function: then the name decides, if it is there only once.
    """
    _, line, name = key
    if name in _MODULE_LEVEL:
        return None
    words = _SHORT_NAME.findall(name)
    short = words[-1] if words else ""
    starts = [item.line for item in functions]
    for item in reversed(functions[: bisect_right(starts, line)] if line else []):
        if item.line <= line <= item.end_line and item.name == short:
            return item.line, item.end_line, short
    same = [item for item in functions if item.name == short]
    if len(same) == 1:
        return same[0].line, same[0].end_line, short
    if not functions and 1 <= line <= len(lines) and short and short.encode() in lines[line - 1]:
        return line, line, short
    return None


def _add(function: Mine, key: Key, timing: Timing) -> None:
    function.self_time += timing.self_time
    function.total_time = max(function.total_time, timing.total_time)
    function.calls += timing.calls
    function.outer_calls += timing.outer_calls
    function.keys.add(key)


def _attribute(timings: dict[Key, Timing], mine: dict[Key, Mine]) -> None:
    """Share out the time of what functions of the source call: in libraries it is theirs, in the source it is not."""
    for key, timing in timings.items():
        for caller, spent in timing.callers.items():
            function = mine.get(caller)
            if function is None or mine.get(key) is function:
                continue
            if key in mine:
                function.inner_time = max(function.inner_time, spent)
            else:
                function.library_time += spent


def _share(function: Mine, total: float) -> float:
    return max(function.self_time, _own(function)) / total


def _own(function: Mine) -> float:
    """Its own time and that of the libraries it calls, which cannot be more than its total."""
    return min(function.self_time + function.library_time, max(function.total_time, function.self_time))


def _fact(function: Mine, total: float, kind: str) -> dict[str, Any]:
    return {
        "profile": kind,
        "path": function.path,
        "line": function.line,
        "end_line": function.end_line,
        "name": function.name,
        "self_share": min(function.self_time / total, 1.0),
        "share": min(_own(function) / total, 1.0),
        "total_share": min(function.total_time / total, 1.0),
        "passes_on": function.inner_time >= 0.8 * function.total_time > 0,
        "calls": function.calls,
        "outer_calls": function.outer_calls,
        "microseconds_per_call": function.self_time / function.calls * 1e6
        if function.calls and kind == "pstats"
        else None,
    }


if __name__ == "__main__":
    main(analyse)
