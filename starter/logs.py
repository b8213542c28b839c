"""What processes write to their standard error: one JSON object a line, with codes and ids, never content."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

OWN = ("conclave", "activities", "workflows", "starter", "models", "worker")
"""Loggers whose messages are ours: a code, and ids."""
LONGEST = 300
_PLAIN = re.compile(r"[A-Za-z0-9._:/@+-]{1,200}")
_PAIR = re.compile(r"(\w+)=(\S+)")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line: time, level, logger, event, ids.

    Of our own messages the first word is the event, and `name=value` behind it are ids. Of a library's message only the
    first line of its template is told, and of an exception its type and where it was raised: the rest may hold content.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        line |= _own(record) if record.name.partition(".")[0] in OWN else {"event": "library", "text": _first(record)}
        if record.exc_info and record.exc_info[0] is not None:
            line |= _error(record.exc_info)
        return json.dumps(line | _running() | _trace())


def _own(record: logging.LogRecord) -> dict[str, Any]:
    event, _, rest = record.getMessage().partition(" ")
    found: dict[str, Any] = {"event": event[:LONGEST]}
    pairs = dict(_PAIR.findall(rest))
    if rest and not pairs:
        found["text"] = rest.splitlines()[0][:LONGEST]
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    told = {name: value for name, value in (pairs | extra).items() if _tellable(value)}
    return found | told


def _tellable(value: object) -> bool:
    return isinstance(value, (bool, int, float)) or (isinstance(value, str) and bool(_PLAIN.fullmatch(value)))


def _first(record: logging.LogRecord) -> str:
    """The first line of a template, its arguments not filled in."""
    text = str(record.msg) if isinstance(record.msg, str) else type(record.msg).__name__
    return (text.splitlines() or [""])[0][:LONGEST]


def _error(info: tuple[Any, ...]) -> dict[str, Any]:
    kind, _, trace = info
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = {} if trace is None else {"at": f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"}
    return {"error": getattr(kind, "__name__", "")} | place


def _running() -> dict[str, str]:
    """Ids of the step that is running, in a worker."""
    activity = sys.modules.get("temporalio.activity")
    if activity is None or not activity.in_activity():
        return {}
    info = activity.info()
    return {"step": info.activity_type, "workflow_id": info.workflow_id or "", "attempt": str(info.attempt)}


def _trace() -> dict[str, str]:
    """Id of the trace that is being written, if any."""
    trace = sys.modules.get("opentelemetry.trace")
    context = trace.get_current_span().get_span_context() if trace else None
    return {"trace_id": f"{context.trace_id:032x}"} if context and context.is_valid else {}


def configure() -> None:
    """Own messages from INFO, libraries' from WARNING, in UTC."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("conclave").setLevel(logging.INFO)
    # What it says of a collector that is away, it says every second; the numbers tell it, too.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
