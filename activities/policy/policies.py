"""The policies as they are shipped, and as an engine gets them: under a name that carries the hash of their text.

An engine that has another text has no document of that name, and two releases side by side do not get in each other's
way on one server.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

import rfc8785

from models.access import AccessAnswer
from models.gate import PolicyHash, PolicyName
from models.gate_answer import GateAnswer
from models.wire import Wire

REGO = Path(__file__).parent / "rego"
NAMESPACE = "conclave.gate"
"""Of the gate's packages in the files, as they are tested."""
ACCESS = "conclave.access"
"""Of the package that says who may do what."""

A = TypeVar("A", bound=Wire)


@dataclass(frozen=True, slots=True)
class Policy(Generic[A]):
    """A policy as an engine evaluates it."""

    hash: PolicyHash
    namespace: str
    """`conclave.gate_<hash>`; the policy says it in every decision."""
    modules: Mapping[str, str]
    """Rego by module name, in the order in which they compile one by one."""
    decision: str
    """The document to ask for."""
    answer: type[A]
    """What it must be."""


@cache
def published(name: PolicyName) -> Policy[GateAnswer]:
    """A shipped policy of the gate."""
    return _policy(NAMESPACE, ("facts", str(name)), f".{name}_policy.decision", GateAnswer)


@cache
def access_policy() -> Policy[AccessAnswer]:
    """The shipped policy of access."""
    return _policy(ACCESS, ("access",), ".decision", AccessAnswer)


def _policy(package: str, names: tuple[str, ...], document: str, answer: type[A]) -> Policy[A]:
    texts = {module: _text(module) for module in names}
    digest = hashlib.sha256(rfc8785.dumps(texts)).hexdigest()
    namespace = f"{package}_{digest}"
    modules = {module: text.replace(package, namespace) for module, text in texts.items()}
    return Policy(f"policy:v1:sha256:{digest}", namespace, modules, namespace + document, answer)


def _text(module: str) -> str:
    return (REGO / f"{module}.rego").read_text(encoding="utf-8")
