"""What becomes of a live review when a trial runs: who is asked, who pays, and that nothing comes back to the user."""

from types import SimpleNamespace
from typing import cast

import pytest

from activities.ports import StoreUnavailable
from activities.trial_ports import RunningTrial
from models.config import AnalysisConfig
from models.order import ReviewOrder
from models.reviewer_config import ModelsConfig, ReviewerConfig, config_hash
from models.submission import ReviewSubmission
from models.trial import PAYER, candidate_review_id, chosen, repository_key
from starter.composition import Services
from starter.trials import shadow
from tests.fakes import manifest, order

LIVE = order(owner="ann")
CANDIDATE = ReviewerConfig(analysis=AnalysisConfig(min_confidence=0.5))


class Trials:
    """A running trial that keeps what it is given."""

    def __init__(self, share: int = 100, config: ReviewerConfig = CANDIDATE, error: Exception | None = None) -> None:
        self.trial = RunningTrial("7" * 32, config, share)
        self.error = error
        self.added: list[tuple[str, str, ReviewOrder]] = []

    async def running(self) -> RunningTrial | None:
        if self.error:
            raise self.error
        return self.trial

    async def add(self, trial_id: str, review_id: str, order: ReviewOrder) -> None:
        self.added.append((trial_id, review_id, order))


async def shadowed(trials: Trials, **asked: object) -> ReviewOrder | None:
    """The shadow's order, where everybody may ask the provider `shared` and nobody else is of use."""
    askers: list[str] = []

    async def usable(user: str) -> list[tuple[SimpleNamespace, None]]:
        askers.append(user)
        return [(SimpleNamespace(name="shared"), None)]

    services = SimpleNamespace(
        versions=SimpleNamespace(trials=trials),
        providers=SimpleNamespace(router=SimpleNamespace(usable=usable)),
        settings=SimpleNamespace(task_queue="test"),
    )
    submission = ReviewSubmission.model_validate({"source_id": "5" * 32} | asked)
    await shadow(cast(Services, services), LIVE, submission, manifest())
    assert set(askers) <= {PAYER}
    return trials.added[0][2] if trials.added else None


async def test_the_candidate_does_what_was_asked_and_the_trial_pays() -> None:
    trials = Trials()
    made = await shadowed(trials, experts=["security", "test"], budget_micro_usd=7, wait_for_quota=True)
    assert made is not None and trials.added[0][:2] == ("7" * 32, LIVE.review_id)
    assert made.review_id == candidate_review_id("7" * 32, LIVE.review_id) != LIVE.review_id
    assert (made.owner, made.config_hash, made.analysis) == (PAYER, config_hash(CANDIDATE), CANDIDATE.analysis)
    assert (made.experts, made.budget_micro_usd, made.models_routed) == (("security", "test"), 7, True)
    assert not made.wait_for_quota


@pytest.mark.parametrize(
    ("asked", "config", "providers", "routed"),
    [
        ({"providers": ["mine"]}, CANDIDATE, (), False),
        ({"providers": ["mine", "shared"]}, CANDIDATE, ("shared",), True),
        ({"use_models": False}, CANDIDATE, (), False),
        ({}, ReviewerConfig(models=ModelsConfig(enabled=False)), (), False),
    ],
)
async def test_code_goes_to_nobody_whom_the_user_left_out(
    asked: dict[str, object], config: ReviewerConfig, providers: tuple[str, ...], routed: bool
) -> None:
    made = await shadowed(Trials(config=config), **asked)
    assert made is not None and (made.policy.providers, made.models_routed) == (providers, routed)


async def test_a_repository_that_is_not_covered_has_none() -> None:
    share = next(n for n in range(1, 101) if chosen(repository_key("ann", LIVE.label), "7" * 32, n))
    assert 1 < share < 100, "choose another id of the trial: this one tells nothing"
    assert await shadowed(Trials(share - 1)) is None
    assert await shadowed(Trials(share)) is not None


@pytest.mark.parametrize("error", [StoreUnavailable(), ValueError("whatever")])
async def test_whatever_goes_wrong_the_live_review_does_not_hear_of_it(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert await shadowed(Trials(error=error)) is None
    assert "shadow_left_out" in caplog.text and "whatever" not in caplog.text
