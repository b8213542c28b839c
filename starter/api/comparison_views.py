"""Comparisons as the API shows them."""

from collections.abc import Sequence

from models.comparison import (
    ComparedSide,
    ComparisonProgress,
    ComparisonReport,
    ComparisonRequest,
    ComparisonStatus,
    ComparisonView,
    Side,
)
from models.ids import comparison_workflow_id
from models.tables import Comparison
from starter.api.state import ApiState


async def view_of(row: Comparison, state: ApiState) -> ComparisonView:
    """One comparison, whole."""
    (view,) = await views_of([row], state)
    report = None if row.report is None else ComparisonReport.model_validate(row.report)
    return view.model_copy(update={"report": report})


async def views_of(rows: Sequence[Comparison], state: ApiState) -> list[ComparisonView]:
    """Comparisons without their reports."""
    if not rows:
        return []
    names = await state.services.versions.experiments.dataset_names([row.dataset_id for row in rows])
    return [_view(row, names[row.dataset_id], await _progress(row, state), state) for row in rows]


async def _progress(row: Comparison, state: ApiState) -> ComparisonProgress:
    """Over all runs that were made for it."""
    runs = await state.services.versions.comparisons.runs(row.id)
    if not runs:
        return ComparisonProgress(samples=row.dataset_size, done=row.dataset_size)
    found = (await state.services.versions.experiments.progress(runs)).values()
    return ComparisonProgress(
        samples=sum(each.samples for each in found),
        done=sum(each.done for each in found),
        errors=sum(each.errors for each in found),
    )


def _view(row: Comparison, dataset: str, progress: ComparisonProgress, state: ApiState) -> ComparisonView:
    settings = state.services.settings
    ui, workflow_id = settings.temporal_ui_url, comparison_workflow_id(row.id)
    return ComparisonView(
        id=row.id,
        name=row.name,
        status=ComparisonStatus(row.status),
        versions={Side(name): ComparedSide.model_validate(side) for name, side in row.sides.items()},
        dataset_id=row.dataset_id,
        dataset=dataset,
        request=ComparisonRequest.model_validate(row.request),
        progress=progress,
        failure=row.failure,
        workflow_id=workflow_id,
        workflow_url=f"{ui.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/{workflow_id}"
        if ui
        else None,
        created_by=row.created_by,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
