"""How much memory a worker needs while it reviews a large project."""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import psutil

from benchmarks.projects import installed_project
from benchmarks.rounds import Target, show, verdict
from benchmarks.service import client_of, review, running_stack

MOST = 300.0
EVERY_SECONDS = 0.05
MIB = 1024 * 1024


class Watch(threading.Thread):
    """Samples the resident memory of one process, not of those it starts, until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self.samples: list[tuple[float, float]] = []
        """Time and MiB."""

    def run(self) -> None:
        """Sample."""
        while not self._done.wait(EVERY_SECONDS):
            self.samples.append((time.perf_counter(), self._process.memory_info().rss / MIB))

    def stop(self) -> None:
        """Stop, and wait for the last sample."""
        self._done.set()
        self.join()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", nargs="?", type=Path, help="folder to review; installed packages if none")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2, help="reviews one after another: a leak would show")
    asked = parser.parse_args()
    stack = running_stack()
    client = client_of(stack)
    with tempfile.TemporaryDirectory(prefix="conclave-bench-") as name:
        folder: Path = asked.project or Path(name)
        if not asked.project:
            installed_project(folder, asked.lines)
        rows: list[tuple[object, ...]] = []
        peak = 0.0
        for number in range(asked.rounds):
            watch = Watch(stack.pids["worker"])
            watch.start()
            done = review(client, folder)
            watch.stop()
            used = [mib for _, mib in watch.samples]
            peak = max(peak, *used)
            lines = sum(file.lines for file in done.manifest.files)
            findings = sum(done.report.totals.values()) if done.report else 0
            rows.append(
                (number + 1, f"{len(done.manifest.files):,}", f"{lines:,}", done.status, findings)
                + (f"{done.seconds:.0f} s", f"{used[0]:.0f} MiB", f"{max(used):.0f} MiB", f"{used[-1]:.0f} MiB")
            )
    client.close()
    columns = ("review", "files", "lines", "status", "findings", "took", "before", "most", "after")
    show("Resident memory of the worker process", columns, rows)
    verdict([Target("peak of the worker's resident memory", peak, MOST, " MiB", digits=0)])


if __name__ == "__main__":
    main()
