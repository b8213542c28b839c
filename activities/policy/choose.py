"""Which engine evaluates the policies."""

from activities.policy.engine import RegoEngine
from activities.policy.opa_engine import OpaEngine
from activities.policy.regopy_engine import RegopyEngine
from models.settings import Settings


def policy_engine(settings: Settings) -> RegoEngine:
    """OPA where one is set, else the embedded engine; never one in the place of the other."""
    return OpaEngine(settings.opa_url, settings.opa_token) if settings.opa_url else RegopyEngine()
