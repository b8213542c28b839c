"""The audit chain: the API as the command line sees it."""

from collections.abc import Iterator

from models.audit import AuditVerdict
from models.audit_views import AuditPage, CheckpointReport
from starter.client import Client


class AuditClient:
    """Calls of one service. Every method raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def page(self, size: int, action: str | None, subject: str | None, actor: str | None) -> AuditPage:
        """The newest entries."""
        given = {"page_size": str(size), "action": action, "subject": subject, "actor": actor}
        params = {name: value for name, value in given.items() if value is not None}
        return self._client.call(AuditPage, "GET", "/audit", params=params)

    def verify(self) -> AuditVerdict:
        """What the service finds when it follows its chain."""
        return self._client.call(AuditVerdict, "GET", "/audit/verify")

    def checkpoint(self) -> CheckpointReport:
        """Have the head signed now."""
        return self._client.call(CheckpointReport, "POST", "/audit/checkpoints", b"{}")

    def export(self) -> Iterator[str]:
        """Every entry as a line of JSON, from the first."""
        return self._client.lines("/audit/export")
