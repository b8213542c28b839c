"""Names of processes and queues. Opaque: they stay in clear text in Temporal."""

import re
from enum import StrEnum

ID = re.compile(r"^[0-9a-f]{32}\Z")
"""Identifiers are 128 random bits in hexadecimal digits, made where the thing is made."""


def review_workflow_id(review_id: str) -> str:
    """Id of the process that runs a review."""
    return f"review-{review_id}"


def promotion_workflow_id(promotion_id: str) -> str:
    """Id of the process that waits for a promotion's approvers."""
    return f"promotion-{promotion_id}"


def key_rotation_workflow_id(prefix: str) -> str:
    """Id of the process that wraps stored keys anew: one for all, so that two at once are one."""
    return f"key-rotation-{prefix}"


def audit_checkpoint_id(prefix: str) -> str:
    """Id of the process that signs the audit chain because somebody asked: one for all who ask at once."""
    return f"{prefix}-audit-checkpoint-asked"


def experiment_workflow_id(experiment_id: str) -> str:
    """Id of the process that runs an experiment."""
    return f"experiment-{experiment_id}"


def comparison_workflow_id(comparison_id: str) -> str:
    """Id of the process that compares two configurations."""
    return f"comparison-{comparison_id}"


class Queue(StrEnum):
    """Kinds of work, each with a task queue of its own; a worker serves some or all of them."""

    ORCHESTRATION = "orchestration"
    """Workflows and the short steps beside them."""
    ANALYSIS = "analysis"
    """Analysers: bound by processor."""
    MODELS = "models"
    """Questions to models: bound by waiting."""


def queue_name(prefix: str, queue: Queue) -> str:
    """Name of a task queue."""
    return f"{prefix}-{queue}"


def analysis_queue(prefix: str) -> str:
    """Queue of the workers that run analysers."""
    return queue_name(prefix, Queue.ANALYSIS)


def orchestration_queue(prefix: str) -> str:
    """Queue of the workers that run workflows."""
    return queue_name(prefix, Queue.ORCHESTRATION)


def models_queue(prefix: str) -> str:
    """Queue of the workers that ask models."""
    return queue_name(prefix, Queue.MODELS)
