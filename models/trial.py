"""Trials: a candidate that reviews a share of the live traffic in the background, beside stable."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from models.reason import Reason
from models.reviewer_config import ConfigHash
from models.trial_report import TrialReport
from models.wire import Wire

PAYER = "conclave-trials"
"""Who owns the candidate's reviews and pays for them: nobody can be called that, so nobody's list has them."""


class TrialStatus(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"
    """At most one."""
    STOPPED = "stopped"


SharePercent = Annotated[int, Field(ge=1, le=100)]


class TrialRequest(Wire):
    """Body of `POST /trials`."""

    experiment_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    """Whose configuration is the candidate."""
    share_percent: SharePercent = 10
    """Of the repositories that are reviewed."""


class StopRequest(Wire):
    """Body of `POST /trials/{id}/stop`."""

    reason: Reason


def repository_key(owner: str, label: str) -> str:
    """What stands for a repository.

    A submission names none. What stays the same from one review of a repository to the next is who submits it and the
    label: the name of the folder or file.
    """
    return f"{owner}\0{label}"


def chosen(repository: str, trial_id: str, share_percent: int) -> bool:
    """Whether a trial covers a repository: always or never, and by chance for another trial.

    Args:
        repository: of `repository_key`.
        trial_id: of the trial.
        share_percent: of the repositories; a larger share covers what a smaller one does, and more.
    """
    digest = hashlib.sha256(f"{trial_id}\0{repository}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8]) * 100 < share_percent << 64


def candidate_review_id(trial_id: str, review_id: str) -> str:
    """Id of the candidate's review of what a live review is about: always the same, so that there is one."""
    return hashlib.sha256(f"{trial_id}:{review_id}".encode()).hexdigest()[:32]


class Trial(Wire):
    """A candidate beside stable."""

    id: str
    experiment_id: str
    config_hash: ConfigHash
    share_percent: SharePercent
    status: TrialStatus
    started_by: str
    started_at: datetime
    stopped_at: datetime | None = None
    reason: str | None = None
    """Why it was stopped."""
    report: TrialReport | None = None
    """None in a list."""


class TrialPage(Wire):
    """Some trials, newest first; the running one, if there is one, is the first."""

    trials: tuple[Trial, ...] = ()
    next_cursor: str | None = None
