"""Vouching for the audit chain when somebody asks, and verifying it as a whole."""

import asyncio
from datetime import timedelta

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy

from activities.experiment_ports import Chain, Checkpoints
from activities.key_ports import KeyServiceRefused
from activities.ports import KeyServiceUnavailable
from models.audit import AuditProblem, AuditVerdict
from models.audit_check import ChainCheck
from models.audit_lines import LineUnreadable
from models.audit_views import CheckpointOrder, CheckpointReport
from models.errors import InvalidInput
from models.failures import FailureType
from models.ids import audit_checkpoint_id, orchestration_queue
from starter.key_rotations import failure_code
from workflows.audit import AuditCheckpointWorkflow

PATIENCE_SECONDS = 20
"""How long somebody who asks waits for the signature."""

LONGEST = timedelta(minutes=5)


async def verify(chain: Chain, checkpoints: Checkpoints) -> AuditVerdict:
    """Follow the chain from its first entry and compare it with every checkpoint; memory does not grow with it.

    While the key service is away the hashes are compared and `checkpoint_signature_ok` stays unknown.
    """
    try:
        known = await checkpoints.read()
    except LineUnreadable:
        return AuditVerdict(intact=False, total=0, verified=0, problem=AuditProblem.BAD_CHECKPOINT)
    try:
        signed = await checkpoints.verifier() if known else None
    except (KeyServiceUnavailable, KeyServiceRefused):
        signed = None
    check = ChainCheck(known, signed)
    async for entry in chain.entries():
        if not check.follow(entry):
            break
    return check.verdict()


async def checkpoint_now(client: Client, prefix: str) -> CheckpointReport:
    """Have the head signed, if there are entries that no checkpoint vouches for.

    Raises:
        InvalidInput: the chain was changed, or it takes too long.
        RPCError: Temporal cannot be reached.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await client.execute_workflow(
                AuditCheckpointWorkflow.run,
                CheckpointOrder(entries=1, seconds=0),
                id=audit_checkpoint_id(prefix),
                task_queue=orchestration_queue(prefix),
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                execution_timeout=LONGEST,
                static_summary="sign the head of the audit chain",
            )
    except TimeoutError:
        raise InvalidInput(
            "checkpoint_pending", "The checkpoint is not signed yet; look at workers and key service.", 503
        ) from None
    except WorkflowFailureError as error:
        code = failure_code(error) or "checkpoint_failed"
        if code == FailureType.AUDIT_BROKEN:
            message = "The audit chain was changed and is not vouched for; `conclave audit verify` shows where."
            raise InvalidInput(code, message, 409) from None
        raise InvalidInput(code, "No checkpoint could be signed; the Temporal UI shows why.", 503) from None
