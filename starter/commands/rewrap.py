"""`conclave key rewrap`: stored keys wrapped anew, as a process of the service that this command watches."""

import sys
import time

from models.errors import InvalidInput
from models.key_rotation import RingReport, RotationReport, RotationRequest, RotationStatus, RotationView
from starter.commands.asking import ask, print_json, print_table
from starter.commands.following import left_running
from starter.exit_codes import DONE, INCOMPLETE
from starter.provider_client import ProviderClient

COLUMNS = ("Keys", "Version", "Wrapped anew", "Refused", "Behind", "Older versions")

WAIT_SECONDS = 120.0
RETIRING_SECONDS = 300.0
"""Before older versions are retired the service waits two minutes for each kind of keys."""
EVERY_SECONDS = 1.0
QUIET_SECONDS = 5.0
"""Then a person is told that it takes a while."""


def rewrap_keys(rotate: bool, retire: bool, as_json: bool) -> int:
    """Start or join a rotation and wait for it, within bounds."""
    request = RotationRequest(rotate=rotate, retire=retire)

    def work(client: ProviderClient) -> int:
        seen = _awaited(client, client.start_rotation(request))
        if as_json:
            print_json(seen)
        if seen.status is RotationStatus.FAILED:
            raise InvalidInput(seen.failure or "rotation_ended", f"It failed; {_place(seen)} shows why.", 409)
        for line in _remarks(request, seen):
            print(line, file=sys.stderr)
        if seen.report is None:
            return INCOMPLETE
        if not as_json:
            print_table(COLUMNS, map(_row, seen.report.rings), "There are no keys to wrap.")
        return DONE if seen.report.complete else INCOMPLETE

    return ask("key rewrap", work)


def _awaited(client: ProviderClient, seen: RotationView) -> RotationView:
    from starter.render.working import working

    begun = time.monotonic()
    bound = WAIT_SECONDS + (RETIRING_SECONDS if seen.retire else 0)
    left = left_running("key rewrap", "rotation", seen.workflow_id, "conclave key rewrap")
    with left, working("Wrapping keys anew, which goes on without this command", first=QUIET_SECONDS):
        while seen.status is RotationStatus.RUNNING and (waited := time.monotonic() - begun) < bound:
            time.sleep(min(EVERY_SECONDS, 0.1 + waited / 4))
            seen = client.rotation()
    return seen


def _remarks(request: RotationRequest, seen: RotationView) -> list[str]:
    """What did not go as asked, and what to do."""
    if (request.rotate and not seen.rotate) or (request.retire and not seen.retire):
        return ["Another rotation was under way, begun without these options; run this again to have them."]
    if seen.report is None:
        return [f"It still runs and goes on by itself: {_place(seen)} shows it, and this command joins it again."]
    return [*_unrotated(request, seen.report), *_unretired(request, seen.report), *_behind(seen.report)]


def _unrotated(request: RotationRequest, report: RotationReport) -> list[str]:
    without = [ring.ring for ring in report.rings if not ring.rotated]
    if not request.rotate or not without:
        return []
    return [
        f"No new version was made of the wrapping key of {' and '.join(without)}: the service has no operator's token "
        "(CONCLAVE_VAULT_OPERATOR_TOKEN). Set it, or rotate the key in the key service and run this again."
    ]


def _unretired(request: RotationRequest, report: RotationReport) -> list[str]:
    without = [ring.ring for ring in report.rings if not ring.retired]
    if not request.retire or not without:
        return []
    return [
        f"Older versions of the wrapping key of {' and '.join(without)} still open keys: the service has no operator's "
        "token (CONCLAVE_VAULT_OPERATOR_TOKEN), or keys are behind."
    ]


def _behind(report: RotationReport) -> list[str]:
    return [
        f"{ring.behind} of {ring.ring} are of an older version"
        + (
            f", {ring.refused} of them because the key service does not open them: they were changed."
            if ring.refused
            else "; run this again."
        )
        for ring in report.rings
        if ring.behind
    ]


def _place(seen: RotationView) -> str:
    return seen.workflow_url or f"Temporal's process {seen.workflow_id}"


def _row(ring: RingReport) -> tuple[str, ...]:
    version = ring.mark.strip(":") or "not told"
    old = "retired" if ring.retired else "kept"
    return (ring.ring, version, f"{ring.rewrapped:,}", f"{ring.refused:,}", f"{ring.behind:,}", old)
