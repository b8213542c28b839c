"""What is written to the log: ids and codes, never content."""

import json
import logging
import sys

import pytest

from starter.logs import JsonLines

SECRET = "canary-9d2f"


def line(record: logging.LogRecord) -> dict[str, str]:
    text = JsonLines().format(record)
    assert "\n" not in text
    return json.loads(text)


def record(name: str, text: str, *values: object, error: Exception | None = None) -> logging.LogRecord:
    info = None
    if error is not None:
        try:
            raise error
        except Exception:
            info = sys.exc_info()
    return logging.LogRecord(name, logging.WARNING, __file__, 1, text, values, info)


def test_our_own_messages_are_an_event_with_ids() -> None:
    seen = line(record("conclave.api", "review_ended_without_report review_id=%s status=%s", "ab12", "failed"))
    assert {"event": "review_ended_without_report", "review_id": "ab12", "status": "failed"}.items() <= seen.items()
    assert (seen["level"], seen["logger"]) == ("warning", "conclave.api")
    assert seen["time"].endswith("+00:00")


def test_extras_are_ids_too_and_no_text() -> None:
    entry = record("activities.quota.gate", "cost_above_reservation")
    entry.reservation, entry.quote = "0af3", f"def f(): '{SECRET}'"
    seen = line(entry)
    assert seen["reservation"] == "0af3"
    assert SECRET not in json.dumps(seen)


@pytest.mark.parametrize(
    "entry",
    [
        record("temporalio.worker", "Completing activity as failed", error=ValueError(SECRET)),
        record("httpx", "HTTP Request: %s", f"https://x?key={SECRET}"),
        record("asyncio", f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{SECRET}')>"),
        record("conclave.api", "broken", error=KeyError(SECRET)),
        record("conclave.api", "odd name=%s", f"'{SECRET}'"),
    ],
    ids=lambda entry: entry.name,
)
def test_exceptions_and_arguments_of_libraries_stay_out(entry: logging.LogRecord) -> None:
    seen = line(entry)
    assert SECRET not in json.dumps(seen)
    if entry.exc_info:
        assert seen["error"] in ("ValueError", "KeyError")
        assert seen["at"].startswith("tests.starter.test_logs:")
