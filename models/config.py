"""What decides how a review is done."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from models.expert import ExpertName
from models.wire import Wire

PRECISION = dict.fromkeys(ExpertName, 0.7)
BUDGET_WEIGHTS = dict.fromkeys(ExpertName, 1.0) | {ExpertName.SECURITY: 3.0, ExpertName.QUALITY: 2.0}

Analyser = Literal[
    "ast-grep",
    "bandit",
    "complexipy",
    "coverage-report",
    "deceptive-text",
    "deptry",
    "detect-secrets",
    "grimp",
    "lizard",
    "package-json",
    "profile",
    "ruff",
    "suppressions",
    "tree-sitter-docs",
    "tree-sitter-imports",
    "untested-code",
    "vulture",
]
"""The names of all analysers. One that is given up keeps its name here: stored configurations may say it."""


def _completed(defaults: Mapping[ExpertName, float]) -> AfterValidator:
    """Takes the default for every expert that is not named, in the panel's order, so that equal settings look equal."""
    return AfterValidator(lambda given: {name: given.get(name, defaults[name]) for name in ExpertName})


class BacktrackConfig(Wire):
    """When a model's result is asked for again, and how patiently."""

    max_attempts: int = Field(default=3, ge=1, le=10)
    """Attempts of one expert's model half, the first included."""
    first_backoff_seconds: float = Field(default=1.0, gt=0)
    """Wait before the second attempt; doubles each time."""
    longest_backoff_seconds: float = Field(default=30.0, gt=0)
    min_confidence: float = Field(default=0.4, ge=0, le=1)
    """A result whose confidence is below this is not accepted."""

    def backoff_seconds(self, attempt: int) -> float:
        """Seconds to wait after attempt number `attempt` (from 1) was not accepted."""
        return min(self.first_backoff_seconds * 2 ** (attempt - 1), self.longest_backoff_seconds)


class FailoverConfig(Wire):
    """How a provider that fails is followed by others, in every mode."""

    retries: int = Field(default=2, ge=0, le=10)
    """Further tries of the same provider after a failure that may pass."""
    longest_wait_seconds: float = Field(default=20.0, ge=0)
    """A provider that asks for a longer wait is passed over while another is left."""
    max_calls: int = Field(default=8, ge=1, le=50)
    """Questions of one expert in all."""


class ConsensusConfig(Wire):
    """How the panel's findings are merged, voted on and ranked."""

    line_slack: int = Field(default=1, ge=0, le=10)
    """Findings of different tools at most this many lines apart can be the same issue."""
    precision: Annotated[dict[ExpertName, Annotated[float, Field(ge=0, le=1)]], _completed(PRECISION)] = PRECISION
    """Measured precision of each expert, within (0, 1); its vote weighs log(p / (1 - p))."""
    min_support: float = Field(default=0.15, ge=0, le=1)
    """A finding with less support than this is voted out, unless protected."""
    protect_severity_weight: int = Field(default=3, ge=1, le=5)
    """Severity weight (3 = high) from which one strong specialist cannot be out-voted by others' silence."""
    protect_confidence: float = Field(default=0.8, ge=0, le=1)
    """How sure that specialist has to be."""


class AnalysisConfig(Wire):
    """The experts' static halves."""

    tools_off: Annotated[
        tuple[Analyser, ...],
        Field(max_length=len(get_args(Analyser))),
        AfterValidator(lambda names: tuple(sorted(set(names)))),
    ] = ()
    """Analysers that do not run."""
    min_confidence: float = Field(default=0.0, ge=0, le=1)
    """Static findings less sure than this take no part in the panel."""


class OrchestratorConfig(Wire):
    """Parameters of the orchestrator: the part of a reviewer config that this service reads."""

    budget_weights: Annotated[dict[ExpertName, Annotated[float, Field(ge=0, le=1000)]], _completed(BUDGET_WEIGHTS)] = (
        BUDGET_WEIGHTS
    )
    """Share of the review's budget per expert, relative to each other."""
    budget_micro_usd: int = Field(default=1_500_000, ge=0)
    """Budget of a review that names none."""
    max_output_tokens: int = Field(default=4_000, ge=256, le=20_000)
    """Longest answer of a model; bounds what a call can cost."""
    backtrack: BacktrackConfig = BacktrackConfig()
    failover: FailoverConfig = FailoverConfig()
    consensus: ConsensusConfig = ConsensusConfig()
