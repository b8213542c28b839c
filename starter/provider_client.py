"""Providers, keys, limits, use, health and alerts: the API as the command line sees it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from models.errors import InvalidInput
from models.key_rotation import RotationRequest, RotationView
from models.provider_requests import KeyRequest, ProviderChange, ProviderRequest, QuotaRequest, RotateRequest
from models.provider_views import HealthOverview, KeyList, KeyView, ProbeView, ProviderPage, ProviderView
from models.quota_views import AlertPage, AlertView, QuotaPage, QuotaView, UsageReport
from models.wire import Wire
from starter.client import Client

PAGES = 100
"""Pages that are read at most; a hundred of a hundred are more than anybody looks at."""


class ProviderClient:
    """Calls of one service. Every method raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def providers(self) -> Iterator[ProviderView]:
        """The whole catalogue, by name."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = self._client.call(ProviderPage, "GET", "/providers", params=_cursor(cursor))
            yield from page.providers
            cursor = page.next_cursor
            if cursor is None:
                return

    def provider(self, name: str) -> ProviderView:
        """One provider by name or id.

        Raises:
            InvalidInput: there is none of this name.
        """
        for each in self.providers():
            if name in (each.name, each.id):
                return each
        raise InvalidInput("provider_unknown", "There is no provider of this name; see `conclave provider list`.", 404)

    def add_provider(self, request: ProviderRequest) -> ProviderView:
        return self._client.call(ProviderView, "POST", "/providers", _body(request))

    def change_provider(self, provider_id: str, change: ProviderChange) -> ProviderView:
        body = change.model_dump_json(exclude_unset=True).encode()
        return self._client.call(ProviderView, "PATCH", f"/providers/{provider_id}", body)

    def disable_provider(self, provider_id: str) -> None:
        self._client.send("DELETE", f"/providers/{provider_id}")

    def test_provider(self, provider_id: str) -> ProbeView:
        return self._client.call(ProbeView, "POST", f"/providers/{provider_id}/test", b"{}")

    def keys(self) -> tuple[KeyView, ...]:
        """The caller's keys, then the platform's where the caller may see those."""
        own = self._client.call(KeyList, "GET", "/user-providers").keys
        try:
            return own + self._client.call(KeyList, "GET", "/user-providers", params={"platform": "true"}).keys
        except InvalidInput as error:
            if error.problem.code != "forbidden":
                raise
            return own

    def add_key(self, request: KeyRequest) -> KeyView:
        return self._client.call(KeyView, "POST", "/user-providers", _secret_body(request))

    def rotate_key(self, key_id: str, request: RotateRequest) -> KeyView:
        return self._client.call(KeyView, "POST", f"/user-providers/{_part(key_id)}/rotate", _secret_body(request))

    def remove_key(self, key_id: str) -> None:
        self._client.send("DELETE", f"/user-providers/{_part(key_id)}")

    def start_rotation(self, request: RotationRequest) -> RotationView:
        """Start wrapping stored keys anew, or join the run that does."""
        return self._client.call(RotationView, "POST", "/key-rotations", _body(request))

    def rotation(self) -> RotationView:
        """How the run that was started last goes."""
        return self._client.call(RotationView, "GET", "/key-rotations/latest")

    def quotas(self) -> Iterator[QuotaView]:
        """Limits and use of every user the caller may see."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = self._client.call(QuotaPage, "GET", "/quotas", params=_cursor(cursor))
            yield from page.quotas
            cursor = page.next_cursor
            if cursor is None:
                return

    def quota(self, user: str) -> QuotaView:
        """Limits and use of one user, the default limits where there are no own ones."""
        return self._client.call(QuotaPage, "GET", "/quotas", params={"user": user}).quotas[0]

    def own_quota(self) -> QuotaView:
        """The caller's limits and use."""
        return self._client.call(QuotaPage, "GET", "/quotas", params={"own": "true"}).quotas[0]

    def set_quota(self, user: str, request: QuotaRequest) -> QuotaView:
        return self._client.call(QuotaView, "PUT", f"/quotas/{_part(user)}", _body(request))

    def usage(self, by: str, since: str | None, until: str | None, user: str | None) -> UsageReport:
        given = {"by": by, "since": since, "until": until, "user": user}
        params = {name: value for name, value in given.items() if value is not None}
        return self._client.call(UsageReport, "GET", "/usage", params=params)

    def health(self) -> HealthOverview:
        return self._client.call(HealthOverview, "GET", "/health")

    def alerts(self, size: int) -> AlertPage:
        """The newest alerts."""
        return self._client.call(AlertPage, "GET", "/alerts", params={"page_size": str(size)})

    def acknowledge(self, alert_id: str) -> AlertView:
        return self._client.call(AlertView, "POST", f"/alerts/{_part(alert_id)}/acknowledge", b"{}")


def _part(text: str) -> str:
    """What a user typed as one part of a path, and no other path than that.

    Raises:
        InvalidInput: it cannot be one.
    """
    if "/" in text or not text.strip("."):
        raise InvalidInput("invalid_id", "An id or a name has no `/`, and more than dots.")
    return quote(text, safe="")


def _cursor(cursor: str | None) -> dict[str, str]:
    return {"page_size": "100"} | ({} if cursor is None else {"cursor": cursor})


def _body(request: Wire) -> bytes:
    return request.model_dump_json().encode()


def _secret_body(request: KeyRequest | RotateRequest) -> bytes:
    """The body with the key in clear: the one place where it is taken out."""
    import json

    values: dict[str, Any] = request.model_dump(mode="json") | {"key": request.key.get_secret_value()}
    return json.dumps(values).encode()
