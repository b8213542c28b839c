"""Names of processes and queues. Opaque: they stay in clear text in Temporal."""

import re

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


def analysis_queue(prefix: str) -> str:
    """Queue of the workers that run analysers: bound by processor."""
    return f"{prefix}-analysis"


def orchestration_queue(prefix: str) -> str:
    """Queue of the workers that run workflows."""
    return f"{prefix}-orchestration"


def models_queue(prefix: str) -> str:
    """Queue of the workers that ask models: bound by waiting."""
    return f"{prefix}-models"
