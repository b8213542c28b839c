"""What a caller may want to do, and what the access policy says of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from models.identity import Identity, Role
from models.wire import Wire


class Action(StrEnum):
    """Something that a route does. Which roles may do what is said in `activities/policy/rego/access.rego`, and there
    alone; a token's scopes are names of actions, too.
    """

    REVIEWS_READ = "reviews:read"
    """One's own sources, reviews and reports."""
    REVIEWS_WRITE = "reviews:write"
    """Submit source and reviews."""
    PROVIDERS_READ = "providers:read"
    PROVIDERS_WRITE = "providers:write"
    PROVIDERS_TEST = "providers:test"
    """Ask a provider for a sign of life, with one's own key."""
    KEYS_READ = "keys:read"
    """One's own keys: never more than their last four characters."""
    KEYS_WRITE = "keys:write"
    KEYS_PLATFORM = "keys:platform"
    """The keys that serve everybody."""
    KEYS_ROTATE = "keys:rotate"
    """Wrap all stored keys anew."""
    QUOTAS_READ = "quotas:read"
    """One's own."""
    QUOTAS_READ_ALL = "quotas:read-all"
    QUOTAS_WRITE = "quotas:write"
    USAGE_READ = "usage:read"
    """One's own."""
    USAGE_READ_ALL = "usage:read-all"
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    DATASETS_READ = "datasets:read"
    DATASETS_WRITE = "datasets:write"
    EXPERIMENTS_READ = "experiments:read"
    EXPERIMENTS_WRITE = "experiments:write"
    COMPARISONS_READ = "comparisons:read"
    COMPARISONS_WRITE = "comparisons:write"
    TRIALS_READ = "trials:read"
    TRIALS_WRITE = "trials:write"
    PROMOTIONS_READ = "promotions:read"
    PROMOTIONS_REQUEST = "promotions:request"
    PROMOTIONS_DECIDE = "promotions:decide"
    """Approve or reject."""
    PROMOTIONS_WITHDRAW = "promotions:withdraw"
    """What one asked for oneself, or what is about one's own experiment."""
    PROMOTIONS_WITHDRAW_ALL = "promotions:withdraw-all"
    VERSIONS_READ = "versions:read"
    VERSIONS_ROLLBACK = "versions:rollback"
    BLACKLIST_READ = "blacklist:read"
    BLACKLIST_QUARANTINE = "blacklist:quarantine"
    BLACKLIST_RELEASE = "blacklist:release"
    AUDIT_READ = "audit:read"
    AUDIT_CHECKPOINT = "audit:checkpoint"
    TOKENS_READ = "tokens:read"
    """One's own: never the token itself."""
    TOKENS_WRITE = "tokens:write"
    TOKENS_ALL = "tokens:all"
    """Everybody's."""


DECISIVE = frozenset(
    {
        Action.EXPERIMENTS_WRITE,
        Action.COMPARISONS_WRITE,
        Action.TRIALS_WRITE,
        Action.PROMOTIONS_REQUEST,
        Action.PROMOTIONS_DECIDE,
        Action.VERSIONS_ROLLBACK,
        Action.BLACKLIST_QUARANTINE,
        Action.BLACKLIST_RELEASE,
    }
)
"""What decides over production: who tries it without the role for it is on the audit chain."""


def twice_is_once(schema: JsonDict) -> None:
    """For the schema of a set that is sent: what is named twice is taken, once."""
    schema.pop("uniqueItems", None)


Scopes = Annotated[frozenset[Action], Field(min_length=1, max_length=len(Action), json_schema_extra=twice_is_once)]
"""What a token is good for, of all that its roles may do."""


class Caller(Identity):
    """Whose request it is."""

    scopes: frozenset[Action] | None = None
    """None: no limit but the roles."""
    token_id: str | None = None
    """Of the stored token that was sent; None: one of the settings'."""
    expires_at: datetime | None = None
    """When that token expires."""


class AccessReason(StrEnum):
    """Why not."""

    ACTION_UNKNOWN = "action_unknown"
    """The policy has never heard of it."""
    ROLE_MISSING = "role_missing"
    SCOPE_MISSING = "scope_missing"


class AccessAnswer(Wire):
    """A policy's answer. Validate it strictly: `"true"` and 1 are not `true`."""

    allow: bool
    reasons: Annotated[tuple[AccessReason, ...], Field(max_length=len(AccessReason))]
    roles: Annotated[tuple[Role, ...], Field(max_length=len(Role))]
    """Any of these would do."""
    action: Action
    """The one that was asked about."""
    revision: Annotated[str, StringConstraints(max_length=100)]
    """The name under which the policy's text was published."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.allow is bool(self.reasons):
            raise ValueError("incoherent answer")
        return self
