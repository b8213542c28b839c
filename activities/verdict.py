"""The Version Control AI: a model's verdict where one can be asked, the stated rules' otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from activities.metered import Account, MeteredModels
from activities.ports import CallIdentity, ModelFailed
from activities.provider_ports import ModelAnswer, ModelQuestion
from activities.routing import Routed, Router
from models.answer import AnswerInvalid
from models.gate import GateInput
from models.measure import Metrics
from models.opinion import Rejection
from models.question_size import QuestionSize
from models.reservation import ReservationKey
from models.routing import RoutingPolicy
from models.tokens import estimated_tokens
from models.verdict import AiVerdict
from models.verdict_prompt import MAX_OUTPUT_TOKENS, RESPONSE_SCHEMA, SCHEMA_NAME, SYSTEM, told, verdict_of
from models.verdict_rules import ruled
from models.wire import Slug, Wire

STEP = "version-control"
PLACES = 2
"""Places of the route that are asked; after that the rules' word stands."""


class Judge(Protocol):
    """Says what is to become of a candidate."""

    async def verdict(self, metrics: Metrics, facts: GateInput, owner: str, call: CallIdentity) -> AiVerdict:
        """A verdict with reasons; the same call again gives what was paid for.

        Args:
            metrics: what was measured.
            facts: the same with one-sided bounds and the cost of the stable configuration.
            owner: the user who pays.
            call: which try of which process asks.

        Raises:
            StoreUnavailable, QuotaUnavailable, KeyServiceUnavailable: a part of ours is down.
        """
        ...


@dataclass(frozen=True, slots=True)
class VerdictErrand:
    """What the route of the question depends on."""

    owner: str
    policy: RoutingPolicy
    complexity: float = 0.5
    budget_micro_usd: int = 200_000
    """Most that the question may cost: the worst case with a dear model; usually it is a twentieth."""
    max_output_tokens: int = MAX_OUTPUT_TOKENS


class KeptVerdict(Wire):
    """A model's answer as it is kept, encrypted."""

    text: str
    provider: Slug


class ModelJudge:
    """The port `Judge`: one schema-bound question about numbers, metered like any other."""

    def __init__(self, router: Router, models: MeteredModels, policy: RoutingPolicy = RoutingPolicy()) -> None:
        """Judge with models.

        Args:
            router: says whom to ask.
            models: asks.
            policy: how the route is made.
        """
        self._router = router
        self._models = models
        self._policy = policy

    async def verdict(self, metrics: Metrics, facts: GateInput, owner: str, call: CallIdentity) -> AiVerdict:
        rules = ruled(metrics, facts)
        try:
            kept = await self._answer(told(metrics, facts), owner, call)
            said = verdict_of(kept.text, kept.provider)
        except ModelFailed as error:
            # Where nobody can be asked, the rules are what is meant to judge.
            is_usual = error.rejection is Rejection.NO_PROVIDER
            return rules if is_usual else _noted(rules, f"No model was heard: {error.code or error.rejection}.")
        except AnswerInvalid as error:
            return _noted(rules, f"A model's answer was not by the schema ({error.violation}) and is not used.")
        return _noted(said, f"The stated rules say {rules.verdict} with confidence {rules.confidence:.2f}.")

    async def _answer(self, numbers: str, owner: str, call: CallIdentity) -> KeptVerdict:
        """A model's answer, paid once.

        Raises:
            ModelFailed: no model gave one.
        """
        accounts = [_account(owner, call, attempt) for attempt in range(1, PLACES + 1)]
        for account in accounts:
            kept = await self._models.resumed(account, KeptVerdict)
            if kept is not None:
                return kept
        errand = VerdictErrand(owner, self._policy)
        tokens = estimated_tokens(SYSTEM) + estimated_tokens(numbers)
        least = _question(numbers, errand.max_output_tokens).input_token_bound
        places = await self._router.places(errand, QuestionSize(least_bytes=least, least_tokens=tokens))
        return await self._first_of(places, accounts, numbers, tokens)

    async def _first_of(
        self, places: Sequence[Routed], accounts: Sequence[Account], numbers: str, tokens: int
    ) -> KeptVerdict:
        """The answer of the first place that gives one."""
        failure = ModelFailed(Rejection.NO_PROVIDER)
        for account, routed in zip(accounts, places, strict=False):
            longest = min(MAX_OUTPUT_TOKENS, routed.provider.max_output_tokens)
            name = routed.provider.name

            def kept(answer: ModelAnswer, _: int, name: str = name) -> KeptVerdict:
                return KeptVerdict(text=answer.text, provider=name)

            try:
                return await self._models.ask(account, routed, _question(numbers, longest), tokens + longest, kept)
            except ModelFailed as error:
                failure = error
        raise failure


def _question(numbers: str, longest: int) -> ModelQuestion:
    return ModelQuestion(SYSTEM, numbers, RESPONSE_SCHEMA, SCHEMA_NAME, longest)


def _account(owner: str, call: CallIdentity, attempt: int) -> Account:
    key = ReservationKey(workflow_id=call.workflow_id, step=STEP, attempt=attempt, delivery=call.delivery)
    return Account(key, owner, expert=STEP)


def _noted(verdict: AiVerdict, note: str) -> AiVerdict:
    return verdict.model_copy(update={"reasons": (*verdict.reasons[:9], note)})
