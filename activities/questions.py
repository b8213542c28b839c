"""From a consultation to the very text that is sent: as much code as fits the model's window and the money."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from activities.ports import Material
from activities.provider_ports import ModelQuestion
from models.context import ContextPlan, plan_context, render_context
from models.expert import ExpertFinding
from models.framework import framework_of
from models.opinion import Consultation
from models.pricing import PriceSheet, affordable_input_tokens
from models.prompt import PROMPT_VERSION, RESPONSE_SCHEMA, SCHEMA_NAME, Prompt, build_prompt
from models.provider import Provider
from models.source import Language, LineRange
from models.submission import main_language
from models.tokens import context_budget, estimated_tokens

FENCE_BYTES = 12
SHRINKS = 6
"""Tries to make a question cheap enough; each aims lower."""
AIM = 0.9
"""Share of what is affordable that a smaller question aims at: headings and omissions change with the size."""


class TooExpensive(Exception):
    """Not even a question about a few lines is affordable."""


class WindowTooSmall(Exception):
    """Not even a few lines fit the model's window."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question ready to be sent, and what must be known to read its answer."""

    question: ModelQuestion
    estimated_tokens: int
    """Question and longest answer together, for rate limits."""
    prompt_version: str
    shown: Mapping[str, tuple[LineRange, ...]]
    unseen: tuple[str, ...]
    """Files under review that are not shown whole."""


def prepared(
    question: Consultation, material: Material, provider: Provider, sheet: PriceSheet, budget_micro_usd: int
) -> Prepared:
    """Make the question.

    Args:
        question: who asks, and why once more.
        material: the source, and what earlier experts found.
        provider: whom; its window bounds the question, and its longest answer the answer.
        sheet: its prices.
        budget_micro_usd: the question's worst case is at most this.

    Raises:
        TooExpensive: a question worth asking costs more.
        WindowTooSmall: the window has no room for any of the code.
    """
    longest = min(question.max_output_tokens, provider.max_output_tokens)
    affordable = affordable_input_tokens(sheet, budget_micro_usd, longest)
    maker = _Maker(question, material)
    window = context_budget(provider.context_tokens, longest, maker.prompt(None).system, str(RESPONSE_SCHEMA))
    tokens = window
    has_code = any(material.lines.values())
    for _ in range(SHRINKS):
        plan = maker.plan(tokens)
        if has_code and not plan.parts:
            # A question that shows nothing is paid for like any other.
            raise WindowTooSmall if tokens == window else TooExpensive
        made = _sent(maker.prompt(plan), longest)
        if made.input_token_bound <= affordable:
            estimate = estimated_tokens(made.system) + estimated_tokens(made.prompt) + longest
            return Prepared(made, estimate, maker.version, plan.shown, plan.unseen)
        code = sum(len(line.encode("utf-8", "replace")) for line in render_context(plan, material.lines).splitlines())
        around = made.input_token_bound - code
        if affordable <= around or not plan.parts:
            break
        tokens = int(estimated_tokens(render_context(plan, material.lines)) * (affordable - around) / code * AIM)
    raise TooExpensive


def _sent(prompt: Prompt, longest: int) -> ModelQuestion:
    return ModelQuestion(
        system=prompt.system,
        prompt=prompt.user,
        schema=RESPONSE_SCHEMA,
        schema_name=SCHEMA_NAME,
        max_output_tokens=longest,
    )


class _Maker:
    """One expert's question at any size."""

    def __init__(self, question: Consultation, material: Material) -> None:
        self._question = question
        self._material = material
        self.version = question.prompt or PROMPT_VERSION
        self._earlier: list[ExpertFinding] = [finding for each in material.earlier for finding in each.findings]
        self._language = main_language(material.manifest)
        self._framework = framework_of(material.manifest, material.lines)

    def plan(self, tokens: int) -> ContextPlan:
        material = self._material
        return plan_context(material.manifest, material.lines, tokens, self._question.expert, self._earlier)

    def prompt(self, plan: ContextPlan | None) -> Prompt:
        while True:
            try:
                return build_prompt(
                    self._question.expert,
                    language="mixed" if self._language is Language.OTHER else self._language.value,
                    framework=self._framework,
                    context="" if plan is None else render_context(plan, self._material.lines),
                    fence=secrets.token_hex(FENCE_BYTES),
                    earlier=self._earlier,
                    rejection=self._question.rejection,
                    is_change=self._material.manifest.is_change,
                    is_whole=plan is None or not plan.unseen,
                    version=self.version,
                )
            except ValueError as error:
                # The random word stands in the code: one chance in 2^96, unless somebody tries to guess.
                if error.args != ("fence_in_text",):
                    raise
