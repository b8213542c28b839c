"""A real OPA server, over its REST API."""

from typing import Annotated, Generic

from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints, ValidationError

from activities.experiment_ports import PolicyMalformed
from activities.policy.engine import Evaluated, RegoEngine
from activities.policy.opa_http import OpaHttp
from activities.policy.policies import A, Policy

DECISION_SECONDS = 0.3
PUBLISH_SECONDS = 3.0
"""For one module: the server compiles all that it has."""


class _Body(BaseModel, Generic[A]):
    """OPA adds provenance, metrics and warnings as it is set; only the result counts."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    result: A | None = None
    """None: the document is undefined there; OPA says 200 to that as well."""
    decision_id: Annotated[str, StringConstraints(max_length=80)] | None = None


class OpaEngine(RegoEngine):
    """Asks the server; puts the policy there when it has none of that name, as after the server's restart.

    The name carries the hash of the text, so what the server has of another release is neither asked nor touched. Who
    may write policies on the server decides what passes: protect it (OPA's `--authentication` and `--authorization`).
    Where Conclave may not write, an operator puts the modules of `policies.published` there.
    """

    name = "opa"
    lasting_seconds = 5.0

    def __init__(self, url: str, token: SecretStr | None = None) -> None:
        """Nothing is asked yet.

        Args:
            url: of the server.
            token: bearer token, if the server wants one.
        """
        self._http = OpaHttp(url, token)

    async def evaluate(self, policy: Policy[A], document: bytes) -> Evaluated[A]:
        """What the server answers.

        Raises:
            PolicyUnavailable: it does not, in three tries.
            PolicyMalformed: its answer is none.
        """
        found = await self._asked(policy, document)
        if found.result is None:
            await self._publish(policy)
            found = await self._asked(policy, document)
        if found.result is None:
            raise PolicyMalformed
        return Evaluated(found.result, found.decision_id)

    async def _asked(self, policy: Policy[A], document: bytes) -> _Body[A]:
        path = "/v1/data/" + policy.decision.replace(".", "/")
        body = await self._http.exchange(
            "POST", path, "application/json", b'{"input":' + document + b"}", DECISION_SECONDS
        )
        try:
            return _Body[policy.answer].model_validate_json(body, strict=True)
        except ValidationError:
            raise PolicyMalformed from None

    async def _publish(self, policy: Policy[A]) -> None:
        for module, text in policy.modules.items():
            path = f"/v1/policies/{policy.namespace}/{module}"
            await self._http.exchange("PUT", path, "text/plain", text.encode(), PUBLISH_SECONDS)
