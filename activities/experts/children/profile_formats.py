"""Profiles as they are written: cProfile's pstats and speedscope's JSON, both as time per function."""

import json
import marshal
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, cast

from activities.experts.children.protocol import InputInvalid

MAX_FUNCTIONS = 500_000
MAX_SAMPLES = 5_000_000
Key = tuple[str, int, str]
"""File, line and name, as the profiler wrote them; no file is an empty text, no line is 0."""


@dataclass(slots=True)
class Timing:
    """Time and calls of one function."""

    self_time: float = 0.0
    total_time: float = 0.0
    """With what it calls; of a recursive function the outermost call."""
    calls: int = 0
    outer_calls: int = 0
    """Calls that did not come from the function itself."""
    callers: dict[Key, float] = field(default_factory=dict[Key, float])
    """Time spent here on behalf of each direct caller."""


def read_profile(kind: str, data: bytes) -> dict[Key, Timing]:
    """Read a profile.

    Raises:
        InputInvalid: it is not a profile of that kind, or holds no time at all.
    """
    try:
        timings = _pstats(data) if kind == "pstats" else _speedscope(data)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, EOFError, RecursionError) as error:
        raise InputInvalid from error
    total = sum(timing.self_time for timing in timings.values())
    if not 0 < total < float("inf") or any(timing.self_time < 0 for timing in timings.values()):
        raise InputInvalid
    return timings


def _pstats(data: bytes) -> dict[Key, Timing]:
    """The marshalled dictionary of `pstats`; marshal trusts its input, so only a sandboxed child may do this."""
    raw: object = marshal.loads(data)
    if not isinstance(raw, dict) or len(cast("dict[object, object]", raw)) > MAX_FUNCTIONS:
        raise InputInvalid
    timings: dict[Key, Timing] = {}
    for key, value in cast("dict[Any, Any]", raw).items():
        outer, calls, self_time, total_time, callers = value
        timing = Timing(float(self_time), float(total_time), int(calls), int(outer))
        for caller, numbers in callers.items():
            # (calls, outer calls, self time, total time) since Python 3; older files have only a count
            if isinstance(numbers, tuple):
                timing.callers[_key(caller)] = float(cast("tuple[Any, ...]", numbers)[3])
        timings[_key(key)] = timing
    return timings


def _key(raw: Any) -> Key:
    path, line, name = raw
    if not (isinstance(path, str) and isinstance(line, int) and isinstance(name, str)):
        raise InputInvalid
    return ("" if path == "~" else path), line, name


def _speedscope(data: bytes) -> dict[Key, Timing]:
    root = json.loads(data)
    frames = [
        (str(frame.get("file") or ""), int(frame.get("line") or 0), str(frame["name"]))
        for frame in cast("list[dict[str, Any]]", root["shared"]["frames"])
    ]
    timings: dict[Key, Timing] = defaultdict(Timing)
    for profile in cast("list[dict[str, Any]]", root["profiles"]):
        if profile["type"] == "sampled":
            _sampled(profile, frames, timings)
        elif profile["type"] == "evented":
            _evented(profile, frames, timings)
        else:
            raise InputInvalid
    return dict(timings)


def _sampled(profile: dict[str, Any], frames: list[Key], timings: dict[Key, Timing]) -> None:
    samples = cast("list[list[int]]", profile["samples"])
    weights = cast("list[float]", profile["weights"])
    if len(samples) != len(weights) or len(samples) > MAX_SAMPLES:
        raise InputInvalid
    for stack, weight in zip(samples, weights, strict=True):
        keys = [_frame(frames, index) for index in stack]
        if keys:
            timings[keys[-1]].self_time += weight
        for key in set(keys):
            timings[key].total_time += weight
        for caller, callee in {(caller, callee) for caller, callee in zip(keys, keys[1:], strict=False)}:
            callers = timings[callee].callers
            callers[caller] = callers.get(caller, 0.0) + weight


def _evented(profile: dict[str, Any], frames: list[Key], timings: dict[Key, Timing]) -> None:
    stack: list[tuple[Key, float]] = []
    active: dict[Key, int] = defaultdict(int)
    now = float(profile["startValue"])
    for event in cast("list[dict[str, Any]]", profile["events"]):
        at, key = float(event["at"]), _frame(frames, event["frame"])
        if at < now:
            raise InputInvalid
        if stack:
            timings[stack[-1][0]].self_time += at - now
        now = at
        if event["type"] == "O":
            stack.append((key, at))
            active[key] += 1
            timings[key].calls += 1
            timings[key].outer_calls += active[key] == 1
            continue
        opened, start = stack.pop()
        if opened != key or event["type"] != "C":
            raise InputInvalid
        active[key] -= 1
        if not active[key]:
            timings[key].total_time += at - start
        if stack:
            callers = timings[key].callers
            callers[stack[-1][0]] = callers.get(stack[-1][0], 0.0) + at - start


def _frame(frames: list[Key], index: Any) -> Key:
    if not isinstance(index, int) or not 0 <= index < len(frames):
        raise InputInvalid
    return frames[index]
