"""Comparisons: the API as the command line sees it."""

from models.comparison import ComparisonPage, ComparisonRequest, ComparisonView, ExportRequest
from starter.experiment_client import ExperimentClient
from starter.version_client import body, page_params, part


class ComparisonClient(ExperimentClient):
    """Calls of one service. Every method raises what `Client` raises."""

    def compare(self, request: ComparisonRequest) -> ComparisonView:
        """Note a comparison and start it."""
        return self._client.call(ComparisonView, "POST", "/comparisons", body(request))

    def comparison(self, comparison_id: str) -> ComparisonView:
        """How one goes, and what came of it."""
        return self._client.call(ComparisonView, "GET", f"/comparisons/{part(comparison_id)}")

    def comparisons(self, most: int) -> list[ComparisonView]:
        """The newest comparisons, without what came of them."""
        found: list[ComparisonView] = []
        cursor: str | None = None
        while len(found) < most:
            page = self._client.call(ComparisonPage, "GET", "/comparisons", params=page_params(cursor))
            found += page.comparisons
            cursor = page.next_cursor
            if cursor is None:
                break
        return found[:most]

    def cancel_comparison(self, comparison_id: str) -> ComparisonView:
        return self._client.call(ComparisonView, "POST", f"/comparisons/{part(comparison_id)}/cancel", b"{}")

    def export(self, comparison_id: str, request: ExportRequest) -> bytes:
        """The report as a file."""
        return self._client.fetch("POST", f"/comparisons/{part(comparison_id)}/export", body(request))
