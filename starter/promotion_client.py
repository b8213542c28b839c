"""Promotions, versions and the blacklist: the API as the command line sees it."""

from collections.abc import Iterator

from models.experiment import ExperimentView
from models.promotion import (
    ApprovalRequest,
    Evidence,
    Promotion,
    PromotionPage,
    PromotionRequest,
    RejectionRequest,
)
from models.quarantine import BlacklistPage, Quarantine, QuarantineRequest, ReleaseRequest
from models.version import RollbackRequest, Version, VersionPage
from starter.client import Client
from starter.version_client import PAGES, body, page_params, part


class PromotionClient:
    """Calls of one service. Every method raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def promote(self, experiment_id: str, reason: str) -> Promotion:
        """Ask for an experiment's configuration to become the stable one."""
        request = PromotionRequest(reason=reason)
        return self._client.call(Promotion, "POST", f"/experiments/{part(experiment_id)}/promote", body(request))

    def promotion(self, promotion_id: str) -> Promotion:
        return self._client.call(Promotion, "GET", f"/promotions/{part(promotion_id)}")

    def promotions(self) -> Iterator[Promotion]:
        """Every promotion, newest first."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = self._client.call(PromotionPage, "GET", "/promotions", params=page_params(cursor))
            yield from page.promotions
            cursor = page.next_cursor
            if cursor is None:
                return

    def measured(self, experiment_id: str) -> ExperimentView:
        """The experiment that a promotion rests on, with its evaluation."""
        return self._client.call(ExperimentView, "GET", f"/experiments/{part(experiment_id)}")

    def approve(self, promotion_id: str, evidence: Evidence, reason: str | None) -> Promotion:
        """Approve what was seen, and nothing else."""
        request = ApprovalRequest(evidence=evidence, reason=reason)
        return self._client.call(Promotion, "POST", f"/promotions/{part(promotion_id)}/approve", body(request))

    def reject(self, promotion_id: str, reason: str) -> Promotion:
        request = RejectionRequest(reason=reason)
        return self._client.call(Promotion, "POST", f"/promotions/{part(promotion_id)}/reject", body(request))

    def withdraw(self, promotion_id: str) -> Promotion:
        return self._client.call(Promotion, "POST", f"/promotions/{part(promotion_id)}/withdraw")

    def versions(self) -> Iterator[Version]:
        """Every version, newest first."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = self._client.call(VersionPage, "GET", "/versions", params=page_params(cursor))
            yield from page.versions
            cursor = page.next_cursor
            if cursor is None:
                return

    def version(self, name: str) -> Version:
        """One version by its id or number; `stable` is the one in production."""
        return self._client.call(Version, "GET", f"/versions/{part(name)}")

    def roll_back(self, reason: str, from_version_id: str) -> Version:
        """Go back to the version before the one that is seen as stable."""
        request = RollbackRequest(reason=reason, from_version_id=from_version_id)
        return self._client.call(Version, "POST", "/versions/rollback", body(request))

    def quarantine(self, experiment_id: str, reason: str) -> Quarantine:
        request = QuarantineRequest(reason=reason)
        return self._client.call(Quarantine, "POST", f"/experiments/{part(experiment_id)}/quarantine", body(request))

    def blacklist(self) -> Iterator[Quarantine]:
        """Every row of the blacklist, newest first."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = self._client.call(BlacklistPage, "GET", "/blacklist", params=page_params(cursor))
            yield from page.blacklist
            cursor = page.next_cursor
            if cursor is None:
                return

    def release(self, config_hash: str, reason: str) -> Quarantine:
        request = ReleaseRequest(reason=reason)
        return self._client.call(Quarantine, "POST", f"/blacklist/{part(config_hash)}/release", body(request))
