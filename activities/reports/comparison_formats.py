"""The formats the report of a comparison comes in."""

from collections.abc import Callable
from enum import StrEnum

from activities.reports.comparison_csv import comparison_csv
from activities.reports.comparison_html import comparison_html
from activities.reports.comparison_pdf import comparison_pdf
from models.comparison import ComparisonReport


class ComparisonFormat(StrEnum):
    """One way to write a comparison down."""

    JSON = "json"
    CSV = "csv"
    PDF = "pdf"
    HTML = "html"


MEDIA_TYPES: dict[ComparisonFormat, str] = {
    ComparisonFormat.JSON: "application/json",
    ComparisonFormat.CSV: "text/csv; charset=utf-8",
    ComparisonFormat.PDF: "application/pdf",
    ComparisonFormat.HTML: "text/html; charset=utf-8",
}


def _json(report: ComparisonReport) -> str:
    return report.model_dump_json(indent=2) + "\n"


_TEXTS: dict[ComparisonFormat, Callable[[ComparisonReport], str]] = {
    ComparisonFormat.JSON: _json,
    ComparisonFormat.CSV: comparison_csv,
    ComparisonFormat.HTML: comparison_html,
}


def render_comparison(report: ComparisonReport, format: ComparisonFormat) -> bytes:
    """The report as the bytes of a file."""
    return comparison_pdf(report) if format is ComparisonFormat.PDF else _TEXTS[format](report).encode()
