"""When each step of a review began and ended, from its history in Temporal: names and times, no content."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client


@dataclass(frozen=True, slots=True)
class Step:
    """One activity; seconds of the clock."""

    name: str
    scheduled: float
    started: float
    ended: float


async def steps_of(address: str, workflow_id: str) -> list[Step]:
    """The steps of one review that has ended."""
    client = await Client.connect(address)
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    scheduled: dict[int, tuple[str, float]] = {}
    started: dict[int, float] = {}
    steps: list[Step] = []
    for event in history.events:
        at = event.event_time.seconds + event.event_time.nanos / 1e9
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            asked = event.activity_task_scheduled_event_attributes
            scheduled[event.event_id] = asked.activity_type.name, at
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started[event.activity_task_started_event_attributes.scheduled_event_id] = at
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            number = event.activity_task_completed_event_attributes.scheduled_event_id
            steps.append(Step(*scheduled[number], started[number], at))
    return steps


def marks(began: float, steps: Iterable[Step], ended: float) -> dict[str, float]:
    """Seconds after the submission at which the review got somewhere."""
    by_name: dict[str, list[Step]] = {}
    for step in steps:
        by_name.setdefault(step.name, []).append(step)
    found: dict[str, float] = {}
    for name, told in (("consult_model", "model step"), ("analyse_source", "analysis"), ("publish_report", "report")):
        mine = by_name.get(name, [])
        if mine:
            found[f"{told}: first is scheduled"] = min(each.scheduled for each in mine) - began
            found[f"{told}: last is started"] = max(each.started for each in mine) - began
            found[f"{told}: last has ended"] = max(each.ended for each in mine) - began
    found["the client has the report"] = ended - began
    return found


def medians(rounds: Iterable[dict[str, float]]) -> dict[str, float]:
    """Of each mark."""
    seen = list(rounds)
    return {name: median(each[name] for each in seen) for name in seen[0]}
