"""Reviews are made with the stable configuration, and with none that is quarantined."""

import uuid
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from activities.experiment_ports import ConfigQuarantined
from models.config import AnalysisConfig
from models.expert import ExpertName
from models.order import ReviewOrder
from models.review import ReviewMode
from models.reviewer_config import ModelsConfig, ReviewerConfig, config_hash
from models.version import Version, VersionStatus
from starter.api.state import ApiState

CONFIG = ReviewerConfig(
    experts=(ExpertName.DOCUMENTATION,),
    mode=ReviewMode.PIPELINE,
    analysis=AnalysisConfig(tools_off=("ruff",), min_confidence=0.5),
    models=ModelsConfig(enabled=False),
)


class Stable:
    """Stands in for the store of versions."""

    def __init__(self, config: ReviewerConfig | None) -> None:
        self._config = config

    async def __call__(self) -> Version:
        if self._config is None:
            raise ConfigQuarantined
        return Version(
            id=uuid.uuid4().hex,
            number=2,
            config_hash=config_hash(self._config),
            config=self._config,
            status=VersionStatus.STABLE,
            promoted_by="somebody",
            promoted_at=datetime.now(UTC),
        )


async def submitted(api: httpx.AsyncClient, **asked: object) -> httpx.Response:
    files = [{"path": "a.py", "text": f"x = '{uuid.uuid4()}'\n"}]
    source = (await api.post("/sources", json={"label": "shop", "files": files})).json()
    return await api.post("/reviews", json={"source_id": source["source_id"]} | asked)


async def test_the_stable_configuration_decides_what_is_not_said(
    app: FastAPI, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: ApiState = app.state.conclave
    monkeypatch.setattr(state.services.versions.versions, "stable", Stable(CONFIG))
    view = (await submitted(api)).json()
    assert (view["mode"], list(view["experts"]), view["config_hash"]) == (
        "pipeline",
        ["documentation"],
        config_hash(CONFIG),
    )
    row = await state.services.reviews.get("local", view["id"])
    order = ReviewOrder.model_validate(row.review_order)
    assert (order.analysis, order.models_routed, row.background) == (CONFIG.analysis, False, False)
    asked = (await submitted(api, experts="all", mode="parallel")).json()
    assert (asked["mode"], len(asked["experts"])) == ("parallel", 7)


async def test_nothing_is_reviewed_with_a_quarantined_configuration(
    app: FastAPI, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: ApiState = app.state.conclave
    monkeypatch.setattr(state.services.versions.versions, "stable", Stable(None))
    before = (await api.get("/reviews")).json()["reviews"]
    answer = await submitted(api)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "config_quarantined")
    assert (await api.get("/reviews")).json()["reviews"] == before
