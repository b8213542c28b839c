"""The question to a model: what it is asked, what it is shown as data, and the form of the answer."""

import re
from collections.abc import Iterable, Sequence
from string import Template
from typing import Any

from models.consensus import strength
from models.expert import ExpertFinding, ExpertName, Severity
from models.listing import shown_text
from models.opinion import Rejection
from models.prompts.versions import CURRENT, VERSIONS
from models.text import clean
from models.wire import Wire

PROMPT_VERSION = CURRENT
SCHEMA_NAME = "code_review"
MAX_EARLIER = 30
"""Earlier findings that are shown, the strongest; of the rest only the number."""

_FENCE = re.compile(r"[0-9a-f]{16,64}\Z")
_TEXT = {"type": "string"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_FINDING = _object(
    {
        "type": _TEXT,
        "path": _TEXT,
        "line_range": {"type": "array", "items": {"type": "integer"}},
        "quote": _TEXT,
        "description": _TEXT,
        "recommendation": _TEXT,
        "severity": {"type": "string", "enum": [each.value for each in Severity]},
        "confidence": {"type": "number"},
        "cwe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    }
)
RESPONSE_SCHEMA: dict[str, Any] = _object(
    {
        "findings": {"type": "array", "items": _FINDING},
        "summary": _TEXT,
        "execution_time_ms": {"type": "integer"},
    }
)
"""The answer's JSON schema, in what every strict structured output takes.

That is: every property required, none besides, `null` by `anyOf`, and no bounds on numbers, lengths or items: OpenAI's
strict subset takes none for tuned models, Anthropic answers 400 to all but a `minItems` of 0 or 1, and grammars of
local servers pass over those of numbers. `models.answer` and `models.model_findings` check what cannot be said here.
Properties stand in the order in which they are written: place and quote before the judgement of them.
"""


class Prompt(Wire):
    """What is sent to a model. Holds code: it stays in one process."""

    system: str
    user: str
    version: str


def build_prompt(
    expert: ExpertName,
    *,
    language: str,
    framework: str,
    context: str,
    fence: str,
    task: str | None = None,
    earlier: Iterable[ExpertFinding] = (),
    rejection: Rejection | None = None,
    is_change: bool = False,
    is_whole: bool = True,
    version: str = PROMPT_VERSION,
) -> Prompt:
    """Put one expert's question together.

    Args:
        expert: who asks.
        language: of the code, in a word of ours.
        framework: of the code (`models.framework.framework_of`).
        context: the listing of `models.context.render_context`.
        fence: random word of 16 to 64 hexadecimal digits around the data, drawn anew for every question.
        task: what to look for; None: the expert's own task of this version.
        earlier: findings that the model shall not repeat.
        rejection: why the previous attempt was not accepted.
        is_change: whether only the marked lines are under review.
        is_whole: whether everything under review is in `context`.
        version: of the templates.

    Raises:
        ValueError: the fence is none (`fence_invalid`), or stands in what it shall enclose (`fence_in_text`): draw
            another.
        KeyError: no such version.
    """
    if not _FENCE.match(fence):
        raise ValueError("fence_invalid")
    template = VERSIONS[version]
    reported = _reported(sorted(earlier, key=strength))
    if any(fence in text for text in (context, reported)):
        raise ValueError("fence_in_text")
    scope = template.scope_change if is_change else template.scope_whole
    system = Template(template.system).substitute(
        expert_type=expert.value,
        language=language,
        framework=framework,
        specific_task=template.tasks[expert] if task is None else task,
    )
    user = Template(template.user).substitute(
        scope=scope if is_whole else scope + template.scope_parts,
        rejection="" if rejection is None else template.rejections[rejection],
        earlier=Template(template.earlier).substitute(fence=fence, findings=reported) if reported else "",
        fence=fence,
        code_context=context if context.endswith("\n") or not context else f"{context}\n",
    )
    return Prompt(system=system, user=user, version=version)


def _reported(findings: Sequence[ExpertFinding]) -> str:
    """Earlier findings, one line each, strongest first."""
    shown = [
        f"- {finding.severity} {finding.kind} at {_quoted(finding.path)} line {finding.line_start}"
        f" ({finding.tool}, {finding.confidence:.2f}): {shown_text(clean(finding.message, 300))}\n"
        for finding in findings[:MAX_EARLIER]
    ]
    if len(findings) > MAX_EARLIER:
        shown.append(f"- and {len(findings) - MAX_EARLIER} less severe ones\n")
    return "".join(shown)


def _quoted(path: str) -> str:
    return '"' + shown_text(path).replace('"', "'") + '"'
