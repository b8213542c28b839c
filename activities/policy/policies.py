"""The policies as they are shipped, and as an engine gets them: under a name that carries the hash of their text.

An engine that has another text has no document of that name, and two releases side by side do not get in each other's
way on one server.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import rfc8785

from models.gate import PolicyHash, PolicyName

REGO = Path(__file__).parent / "rego"
NAMESPACE = "conclave.gate"
"""Of the packages in the files, as they are tested."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as an engine evaluates it."""

    name: PolicyName
    hash: PolicyHash
    namespace: str
    """`conclave.gate_<hash>`; the policy says it in every decision."""
    modules: Mapping[str, str]
    """Rego by module name, in the order in which they compile one by one."""

    @property
    def decision(self) -> str:
        """The document to ask for."""
        return f"{self.namespace}.{self.name}_policy.decision"


@cache
def published(name: PolicyName) -> Policy:
    """A shipped policy."""
    texts = {module: _text(module) for module in ("facts", str(name))}
    digest = hashlib.sha256(rfc8785.dumps(texts)).hexdigest()
    namespace = f"{NAMESPACE}_{digest}"
    modules = {module: text.replace(NAMESPACE, namespace) for module, text in texts.items()}
    return Policy(name, f"policy:v1:sha256:{digest}", namespace, modules)


def _text(module: str) -> str:
    return (REGO / f"{module}.rego").read_text(encoding="utf-8")
