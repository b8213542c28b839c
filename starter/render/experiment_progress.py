"""How far an experiment is, while it runs."""

from models.experiment import ExperimentView, spoken_seconds
from starter.render.bar import Bar


class ExperimentProgress(Bar):
    """A bar, or lines, about an experiment."""

    def show(self, view: ExperimentView) -> None:
        """Show a new state."""
        self.update(view.status.value, view.progress.done, view.progress.samples, _left(view))


def _left(view: ExperimentView) -> str:
    progress = view.progress
    parts = [f"{progress.errors:,} errors"] if progress.errors else []
    if progress.seconds_left is not None:
        parts.append(f"about {spoken_seconds(progress.seconds_left)} left")
    return ", ".join(parts)
