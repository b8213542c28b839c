"""One tick of the health schedule."""

import asyncio

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.health import HealthActivities
    from models.health import Check, HealthReport, HealthTick, ProviderToCheck
    from workflows.options import PROBE, described


@workflow.defn(name="provider-health", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class ProviderHealthWorkflow:
    """Checks every provider at once; one that cannot be checked never hides the others."""

    @workflow.run
    async def run(self, tick: HealthTick) -> HealthReport:
        found = await workflow.execute_activity_method(
            HealthActivities.list_providers, tick, **described(PROBE, "list providers")
        )
        providers = sorted(found.providers, key=lambda each: each.name)
        checks = await asyncio.gather(*(self._check(each) for each in providers))
        pairs = list(zip(providers, checks, strict=True))
        workflow.set_current_details("\n".join(f"- {_told(provider, check)}" for provider, check in pairs))
        return HealthReport(
            checked=tuple(check.health for _, check in pairs if check is not None and check.health is not None),
            skipped=tuple(provider.id for provider, check in pairs if check is not None and check.skipped is not None),
            failed=tuple(provider.id for provider, check in pairs if check is None),
        )

    async def _check(self, provider: ProviderToCheck) -> Check | None:
        try:
            return await workflow.execute_activity_method(
                HealthActivities.check_provider, provider.id, **described(PROBE, f"probe {provider.name}")
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return None


def _told(provider: ProviderToCheck, check: Check | None) -> str:
    """One provider in one line of Markdown."""
    if check is None:
        return f"**{provider.name}** not checked"
    if check.health is None:
        return f"**{provider.name}** skipped ({check.skipped})"
    state = "healthy" if check.health.is_healthy else "unhealthy"
    reason = f" ({check.health.last_error})" if check.health.last_error else ""
    return f"**{provider.name}** {state}{reason}, {check.health.response_time_ms} ms"
