"""A reviewer configuration from a file and from `--set KEY=VALUE`."""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from models.errors import InvalidInput
from models.paths import display_path
from models.reviewer_config import ReviewerConfig

MAX_FILE_BYTES = 64 * 1024


def config_from(path: Path | None, base: ReviewerConfig, sets: Sequence[str]) -> ReviewerConfig:
    """The configuration to measure.

    Args:
        path: a file that says what is not as shipped; None: start from `base`.
        base: the configuration in production.
        sets: changes of single fields, `models.enabled=false`.

    Raises:
        InvalidInput: the file or a change is none.
    """
    said = base.model_dump(mode="json") if path is None else _read(path)
    for each in sets:
        _change(said, each)
    try:
        return ReviewerConfig.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("invalid_config", f"`{field}` of the configuration: {first['msg']}.") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidInput("invalid_config", f"A configuration has at most {MAX_FILE_BYTES} bytes.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidInput("invalid_config", f"--config {display_path(str(path))} cannot be read: {why}.") from None
    try:
        said = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        place = f"{display_path(str(path))}{_line_of(error)}"
        raise InvalidInput(
            "invalid_config", f"{place} is not {kind}; `conclave experiment config` shows one that is."
        ) from None
    if not isinstance(said, dict):
        raise InvalidInput("invalid_config", "--config must hold one object; `conclave experiment config` shows one.")
    return cast(dict[str, Any], said)


def _line_of(error: Exception) -> str:
    """`:3` where the parser tells the line."""
    if isinstance(error, json.JSONDecodeError):
        return f":{error.lineno}"
    found = re.search(r"at line (\d+)", str(error))
    return f":{found[1]}" if found else ""


def _change(said: dict[str, Any], change: str) -> None:
    """Set one field, by its path."""
    path, equals, value = change.partition("=")
    parts = path.strip().split(".")
    if not equals or not all(parts):
        raise InvalidInput("invalid_option", "--set takes KEY=VALUE, for example `models.enabled=false`.")
    place = said
    for part in parts[:-1]:
        inner: Any = place.setdefault(part, {})
        if not isinstance(inner, dict):
            raise InvalidInput("invalid_option", "--set names a field inside one that has no fields.")
        place = cast(dict[str, Any], inner)
    place[parts[-1]] = _value(value.strip())


def _value(text: str) -> Any:
    """JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
