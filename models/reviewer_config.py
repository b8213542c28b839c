"""A reviewer configuration: everything that decides how a review is done, and the names it is known by."""

import hashlib
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import AfterValidator, Field, StringConstraints, field_validator

from models.config import AnalysisConfig, OrchestratorConfig
from models.expert import ExpertName
from models.prompts.versions import CURRENT, VERSIONS
from models.review import ReviewMode, ReviewProfile
from models.routing import RoutingPolicy
from models.wire import Slug, Wire

RULE_PACK = "builtin-1"
"""Version of our own analysis rules. `tests/models/test_reviewer_config.py` holds the digest that goes with it."""

ConfigHash = Annotated[str, StringConstraints(pattern=r"^cfg:v1:sha256:[0-9a-f]{64}$")]
"""Names a configuration by what it says."""


class ModelsConfig(Wire):
    """The experts' model halves."""

    enabled: bool = True
    """False: static analysis alone, whatever providers there are."""
    routing: RoutingPolicy = RoutingPolicy()
    prompt: Slug = CURRENT
    """Version of the prompts."""

    @field_validator("prompt")
    @classmethod
    def _known(cls, prompt: str) -> str:
        if prompt not in VERSIONS:
            raise ValueError(f"no such version of the prompts; there are: {', '.join(VERSIONS)}")
        return prompt


Experts = Annotated[
    tuple[ExpertName, ...],
    Field(min_length=1, max_length=len(ExpertName)),
    AfterValidator(lambda chosen: tuple(name for name in ExpertName if name in chosen)),
]
"""Experts by name; kept in the panel's order, each once."""


class ReviewerConfig(Wire):
    """How a review is done where the submission does not say otherwise. Every default is part of the hash."""

    experts: Literal["auto", "all"] | Experts = "auto"
    mode: ReviewMode | None = None
    """None: what the profile says."""
    profile: ReviewProfile = ReviewProfile.INTERACTIVE
    orchestrator: OrchestratorConfig = OrchestratorConfig()
    analysis: AnalysisConfig = AnalysisConfig()
    models: ModelsConfig = ModelsConfig()
    rule_pack: Slug = RULE_PACK


def canonical(config: ReviewerConfig) -> bytes:
    """The configuration as canonical JSON (RFC 8785), every default written out."""
    return rfc8785.dumps(config.model_dump(mode="json"))


def config_hash(config: ReviewerConfig) -> str:
    """The name of a configuration: equal exactly when the configurations are."""
    return f"cfg:v1:sha256:{hashlib.sha256(canonical(config)).hexdigest()}"


def similarity_hash(config: ReviewerConfig) -> str:
    """Equal for configurations that hardly differ: numbers to two digits, text without case and white space.

    A warning only: two configurations with this in common are not the same.
    """
    return f"cfg-like:v1:sha256:{hashlib.sha256(rfc8785.dumps(_blurred(config.model_dump(mode='json')))).hexdigest()}"


def _blurred(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case int() | float():
            return f"{value:.2g}"
        case str():
            return "".join(value.split()).casefold()
        case dict():
            return {key: _blurred(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return [_blurred(each) for each in value]
