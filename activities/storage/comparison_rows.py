"""Comparisons: rows as models, models as rows."""

from typing import Any

from activities.comparison_ports import StoredComparison
from models import tables
from models.comparison import ComparedSide, ComparisonReport, ComparisonRequest, ComparisonStatus, Side


def sides_of(row: tables.Comparison) -> dict[Side, ComparedSide]:
    """Who is compared."""
    return {Side(name): ComparedSide.model_validate(side) for name, side in row.sides.items()}


def report_of(row: tables.Comparison) -> ComparisonReport | None:
    """What came of it; None: nothing yet."""
    return None if row.report is None else ComparisonReport.model_validate(row.report)


def stored(row: tables.Comparison, dataset: tables.Dataset, attempts: int) -> StoredComparison:
    """A row as the port has it."""
    return StoredComparison(
        id=row.id,
        name=row.name,
        sides=sides_of(row),
        dataset_id=row.dataset_id,
        dataset=f"{dataset.name} v{dataset.version}",
        dataset_hash=dataset.content_hash,
        dataset_size=row.dataset_size,
        request=ComparisonRequest.model_validate(row.request),
        prices=row.prices,
        attempts=attempts,
        status=ComparisonStatus(row.status),
    )


def test_rows(report: ComparisonReport) -> list[dict[str, Any]]:
    """One row for every test."""
    return [
        {
            "id": f"{report.comparison_id}-{number}",
            "comparison_id": report.comparison_id,
            "test_name": test.test_name,
            "metric": test.metric,
            "p_value": test.p_value,
            "is_significant": test.is_significant,
            "effect_size": test.effect_size,
            "test": test.model_dump(mode="json"),
        }
        for number, test in enumerate(report.statistical_tests, 1)
    ]
