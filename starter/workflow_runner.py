"""What runs workflow code."""

from dataclasses import replace

from temporalio.common import VersioningBehavior
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from typing_extensions import override


class UnversionedRunner(UnsandboxedWorkflowRunner):
    """Says nothing of what a workflow wants when the version changes: the server refuses it of one without."""

    @override
    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        defn = replace(det.defn, versioning_behavior=VersioningBehavior.UNSPECIFIED)
        return super().create_instance(replace(det, defn=defn))


def workflow_runner(versioned: bool = False) -> SandboxedWorkflowRunner:
    """The sandbox of workers, tests and replays: deterministic calls only.

    Modules are passed through, so that a run costs no re-import; what workflow code may call stays restricted.

    Args:
        versioned: whether the worker is one version of a deployment.
    """
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_all_modules(),
        runner_class=UnsandboxedWorkflowRunner if versioned else UnversionedRunner,
    )
