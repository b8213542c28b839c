"""Experiments as the API shows them."""

from collections.abc import Sequence

from models.experiment import Bar, ExperimentStatus, ExperimentView, Progress
from models.ids import experiment_workflow_id
from models.reviewer_config import ReviewerConfig
from models.tables import Experiment
from starter.api.state import ApiState


async def view_of(row: Experiment, state: ApiState) -> ExperimentView:
    """One experiment, whole."""
    (view,) = await views_of([row], state)
    store = state.services.versions.experiments
    left = await _seconds_left(row, view.progress, state)
    whole = {
        "evaluation": await store.evaluation(row.id),
        "promotion_id": await store.promotion_of(row.id),
        "progress": view.progress.model_copy(update={"seconds_left": left}),
    }
    return view.model_copy(update=whole)


async def views_of(rows: Sequence[Experiment], state: ApiState) -> list[ExperimentView]:
    """Experiments, without what was measured."""
    if not rows:
        return []
    store = state.services.versions.experiments
    alike = await store.alike([row.config_hash for row in rows])
    progress = await store.progress(rows)
    names = await store.dataset_names([row.dataset_id for row in rows])
    return [_view(row, progress[row.id], alike.get(row.config_hash, ()), names[row.dataset_id], state) for row in rows]


def _view(row: Experiment, progress: Progress, like: tuple[str, ...], dataset: str, state: ApiState) -> ExperimentView:
    settings = state.services.settings
    ui, workflow_id = settings.temporal_ui_url, experiment_workflow_id(row.id)
    is_paused = row.status == ExperimentStatus.PAUSED.value
    return ExperimentView(
        id=row.id,
        name=row.name,
        status=ExperimentStatus(row.status),
        config=ReviewerConfig.model_validate(row.config),
        config_hash=row.config_hash,
        like=like,
        dataset_id=row.dataset_id,
        dataset=dataset,
        bar=None if row.bar is None else Bar.model_validate(row.bar),
        progress=progress.model_copy(update={"paused": is_paused}),
        failure=row.failure,
        workflow_id=workflow_id,
        workflow_url=f"{ui.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/{workflow_id}"
        if ui
        else None,
        created_by=row.created_by,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


async def _seconds_left(row: Experiment, progress: Progress, state: ApiState) -> float | None:
    """At the pace of the latest samples; None where nobody knows."""
    if row.status != ExperimentStatus.RUNNING.value:
        return None
    pace = await state.services.versions.experiments.seconds_each(row.id)
    return None if pace is None else round(pace * (progress.samples - progress.done), 1)
