"""The report of a comparison on paper.

The template gets everything as data: a string that comes out of JSON is text to the typesetter, whatever it says.
"""

import json
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

from activities.reports.comparison_content import content
from models.comparison import ComparisonReport


def comparison_pdf(report: ComparisonReport) -> bytes:
    """The report as PDF with tags for screen readers; the same bytes for the same report."""
    return cast("bytes", typeset(report, "pdf"))


def typeset(report: ComparisonReport, kind: str, **options: Any) -> Any:
    """Lay out the pages as `kind`: one document, or for pictures a list of pages if there are several.

    Only fonts of the packages are used, so that no page depends on the machine it was made on.
    """
    import matplotlib
    import typst

    fonts = str(Path(cast("Any", matplotlib).get_data_path()) / "fonts" / "ttf")
    return cast("Any", typst).compile(
        _template(),
        format=kind,
        ignore_system_fonts=True,
        font_paths=[fonts],
        sys_inputs={"content": json.dumps(asdict(content(report)))},
        timestamp=int(report.generated_at.timestamp()),
        **options,
    )


@cache
def _template() -> bytes:
    return resources.files("activities.reports").joinpath("comparison.typ").read_bytes()
