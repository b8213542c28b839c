"""The report as canonical JSON."""

import json

from models.review import ReviewReport


def dumps(value: object) -> str:
    """JSON with sorted keys in plain ASCII, so that equal values are equal bytes on any terminal.

    `##` is written as an escape: build servers obey `##[...]` and `##vso[...]` anywhere in a line of their log.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return text.replace("##", "\\u0023#") + "\n"


def render(report: ReviewReport) -> str:
    """The whole report; `ReviewReport.model_validate_json` reads it back unchanged."""
    return dumps(report.model_dump(mode="json"))
