"""What a change of the contract breaks: payloads that are stored in histories, and clients that exist.

Allowed are new wires, new types, new fields with a default, new enum values and wider limits. A type that the API only
answers with may gain fields without a default as well.
"""

from collections.abc import Iterator
from typing import Any

UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
MISSING = object()


def breaks(locked: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """One line for each break, with what to do; empty when all of `now` takes what `locked` allows.

    Args:
        locked: by noun, as `collect.collected` makes it.
        now: the same of today's code.
    """
    return [*_wires(_all(locked, "wires"), _all(now, "wires")), *_types(_all(locked, "types"), _all(now, "types"))]


def _all(files: dict[str, Any], part: str) -> dict[str, Any]:
    return {name: value for file in files.values() for name, value in file[part].items()}


def _wires(locked: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for wire, sides in locked.items():
        if wire not in now:
            yield f"{wire}: it is gone, and processes or clients that use it are not; keep it"
            continue
        for side in sorted({*sides, *now[wire]}):
            before, after = sides.get(side, "nothing"), now[wire].get(side, "nothing")
            # What a wire gives where it gave nothing is heard by nobody yet.
            if before != after and not (before == "nothing" and side in ("result", "response")):
                yield f"{wire}: its {side} was {before} and is {after}; add a new one beside it"


def _types(locked: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name, before in locked.items():
        if name not in now:
            yield f"{name}: the type is gone or has another name; keep it under its name"
        elif "enum" in before:
            for value in before["enum"]:
                if value not in now[name].get("enum", ()):
                    yield f"{name}: the value `{value}` is gone; stored payloads have it"
        else:
            yield from _fields(name, before, now[name])


def _fields(name: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    old, new = before.get("properties", {}), after.get("properties", {})
    had, has = set(before.get("required", ())), set(after.get("required", ()))
    only_told = before["uses"] == after["uses"] == ["response"]
    for field, was in old.items():
        place = f"{name}.{field}"
        if field not in new:
            yield f"{place}: the field is gone or has another name; keep it, and add the new one beside it"
            continue
        if field in has - had and not only_told:
            yield f"{place}: the field was optional and is required; give it a default"
        if field in had & has or {field} & (had | has) == set():
            yield from _default(place, was, new[field])
        reason = _narrower(was, new[field], told="response" in after["uses"])
        if reason:
            yield f"{place}: the field {reason}; add a new one beside it"
    for field in new.keys() - old.keys():
        if field in has and not only_told:
            yield f"{name}.{field}: a new field without a default; what was stored before has none, so give it one"


def _default(place: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    before, after = was.get("default", MISSING), now.get("default", MISSING)
    if before is not MISSING and before != after:
        yield f"{place}: the default was {before!r} and is another; who left it out meant the old one"


def _narrower(was: Any, now: Any, *, told: bool) -> str | None:
    """Why what was allowed is no longer, or what is told may be something new; None when neither is so."""
    if "anyOf" in was or "anyOf" in now:
        return _unions(was, now, told=told)
    for key in sorted({*was, *now} - {"default", *UPPER, *LOWER}):
        before, after = was.get(key), now.get(key)
        if key in ("items", "additionalProperties") and isinstance(before, dict) and isinstance(after, dict):
            reason = _narrower(before, after, told=told)
            if reason:
                return reason
        elif key == "enum" and before is not None and after is not None:
            gone = [value for value in before if value not in after]
            if gone:
                return f"takes `{gone[0]}` no longer"
        elif before != after and not (key in ("pattern", "format") and after is None):
            return f"had {key} {_short(before)} and has {_short(after)}"
    return _limits(was, now)


def _limits(was: Any, now: Any) -> str | None:
    for keys, wider in ((UPPER, 1), (LOWER, -1)):
        for key in keys:
            before, after = was.get(key), now.get(key)
            if after is not None and (before is None or (after - before) * wider < 0):
                return f"had {key} {before} and has {after}"
    return None


def _unions(was: Any, now: Any, *, told: bool) -> str | None:
    before, after = was.get("anyOf", [was]), now.get("anyOf", [now])
    for each in before:
        if not any(_narrower(_bare(each), _bare(other), told=told) is None for other in after):
            return f"takes {_short(_bare(each))} no longer"
    if told:
        for each in after:
            if not any(_narrower(_bare(other), _bare(each), told=False) is None for other in before):
                return f"may be {_short(_bare(each))} now"
    return None


def _bare(schema: Any) -> Any:
    return {key: value for key, value in schema.items() if key != "default"}


def _short(value: Any) -> str:
    return str(value.get("type", value)) if isinstance(value, dict) else "nothing" if value is None else str(value)
