"""The parts of one version of the prompt."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.expert import ExpertName
from models.opinion import Rejection


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """Texts with `$name` for what is put in; everything in one pass, so that nothing put in is read as a template."""

    version: str
    system: str
    """`$expert_type`, `$language`, `$framework`, `$specific_task`."""
    user: str
    """`$scope`, `$earlier`, `$rejection`, `$fence`, `$code_context`."""
    tasks: Mapping[ExpertName, str]
    """`specific_task` of each expert."""
    scope_whole: str
    """Everything is under review."""
    scope_change: str
    """Only marked lines are under review."""
    scope_parts: str
    """Added where not everything could be shown."""
    earlier: str
    """`$fence`, `$findings`; empty when there are none."""
    rejections: Mapping[Rejection, str]
    """What is said of an earlier attempt that was not accepted."""
