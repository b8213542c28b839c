"""The numbers of a comparison as one rectangular table, for a spreadsheet or a data frame: nothing is rounded."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from models import comparison_text as say
from models.comparison import ComparisonReport, Side

COLUMNS: tuple[str, ...] = (
    "kind", "metric", "slice", "test", "v1", "v2", "change", "low", "high", "p_value", "p_adjusted", "significant",
    "effect_name", "effect_size", "statistic", "n", "method", "unit", "scale", "better", "verdict", "primary", "paired",
    "seed", "note",
)  # fmt: skip
"""Only ever added to, at the end."""
_ACTING = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""A cell of text that begins so is a formula to a spreadsheet; the wide forms are to some."""


def comparison_csv(report: ComparisonReport) -> str:
    """Metrics first, then tests, then the rest; `kind` tells them apart."""
    page = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(page, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in _rows(report))
    return page.getvalue()


def _rows(report: ComparisonReport) -> Iterable[Mapping[str, Any]]:
    for name, it in say.metrics_in_order(report):
        yield _kept({"kind": "metric", "metric": name, "slice": "all", **it.model_dump()})
    for test in report.statistical_tests:
        yield _kept(
            {
                "kind": "test",
                "slice": "all",
                **test.model_dump(),
                "test": test.test_name,
                "significant": test.is_significant,
            }
        )
    for worse in report.regressions:
        note = "exploratory" if worse.exploratory else None
        yield _kept({"kind": "regression", **worse.model_dump(), "verdict": "worse", "note": note})
    for found in report.findings:
        yield {
            "kind": "ground",
            "metric": found.metric,
            "method": found.role,
            "verdict": found.verdict,
            "note": found.reason,
        }
    yield from _sides(report)
    for kind, model in (("confusion", report.confusion), ("overlap", report.overlap), ("pairing", report.pairing)):
        for name, value in model.model_dump().items():
            yield {"kind": kind, "metric": name, "n" if type(value) is int else "change": value}
    for kind, model in (("economy", report.economy), ("power", report.power), ("margin", report.margins)):
        for name, value in model.model_dump().items():
            yield {"kind": kind, "metric": name, "change": value}
    yield from _facts(report)


def _sides(report: ComparisonReport) -> Iterable[Mapping[str, Any]]:
    """What is known of each side alone."""
    for code in sorted({code for errors in report.errors.values() for code in errors}):
        counts = {side.value: report.errors.get(side, {}).get(code, 0) for side in Side}
        yield {"kind": "error", "metric": code, "unit": "count", **counts}
    if report.consistency:
        yield {"kind": "consistency", "unit": "share", **{side.value: report.consistency.get(side) for side in Side}}
    taken = {side.value: it.model_dump() for side in Side if (it := report.resources.get(side)) is not None}
    for name in sorted({name for each in taken.values() for name in each}):
        yield {"kind": "resource", "metric": name, **{side: each.get(name) for side, each in taken.items()}}
    bins = report.latency
    for place, counts in enumerate(zip(bins.v1, bins.v2, strict=False)):
        low, high = bins.edges[place : place + 2]
        yield {"kind": "latency_bin", "unit": "count", "low": low, "high": high, "v1": counts[0], "v2": counts[1]}
    for name in ("ref", "number", "version_id", "config_hash"):
        yield {
            "kind": "side",
            "metric": name,
            **{side.value: getattr(it, name) for side in Side if (it := report.versions.get(side)) is not None},
        }


def _facts(report: ComparisonReport) -> Iterable[Mapping[str, Any]]:
    """What is known of the comparison as a whole, as notes."""
    for name in (
        "comparison_id", "dataset", "dataset_hash", "dataset_size", "repeats", "recorded", "prices_changed", "alpha",
        "recommendation", "confidence", "attempts", "seed",
    ):  # fmt: skip
        yield {"kind": "comparison", "metric": name, "note": getattr(report, name)}
    yield {"kind": "comparison", "metric": "generated_at", "note": report.generated_at.isoformat()}
    for name, version in sorted(report.libraries.items()):
        yield {"kind": "library", "metric": name, "note": version}


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in COLUMNS}


def _cell(value: object) -> object:
    """Numbers as they are; text in one line, and such that no spreadsheet computes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    text = say.shown(str(value))
    return f"'{text}" if text.startswith(_ACTING) else text
