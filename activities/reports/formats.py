"""The formats a report comes in."""

from collections.abc import Callable
from typing import NamedTuple

from activities.reports import html_report, json_report, markdown_report, sarif_report
from models.review import ReviewReport


class Format(NamedTuple):
    """One way to write a report down."""

    media_type: str
    suffix: str
    """Of a file that holds it, dot included."""
    render: Callable[[ReviewReport], str]


FORMATS: dict[str, Format] = {
    "json": Format("application/json", ".json", json_report.render),
    "sarif": Format("application/sarif+json", ".sarif", sarif_report.render),
    "markdown": Format("text/markdown; charset=utf-8", ".md", markdown_report.render),
    "html": Format("text/html; charset=utf-8", ".html", html_report.render),
}
