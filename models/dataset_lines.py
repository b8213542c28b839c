"""Reading a dataset file: every line is a sample, or everything that is wrong is told with its line."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import rfc8785
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from models.dataset import BOM, MAX_SAMPLES, MAX_TYPES, LineProblem, SampleLine
from models.dataset_samples import group_of
from models.errors import InvalidInput
from models.strict_json import NotJson, strict_json

MOST_SHOWN = 20
"""Problems that are told; the rest is counted."""

_PLAIN_NAME = re.compile(r"[A-Za-z_]{1,30}")
_TOLD: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a field here",
    "json_invalid": "is nested too deeply",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "string_pattern_mismatch": "does not match {pattern}",
    "too_long": "has more than {max_length} entries",
    "greater_than_equal": "is less than {ge}",
    "enum": "is not one of {expected}",
    "string_type": "is not a string",
    "bool_type": "is not true or false",
    "int_type": "is not a whole number",
    "tuple_type": "is not a list",
    "model_type": "is not an object",
    "value_error": "{error}",
}
"""By pydantic's type of error: what to say, with limits from its context and never the value."""


class _Refused(ValueError):
    """Says what is wrong with a line as a whole."""


class _Problems:
    """What is wrong; the first are kept."""

    def __init__(self) -> None:
        self.first: list[LineProblem] = []
        self.total = 0

    def add(self, line: int, problem: str, field: str = "") -> None:
        self.total += 1
        if len(self.first) < MOST_SHOWN:
            self.first.append(LineProblem(line=line, field=field, problem=problem))

    def refusal(self) -> InvalidInput:
        told = [str(each) for each in sorted(self.first, key=lambda each: each.line)]
        rest = self.total - len(told)
        if rest:
            told.append(f"and {rest} more")
        counted = "1 problem" if self.total == 1 else f"{self.total} problems"
        message = f"The dataset has {counted}; nothing was imported. Mend the lines that are named and import it again."
        return InvalidInput("invalid_dataset", message, lines=told, problems=self.total)


def read_lines(text: str) -> tuple[SampleLine, ...]:
    """The samples of a JSONL file, in its order; blank lines are passed over.

    Raises:
        InvalidInput: `empty_dataset`, `too_many_samples`, or `invalid_dataset` with `lines`: the first problems, by
            line, field and limit, never by value.
    """
    numbered = [(at, line) for at, line in enumerate(text.removeprefix(BOM).split("\n"), 1) if line.strip(" \t\r")]
    if not numbered:
        raise InvalidInput("empty_dataset", "The dataset has no line; it takes one JSON object a line, one per sample.")
    if len(numbered) > MAX_SAMPLES:
        message = f"A dataset has at most {MAX_SAMPLES} samples; split it in several."
        raise InvalidInput("too_many_samples", message, 413, limit=MAX_SAMPLES)
    problems = _Problems()
    read = [(at, sample) for at, line in numbered if (sample := _sample(at, line, problems)) is not None]
    _check_together(read, problems)
    if problems.total:
        raise problems.refusal()
    return tuple(sample for _, sample in read)


def _sample(at: int, line: str, problems: _Problems) -> SampleLine | None:
    try:
        _check_json(line)
        sample = SampleLine.model_validate_json(line, strict=True)
        rfc8785.dumps(sample.model_dump(mode="json"))
    except _Refused as error:
        problems.add(at, str(error))
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            problems.add(at, _told(each), _field(each["loc"]))
    except (rfc8785.CanonicalizationError, RecursionError):
        problems.add(at, "has a number beyond 2^53, or is nested too deeply")
    else:
        return sample
    return None


def _check_json(line: str) -> None:
    try:
        value = json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _Refused(f"is not JSON from column {error.colno}") from None
    except RecursionError:
        raise _Refused("is nested too deeply") from None
    except _Refused:
        raise
    except ValueError:  # the interpreter's limit
        raise _Refused("has a number with too many digits") from None
    if not isinstance(value, dict):
        raise _Refused("is not a JSON object")
    try:
        strict_json(line)
    except NotJson:
        raise _Refused("has a NUL character, half of a surrogate pair, or a number that is too large") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("has one key twice in an object")
    return value


def _no_constant(_name: str) -> NoReturn:
    raise _Refused("has NaN or Infinity, which are not JSON")


def _told(error: ErrorDetails) -> str:
    told = _TOLD.get(error["type"])
    return told.format_map(error.get("ctx", {})) if told else f"is not valid ({error['type'].replace('_', ' ')})"


def _field(place: Sequence[int | str]) -> str:
    """The path of a field; names that are not plain words are the sender's own and not repeated."""
    return ".".join(str(part) if isinstance(part, int) or _PLAIN_NAME.fullmatch(part) else "?" for part in place)


def _check_together(read: Iterable[tuple[int, SampleLine]], problems: _Problems) -> None:
    """What one line cannot tell: ids that come twice, groups in two splits, too many types."""
    lines_of_ids: dict[str, int] = {}
    stated: dict[str, tuple[int, SampleLine]] = {}
    types: set[str] = set()
    for at, sample in read:
        first = lines_of_ids.setdefault(sample.id, at)
        if first != at:
            problems.add(at, f"is the same as in line {first}", "id")
        if sample.split is not None:
            first, other = stated.setdefault(group_of(sample), (at, sample))
            if other.split is not sample.split:
                problems.add(at, f"is another than that of the same `group` in line {first}", "split")
        types.update(label.type for label in sample.labels)
        if len(types) > MAX_TYPES:
            problems.add(at, f"the dataset has more than {MAX_TYPES} types up to here", "labels")
            return
