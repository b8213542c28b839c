"""What SARIF says about files that were not analysed and experts that did not deliver."""

from collections.abc import Iterator
from urllib.parse import quote

from models.digest import Gap, gaps, why, words
from models.review import ExpertStatus, ReviewReport

MAX_NOTIFICATIONS = 1000
"""Notifications in one run; what is beyond is counted in a last one."""

_KINDS = {
    "expert-failed": "An expert failed: its silence is no praise.",
    "expert-degraded": "An expert delivered its static half only.",
    "file-not-analysed": "An analyser meant for a file could not analyse it.",
    "file-skipped": "A file is not part of the reviewed source.",
    "isolation-limited": "The analysers ran without a network-less namespace.",
}
DESCRIPTORS: list[dict[str, object]] = [
    {"id": kind, "shortDescription": {"text": text}} for kind, text in _KINDS.items()
]


def notifications(report: ReviewReport) -> list[dict[str, object]]:
    """Every reason to trust the run less, experts first, then files by reason."""
    found = list(_all(report))
    if len(found) <= MAX_NOTIFICATIONS:
        return found
    rest = len(found) - MAX_NOTIFICATIONS + 1
    text = f"{rest} more files were not analysed or skipped; the JSON report lists them."
    return [*found[: MAX_NOTIFICATIONS - 1], _notification("file-not-analysed", "warning", text)]


def artifact_location(path: str) -> dict[str, object]:
    """A path below the root; quoted, so that a colon or `%` in a name does not make another address of it."""
    return {"uri": quote(path, safe="/"), "uriBaseId": "%SRCROOT%"}


def _all(report: ReviewReport) -> Iterator[dict[str, object]]:
    for each in report.experts:
        because = f": {why(each.reason)}" if each.reason else ""
        if each.status is ExpertStatus.FAILED:
            yield _notification("expert-failed", "error", f"The {each.expert} expert failed{because}.")
        if each.status is ExpertStatus.DEGRADED:
            yield _notification("expert-degraded", "warning", f"The {each.expert} expert is degraded{because}.")
    if report.isolation != "namespaces":
        text = f"Isolation of the analysers: {words(report.isolation)}."
        yield _notification("isolation-limited", "note", text)
    for gap in gaps(report):
        for path in gap.paths:
            yield _file(gap, path)


def _file(gap: Gap, path: str) -> dict[str, object]:
    if not gap.experts:
        kind, text = "file-skipped", f"Skipped: {why(gap.reason)}."
    else:
        by = ", ".join(gap.tools) or "any analyser"
        experts = ", ".join(gap.experts)
        kind, text = "file-not-analysed", f"Not analysed by {by} for {experts}: {why(gap.reason)}."
    location = {"physicalLocation": {"artifactLocation": artifact_location(path)}}
    return {**_notification(kind, "warning", text), "locations": [location]}


def _notification(kind: str, level: str, text: str) -> dict[str, object]:
    return {"descriptor": {"id": kind}, "level": level, "message": {"text": text}}
