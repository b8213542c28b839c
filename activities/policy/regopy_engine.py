"""The embedded engine: rego-cpp, in this process.

A process that evaluates for long imports `regopy` before greenlet, which SQLAlchemy brings, and Temporal's bridge:
loaded after them (1.5.2), the library loses half a mebibyte at every evaluation.
"""

import asyncio
from typing import Any, Generic

from pydantic import ValidationError

from activities.experiment_ports import PolicyMalformed, PolicyUnavailable
from activities.policy.engine import Evaluated, RegoEngine
from activities.policy.policies import A, Policy
from models.wire import Wire

SECONDS = 5.0
"""For one evaluation, compiling included: some 30 ms on a quiet machine."""


class _Output(Wire, Generic[A]):
    """What the library prints."""

    expressions: tuple[A]


class RegopyEngine(RegoEngine):
    """Evaluates in a thread; the library holds no state between two evaluations."""

    name = "regopy"

    async def evaluate(self, policy: Policy[A], document: bytes) -> Evaluated[A]:
        """What a policy answers.

        Raises:
            PolicyUnavailable: it took too long.
            PolicyMalformed: it failed, or answered something else.
        """
        try:
            async with asyncio.timeout(SECONDS):
                output = await asyncio.to_thread(_evaluated, policy, document)
        except TimeoutError:
            raise PolicyUnavailable from None
        try:
            return Evaluated(_Output[policy.answer].model_validate_json(output, strict=True).expressions[0])
        except ValidationError:
            raise PolicyMalformed from None


def _evaluated(policy: Policy[A], document: bytes) -> str:
    # Here, so that a process which gates nothing does not load it.
    from regopy import Interpreter, LogLevel, RegoError

    interpreter: Any = Interpreter()
    interpreter.log_level = LogLevel.NONE  # it prints what it cannot parse
    try:
        for module, text in policy.modules.items():
            interpreter.add_module(module, text)
        # As text: its own conversion wraps integers of more than 64 bits around.
        interpreter.set_input_term(document.decode("utf-8"))
        return str(interpreter.query(f"data.{policy.decision}"))
    except (RegoError, ValueError):  # also of its own output, where that is an error
        raise PolicyMalformed from None
