"""JSON from outside, read strictly: what a database, a log or a screen could choke on is refused."""

import json
import re
from math import isfinite
from typing import Any, NoReturn, cast


class NotJson(ValueError):
    """Not JSON, or JSON that nobody should have to store. Says no more: the text is not ours."""

    def __init__(self) -> None:
        super().__init__("not_json")


def strict_json(data: bytes | str) -> Any:
    """Parse JSON.

    Args:
        data: bytes must be UTF-8 without a byte order mark.

    Raises:
        NotJson: invalid UTF-8 or JSON, NaN or infinity, numbers too long or too large, a NUL or half a surrogate pair
            in a string, or nesting deeper than the interpreter's stack.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError):
        raise NotJson from None
    # Raw controls are refused and UTF-8 has no surrogates: only an escape can smuggle these in.
    if "\\u" in text or isinstance(data, str):
        _check_strings(value)
    return value


def _refused(_: str) -> NoReturn:
    raise NotJson


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise NotJson
    return number


def holds_unstorable(value: Any) -> bool:
    """Whether a text in what JSON became has a NUL or half a surrogate pair, which databases do not store."""
    try:
        _check_strings(value)
    except NotJson:
        return True
    return False


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _check_strings(value: Any) -> None:
    left: list[Any] = [value]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            pairs = cast(dict[str, Any], part)
            left.extend(pairs)
            left.extend(pairs.values())
        elif isinstance(part, list):
            left.extend(cast(list[Any], part))
        elif isinstance(part, str) and _UNSTORABLE.search(part):
            raise NotJson
