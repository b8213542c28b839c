"""`conclave worker`: options of the process, and the probe."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from models.ids import Queue
from models.worker_health import Probe, WorkerBeat, why_not_alive, why_not_ready
from starter.read_settings import settings_or_exit

PROBES: dict[Probe, Callable[[WorkerBeat, datetime], str | None]] = {
    "live": why_not_alive,
    "ready": why_not_ready,
}
NOT_WELL = 1


def check(probe: Probe, queues: Sequence[Queue]) -> int:
    """Whether the workers of this home are alive, or take work; 0: all of them, 1: not, with one line each.

    Args:
        probe: what is asked.
        queues: look at the workers that serve one of these only; none: at all.
    """
    from starter.worker_health import beats_folder, read

    beats = read(beats_folder(settings_or_exit().home))
    asked = [beat for beat in beats if not queues or set(queues) & set(beat.queues)]
    if not asked:
        print("conclave worker: no worker runs here [no_worker]", file=sys.stderr)
        return NOT_WELL
    now = datetime.now(UTC)
    wrong = [(beat, code) for beat in asked if (code := PROBES[probe](beat, now))]
    for beat, code in wrong:
        print(f"conclave worker: pid {beat.pid} ({', '.join(beat.queues)}): not {probe} [{code}]", file=sys.stderr)
    if not wrong:
        print("\n".join(f"pid {beat.pid} ({', '.join(beat.queues)}): {probe}" for beat in asked))
    return NOT_WELL if wrong else 0
