"""The report as one self-contained HTML page: no script, nothing loaded, readable on paper."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from activities.reports.sarif_rules import cwe_uri
from models import digest
from models.excerpt import code_lines
from models.expert import Severity
from models.review import PanelFinding, ReviewReport
from models.text import clean, clean_block

EXCERPT_WIDTH = 400
LISTED_PATHS = 100
"""Paths listed for one reason; the rest is counted."""

_BACKTICKED = re.compile(r"`([^`]+)`")


def render(report: ReviewReport) -> str:
    """The page. Everything from the report passes `_shown`, then the engine's HTML quoting."""
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            severities=[(severity, report.totals.get(severity, 0)) for severity in Severity],
            files=sum(share.files for share in report.languages),
            lines=sum(share.lines for share in report.languages),
            gaps=digest.gaps(report),
            ledger=_ledger(report),
            not_shown=digest.not_shown(report),
            models_used=digest.models_used(report),
            listed=LISTED_PATHS,
        )
    )
    # Build servers obey `##[...]` anywhere in a line of their log, and a page may be printed into one.
    return page.replace("##", "&#35;#")


def _shown(value: Any) -> Any:
    return value if isinstance(value, Markup) else clean_block(str(value), 20_000)


def _prose(text: str) -> Markup:
    """One line of prose; what stands between backticks is shown as code."""
    parts = _BACKTICKED.split(clean(text, 2000))
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def _excerpt(finding: PanelFinding) -> object:
    return code_lines(finding, EXCERPT_WIDTH)


def _ledger(report: ReviewReport) -> list[dict[str, object]]:
    summaries = {summary.expert: summary for summary in report.experts}
    return [
        {
            "row": row,
            "summary": summaries.get(row.expert),
            "entries": [
                entry
                for entry in report.coverage
                if entry.expert is row.expert and (entry.reason is not None or entry.failed_tools)
            ],
        }
        for row in digest.ledger(report)
    ]


_FILTERS: dict[str, Callable[..., object]] = {
    "words": digest.words,
    "why": digest.why,
    "title_of": digest.title,
    "percent": digest.percent,
    "counted": digest.counted,
    "place": digest.place_of,
    "experts": digest.experts_of,
    "cwe_uri": cwe_uri,
    "language": digest.LANGUAGES.__getitem__,
    "excerpt": _excerpt,
    "prose": _prose,
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("activities.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters.update(_FILTERS)
    return environment
