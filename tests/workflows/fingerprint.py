"""What a process asked for, in words that a person can read and compare: commands and their outcomes, no payloads.

Blank lines part what was asked for at different times. How many tasks the server made of completions that came
together is not told, and neither is their order: both are luck. Where several chains of steps run side by side, the
order between the chains is luck too; such a situation is told `in_any_order`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowHistory


@dataclass
class Entry:
    """One command, or something that came from outside."""

    text: str
    outcome: str = ""

    def __str__(self) -> str:
        return f"{self.text} .. {self.outcome}" if self.outcome else self.text


@dataclass
class _Reader:
    workflow: str = ""
    groups: list[list[Entry]] = field(default_factory=lambda: [[]])
    by_id: dict[int, Entry] = field(default_factory=dict[int, Entry])

    def add(self, event_id: int, text: str, outcome: str = "") -> None:
        entry = self.by_id[event_id] = Entry(text, outcome)
        self.groups[-1].append(entry)

    def read(self, event: Any) -> None:
        """Take one event in."""
        name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        told = getattr(event, event.WhichOneof("attributes"))
        if name == "WORKFLOW_EXECUTION_STARTED":
            self.workflow = told.workflow_type.name
        elif name in PARTING:
            self.groups.append([])
        if name in OUTCOMES:
            number, said = OUTCOMES[name]
            self.by_id[getattr(told, number)].outcome = said
        elif name in COMMANDS:
            self.add(event.event_id, *COMMANDS[name](told))


def _code(told: Any) -> str:
    """The code of a failure, where there is one."""
    failure: Failure = getattr(told, "failure", Failure())
    while failure.HasField("cause"):
        failure = failure.cause
    code = failure.application_failure_info.type
    return f" ({code})" if code else ""


def _marker(told: Any) -> tuple[str, str]:
    data = told.details["patch-data"].payloads if "patch-data" in told.details else []
    return (f"marker {told.marker_name} {' '.join(each.data.decode() for each in data)}".rstrip(), "")


def _plain(text: str) -> Callable[[Any], tuple[str, str]]:
    return lambda told: (text, "")


COMMANDS: dict[str, Callable[[Any], tuple[str, str]]] = {
    "ACTIVITY_TASK_SCHEDULED": lambda told: (f"activity {told.activity_type.name}", "open"),
    "ACTIVITY_TASK_CANCEL_REQUESTED": _plain("cancel an activity"),
    "TIMER_STARTED": lambda told: ("timer", "open"),
    "TIMER_CANCELED": _plain("cancel a timer"),
    "START_CHILD_WORKFLOW_EXECUTION_INITIATED": lambda told: (f"child {told.workflow_type.name}", "open"),
    "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED": _plain("cancel a child"),
    "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED": lambda told: (f"send signal {told.signal_name}", ""),
    "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES": lambda told: (
        f"search attributes {', '.join(sorted(told.search_attributes.indexed_fields))}",
        "",
    ),
    "MARKER_RECORDED": _marker,
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED": lambda told: (f"update {told.accepted_request.input.name}", "open"),
    "WORKFLOW_EXECUTION_SIGNALED": lambda told: (f"<- signal {told.signal_name}", ""),
    "WORKFLOW_EXECUTION_CANCEL_REQUESTED": _plain("<- cancellation"),
    "WORKFLOW_EXECUTION_COMPLETED": _plain("end: completed"),
    "WORKFLOW_EXECUTION_FAILED": lambda told: (f"end: failed{_code(told)}", ""),
    "WORKFLOW_EXECUTION_CANCELED": _plain("end: cancelled"),
    "WORKFLOW_EXECUTION_TIMED_OUT": _plain("<- out of time"),
    "WORKFLOW_EXECUTION_TERMINATED": _plain("<- terminated"),
    "WORKFLOW_EXECUTION_CONTINUED_AS_NEW": _plain("end: goes on in a new run"),
}
"""What is told of an event, and how it stands as long as nothing follows."""

PARTING = ("WORKFLOW_TASK_COMPLETED", "WORKFLOW_EXECUTION_SIGNALED", "WORKFLOW_EXECUTION_CANCEL_REQUESTED")
"""What comes before things that were asked for at another time."""

_SCHEDULED, _STARTED, _CHILD = "scheduled_event_id", "started_event_id", "initiated_event_id"
OUTCOMES = {
    "ACTIVITY_TASK_COMPLETED": (_SCHEDULED, "completed"),
    "ACTIVITY_TASK_FAILED": (_SCHEDULED, "failed"),
    "ACTIVITY_TASK_TIMED_OUT": (_SCHEDULED, "timed out"),
    "ACTIVITY_TASK_CANCELED": (_SCHEDULED, "cancelled"),
    "TIMER_FIRED": (_STARTED, "fired"),
    "START_CHILD_WORKFLOW_EXECUTION_FAILED": (_CHILD, "was there already"),
    "CHILD_WORKFLOW_EXECUTION_COMPLETED": (_CHILD, "completed"),
    "CHILD_WORKFLOW_EXECUTION_FAILED": (_CHILD, "failed"),
    "CHILD_WORKFLOW_EXECUTION_CANCELED": (_CHILD, "cancelled"),
    "CHILD_WORKFLOW_EXECUTION_TIMED_OUT": (_CHILD, "timed out"),
    "CHILD_WORKFLOW_EXECUTION_TERMINATED": (_CHILD, "terminated"),
    "WORKFLOW_EXECUTION_UPDATE_COMPLETED": ("accepted_event_id", "completed"),
}
"""By the event that tells an outcome: the field that names the command's event, and the word."""


def fingerprint(history: WorkflowHistory, *, in_any_order: bool = False) -> str:
    """The fingerprint of a history.

    Args:
        history: of one run of a process.
        in_any_order: whether its chains of steps race. Then only what comes once has a place in the order.
    """
    reader = _Reader()
    for event in history.events:
        reader.read(event)
    groups = [group for group in reader.groups if group]
    told = _unordered(groups) if in_any_order else _ordered(groups)
    return f"workflow {reader.workflow}\n\n" + "\n".join(told) + "\n"


def _ordered(groups: Sequence[Sequence[Entry]]) -> Iterator[str]:
    for number, group in enumerate(groups):
        if number:
            yield ""
        yield from _folded([str(each) for each in group])


def _unordered(groups: Sequence[Sequence[Entry]]) -> Iterator[str]:
    entries = [each for group in groups for each in group]
    kinds = Counter(each.text for each in entries)
    placed = {each for each, count in kinds.items() if count == 1 and not each.startswith("update")}
    yield from ["in this order:", ""]
    yield from [str(each) for each in entries if each.text in placed]
    yield from ["", "in any order:", ""]
    yield from _folded(sorted(str(each) for each in entries if each.text not in placed))


def _folded(lines: Sequence[str]) -> Iterator[str]:
    for line, same in groupby(lines):
        count = len(list(same))
        yield line if count == 1 else f"{line}  (x{count})"
