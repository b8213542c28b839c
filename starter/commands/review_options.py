"""The options of `conclave review`, and the review that they ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from models.errors import InvalidInput
from models.expert import ExpertName
from models.review import ReviewMode, ReviewProfile
from models.routing import Strategy
from models.submission import MAX_BUDGET_MICRO_USD, ReviewSubmission
from starter.client import Unreachable
from starter.commands.choices import choice, choices, listed


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """The command line as it was given."""

    path: Path | None = None
    follow: str | None = None
    """Id of a review that was begun before; then there is no path."""
    diff: Path | None = None
    base: str | None = None
    exclude: tuple[str, ...] = ()
    mode: str | None = None
    experts: str | None = None
    profile: str | None = None
    budget: float | None = None
    provider: str | None = None
    strategy: str | None = None
    models: bool = True
    wait_for_quota: bool = False
    fail_on: str = "low"
    format: str = "table"
    output: Path | None = None
    coverage: Path | None = None
    profile_data: Path | None = None


def wishes(options: ReviewOptions) -> Callable[[str], ReviewSubmission]:
    """Check the options; returns what to submit for a source id.

    Raises:
        InvalidInput: an option is not one of its values.
    """
    mode = None if options.mode is None else choice(options.mode, ReviewMode, "--mode")
    profile = None if options.profile is None else choice(options.profile, ReviewProfile, "--profile")
    experts: Literal["auto", "all"] | tuple[ExpertName, ...] | None
    if options.experts is None or options.experts in ("auto", "all"):
        experts = options.experts
    else:
        experts = choices(options.experts, ExpertName, "--experts")
        if not experts:
            raise InvalidInput("no_experts", "--experts names nobody; give auto, all, or at least one expert.")
    strategies = choices(options.strategy or "", Strategy, "--strategy")
    providers = tuple(dict.fromkeys(listed(options.provider or "")))
    if providers and not options.models:
        raise InvalidInput("invalid_option", "--provider and --no-models contradict each other; leave one out.")
    budget = None if options.budget is None else round(options.budget * 1_000_000)
    if budget is not None and not 0 < budget <= MAX_BUDGET_MICRO_USD:
        raise InvalidInput(
            "invalid_budget", f"--budget takes more than 0 and at most {MAX_BUDGET_MICRO_USD // 10**6} USD."
        )

    try:
        wish = ReviewSubmission(
            source_id="0" * 32,
            mode=mode,
            experts=experts,
            profile=profile,
            budget_micro_usd=budget,
            providers=providers,
            strategies=strategies,
            wait_for_quota=options.wait_for_quota,
            use_models=options.models,
        )
    except ValidationError:
        raise InvalidInput(
            "invalid_option", "--provider takes at most 16 names as `conclave provider list` shows them."
        ) from None

    def submission(source_id: str) -> ReviewSubmission:
        try:
            return ReviewSubmission.model_validate(wish.model_dump() | {"source_id": source_id})
        except ValidationError:
            raise Unreachable("the service gave a source id that is none. Is it another version?") from None

    return submission
