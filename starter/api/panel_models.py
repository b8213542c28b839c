"""Whether models take part in a review, and whether there is money for it: asked when it is submitted."""

from datetime import UTC, datetime

from models.digest import usd
from models.errors import InvalidInput
from models.measuring import of_refusal
from models.metrics import Stage
from models.quota import seconds_until_reset
from models.reviewer_config import ModelsConfig
from models.submission import ReviewSubmission
from starter.provider_services import ProviderServices


def asks_models(submission: ReviewSubmission, config: ModelsConfig) -> bool:
    """Whether models are wanted: a submission may do without, and so may the configuration."""
    return submission.use_models and config.enabled


async def models_routed(
    submission: ReviewSubmission, owner: str, providers: ProviderServices, config: ModelsConfig
) -> bool:
    """Whether models are wanted and anybody can be asked.

    Raises:
        InvalidInput: the submission names providers, and one is unknown or this user cannot use it.
    """
    if not asks_models(submission, config):
        return False
    usable = {provider.name for provider, _ in await providers.router.usable(owner)}
    if not submission.providers:
        named = config.routing.providers
        return bool(usable.intersection(named) if named else usable)
    missing = [name for name in submission.providers if name not in usable]
    if missing:
        raise InvalidInput(
            "provider_not_usable",
            "`providers` names one that does not exist, is switched off, or needs a key that you have not added "
            "(`conclave provider list`, `conclave key add`).",
            position=submission.providers.index(missing[0]),
        )
    return True


async def check_quota(
    submission: ReviewSubmission, owner: str, providers: ProviderServices, config: ModelsConfig
) -> None:
    """Refuse a budget that the quota cannot pay, unless the review may wait.

    Raises:
        InvalidInput: `quota_exceeded`, with when to try again.
    """
    budget = submission.budget_micro_usd
    if budget is None or submission.wait_for_quota or not asks_models(submission, config):
        return
    state = await providers.quota.state(owner)
    room = state.headroom_micro_usd
    if room is None or budget <= room:
        return
    providers.meters.note([of_refusal(Stage.SUBMISSION)])
    wait = seconds_until_reset(state, datetime.now(UTC), budget)
    way_out = "never: it is above the limit itself" if wait is None else f"in {wait:,.0f} seconds"
    raise InvalidInput(
        "quota_exceeded",
        f"`budget_micro_usd` is more than the {usd(room)} that your quota has left. It fits again {way_out}; lower the "
        "budget, have the quota raised, or submit with `wait_for_quota`.",
        429,
        left_micro_usd=room,
        **({} if wait is None else {"retry_after_seconds": round(wait)}),
    )
