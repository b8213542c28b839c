"""What a submission and the configuration together make of a review."""

import pytest

from models.config import AnalysisConfig, OrchestratorConfig
from models.expert import ExpertName
from models.order import ReviewOrder
from models.review import ReviewMode, ReviewProfile
from models.reviewer_config import ModelsConfig, ReviewerConfig, config_hash
from models.routing import RoutingPolicy, Strategy
from models.submission import ReviewSubmission, order_of
from tests.fakes import manifest

CONFIG = ReviewerConfig(
    experts=(ExpertName.SECURITY,),
    mode=ReviewMode.BACKTRACK,
    profile=ReviewProfile.QUALITY,
    orchestrator=OrchestratorConfig(budget_micro_usd=7),
    analysis=AnalysisConfig(tools_off=("ruff",), min_confidence=0.5),
    models=ModelsConfig(
        routing=RoutingPolicy(
            strategies=(Strategy.COST,), profile=ReviewProfile.BATCH, providers=("ours",), quality_floor=0.9
        )
    ),
)


def ordered(config: ReviewerConfig = CONFIG, **asked: object) -> ReviewOrder:
    submission = ReviewSubmission.model_validate({"source_id": "5" * 32} | asked)
    return order_of(
        submission,
        manifest(),
        review_id="a" * 32,
        config=config,
        models_routed=True,
        analysis_queue="analysis",
        models_queue="models",
    )


def test_what_is_not_said_is_as_configured() -> None:
    order = ordered()
    assert order.experts == (ExpertName.SECURITY,)
    assert order.mode is ReviewMode.BACKTRACK
    assert order.budget_micro_usd == 7
    assert order.policy == CONFIG.models.routing
    assert order.analysis == CONFIG.analysis
    assert order.config == CONFIG.orchestrator
    assert order.prompt == CONFIG.models.prompt
    assert order.config_hash == config_hash(CONFIG)
    assert not order.prepared


def test_what_is_said_counts() -> None:
    order = ordered(
        experts="all", mode="parallel", budget_micro_usd=9, providers=["mine"], strategies=["latency"], profile="batch"
    )
    assert order.experts == tuple(ExpertName)
    assert order.mode is ReviewMode.PARALLEL
    assert order.budget_micro_usd == 9
    assert order.policy == RoutingPolicy(
        strategies=(Strategy.LATENCY,), profile=ReviewProfile.BATCH, providers=("mine",), quality_floor=0.9
    )


@pytest.mark.parametrize(
    ("config", "asked", "mode"),
    [
        (CONFIG, {"profile": "batch"}, ReviewMode.PIPELINE),
        (CONFIG, {"profile": "batch", "mode": "parallel"}, ReviewMode.PARALLEL),
        (ReviewerConfig(profile=ReviewProfile.QUALITY), {}, ReviewMode.BACKTRACK),
        (ReviewerConfig(), {}, ReviewMode.PARALLEL),
    ],
)
def test_a_profile_that_is_asked_for_means_its_mode(
    config: ReviewerConfig, asked: dict[str, object], mode: ReviewMode
) -> None:
    assert ordered(config, **asked).mode is mode


def test_orders_from_before_there_were_configurations_still_read() -> None:
    said = ordered(ReviewerConfig()).model_dump(mode="json")
    for name in ("analysis", "prompt", "config_hash", "prepared"):
        del said[name]
    read = ReviewOrder.model_validate(said)
    assert (read.analysis, read.config_hash, read.prepared) == (AnalysisConfig(), None, False)
