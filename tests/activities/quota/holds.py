"""Holds for tests."""

import uuid

from models.reservation import Hold, ReservationKey


def hold(user: str, amount: int, *, workflow: str | None = None, attempt: int = 1, delivery: int = 1) -> Hold:
    workflow = workflow or f"review-{uuid.uuid4().hex}"
    key = ReservationKey(workflow_id=workflow, step="security", attempt=attempt, delivery=delivery)
    return Hold(key=key, user_id=user, expert="security", provider_id="p" * 32, amount_micro_usd=amount)
