"""The report of a comparison as one self-contained HTML page: no script, nothing loaded, readable on paper."""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from activities.reports.comparison_content import content
from activities.reports.comparison_plots import COLOURS, Plot
from models.comparison import ComparisonReport

_COLOUR = re.compile("|".join(COLOURS), re.IGNORECASE)
_SIZE = re.compile(r'<svg\b[^>]*?(?P<box>viewBox="[^"]*")[^>]*>')


def comparison_html(report: ComparisonReport) -> str:
    """The page. All text passes the engine's HTML quoting; only our own plots do not."""
    page = _environment().get_template("comparison.html.j2").render(content=content(report))
    # Build servers obey `##[...]` anywhere in a line of their log, and a page may be printed into one.
    return page.replace("##", "&#35;#")


def _drawing(plot: Plot) -> Markup:
    """A plot that fits the width and takes its colours from the page, so that it can be read in the dark too."""
    name = Markup('role="img" aria-labelledby="{0}-title {0}-desc"').format(plot.key)
    words = Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(
        plot.key, plot.title, plot.alt
    )
    svg = _SIZE.sub(
        lambda found: (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {found["box"]} '
            f"{name}>{words}"
        ),
        _COLOUR.sub(lambda found: f"var(--{COLOURS[found[0].lower()]})", plot.svg or ""),
        count=1,
    )
    return Markup(svg)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("activities.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = environment.filters
    filters["drawing"] = _drawing
    return environment
