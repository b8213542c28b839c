"""Reading a model's answer: JSON by the schema and nothing else, or not at all."""

import json
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from models.expert import Severity

MAX_ANSWER = 1_000_000
"""Characters of an answer. Fifteen findings with every text at its cap take a twentieth of this."""

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL | re.IGNORECASE)


class Violation(StrEnum):
    """In what way an answer is not by the schema."""

    TOO_LONG = "too_long"
    NOT_JSON = "not_json"
    """Not JSON, or JSON that two readers could read differently: NaN, infinity, a key twice."""
    TOO_DEEP = "too_deep"
    WRONG_SHAPE = "wrong_shape"
    """A field is missing, unknown, of the wrong type or not one of the allowed words."""


class AnswerInvalid(Exception):
    """An answer is not by the schema: nothing of it is used. Carries no content.

    Attributes:
        violation: in what way.
    """

    code = "schema_violation"

    def __init__(self, violation: Violation) -> None:
        super().__init__(f"{self.code}: {violation}")
        self.violation = violation


def _sound(text: str) -> str:
    if "\0" in text or not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("not text")
    return text


def _whole(number: object) -> object:
    """JSON knows one sort of number: 12.0 is the integer 12."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Sound = Annotated[str, AfterValidator(_sound)]
WholeNumber = Annotated[int, BeforeValidator(_whole)]


class Strict(BaseModel):
    """The right types and nothing else; what is wrong is never quoted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


Said = TypeVar("Said", bound=Strict)


class SaidFinding(Strict):
    """One finding as the model says it: the right types, nothing checked."""

    type: Sound
    path: Sound
    line_range: list[WholeNumber]
    quote: Sound
    description: Sound
    recommendation: Sound
    severity: Annotated[Severity, BeforeValidator(lambda said: Severity(said) if isinstance(said, str) else said)]
    confidence: float
    cwe: Sound | None


class SaidAnswer(Strict):
    """A whole answer."""

    findings: list[SaidFinding]
    summary: Sound
    execution_time_ms: float
    """What the model believes; ours is measured."""


def _refuse(_: str) -> NoReturn:
    raise ValueError("no number")


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    found = dict(listed)
    if len(found) != len(listed):
        raise ValueError("a key twice")
    return found


def said_answer(text: str) -> SaidAnswer:
    """Read an expert's answer; raises what `said` raises."""
    return said(text, SaidAnswer)


def said(text: str, kind: type[Said]) -> Said:
    """Read an answer strictly. One Markdown fence around the whole of it is taken off, which small models cannot leave.

    Raises:
        AnswerInvalid: it is not by the schema.
    """
    if len(text) > MAX_ANSWER:
        raise AnswerInvalid(Violation.TOO_LONG)
    text = text.strip("\ufeff \t\r\n")
    fenced = _FENCED.fullmatch(text)
    try:
        read = json.loads(fenced[1] if fenced else text, parse_constant=_refuse, object_pairs_hook=_once)
    except ValueError:
        raise AnswerInvalid(Violation.NOT_JSON) from None
    except RecursionError:
        raise AnswerInvalid(Violation.TOO_DEEP) from None
    try:
        return kind.model_validate(read)
    except ValidationError:
        raise AnswerInvalid(Violation.WRONG_SHAPE) from None
