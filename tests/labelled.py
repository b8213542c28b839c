"""Dataset files for tests."""

import json
from typing import Any

CODE = "import os\n\n\ndef run(command):\n    os.system(command)\n"


def label(**changes: Any) -> dict[str, Any]:
    """A label of `CODE`."""
    return {"type": "command-injection", "cwe": "CWE-78", "severity": "high", "line_start": 5, "line_end": 5} | changes


def row(name: str = "a", **changes: Any) -> dict[str, Any]:
    """A line of a dataset, before it is JSON: Python code with one label."""
    plain = {"id": name, "language": "python", "filename": "app.py", "code": CODE, "labels": [label()], "clean": False}
    return plain | changes


def clean(name: str = "a", **changes: Any) -> dict[str, Any]:
    """A line with nothing to find."""
    return row(name, labels=[], clean=True) | changes


def jsonl(*rows: dict[str, Any]) -> str:
    """A dataset file."""
    return "".join(json.dumps(each) + "\n" for each in rows)
