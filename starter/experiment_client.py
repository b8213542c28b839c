"""Experiments: the API as the command line sees it."""

from collections.abc import Iterator

from models.experiment import ExperimentPage, ExperimentRequest, ExperimentView, OverrideRequest
from models.reviewer_config import ReviewerConfig
from models.version import Version
from starter.version_client import PAGES, VersionClient, body, page_params, part


class ExperimentClient(VersionClient):
    """Calls of one service. Every method raises what `Client` raises."""

    def create(self, request: ExperimentRequest) -> ExperimentView:
        """Note an experiment, and start it if the request says so."""
        return self._client.call(ExperimentView, "POST", "/experiments", body(request))

    def experiments(self, most: int) -> list[ExperimentView]:
        """The newest experiments, without what they measured."""
        found: list[ExperimentView] = []
        for page in self._pages():
            found += page.experiments
            if len(found) >= most:
                break
        return found[:most]

    def _pages(self) -> Iterator[ExperimentPage]:
        cursor: str | None = None
        for _ in range(PAGES):
            page = self._client.call(ExperimentPage, "GET", "/experiments", params=page_params(cursor))
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return

    def experiment(self, experiment_id: str) -> ExperimentView:
        """How one goes, and what came of it."""
        return self._client.call(ExperimentView, "GET", f"/experiments/{part(experiment_id)}")

    def start(self, experiment_id: str) -> ExperimentView:
        """Start one, or evaluate one that failed; one that runs goes on as it does."""
        return self._post(experiment_id, "evaluate")

    def pause(self, experiment_id: str) -> ExperimentView:
        return self._post(experiment_id, "pause")

    def resume(self, experiment_id: str) -> ExperimentView:
        return self._post(experiment_id, "resume")

    def cancel(self, experiment_id: str) -> ExperimentView:
        return self._post(experiment_id, "cancel")

    def override(self, experiment_id: str, request: OverrideRequest) -> ExperimentView:
        path = f"/experiments/{part(experiment_id)}/verdict"
        return self._client.call(ExperimentView, "POST", path, body(request))

    def stable_config(self) -> ReviewerConfig:
        """The configuration in production."""
        return self._client.call(Version, "GET", "/versions/stable").config

    def _post(self, experiment_id: str, what: str) -> ExperimentView:
        return self._client.call(ExperimentView, "POST", f"/experiments/{part(experiment_id)}/{what}", b"{}")
