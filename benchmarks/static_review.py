"""A warm review against the same analysers started by hand."""

import argparse
import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from activities.experts.analyser import Completed, Limits
from activities.experts.panel import PanelAnalyst
from activities.ports import SourceTree
from benchmarks.projects import installed_project
from benchmarks.rounds import Target, alternate, ratio, show, timed, verdict
from benchmarks.service import Review, client_of, review, running_stack
from models.expert import ExpertName
from models.source import SourceManifest
from starter.intake.collect import collect

MOST = 1.5


@dataclass(frozen=True, slots=True)
class Call:
    """One analyser as somebody would start it in a terminal."""

    argv: tuple[str, ...]
    stdin: bytes

    def __call__(self) -> bytes:
        return subprocess.run(self.argv, input=self.stdin, capture_output=True, check=False).stdout


class Recorder:
    """Takes the sandbox's place: runs everything unprotected and remembers what it was."""

    isolation = "none"

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def run(
        self,
        argv: list[str],
        *,
        tree: Path,
        extra_read: tuple[Path, ...] = (),
        stdin: bytes = b"",
        limits: Limits | None = None,
    ) -> Completed:
        """Run a program; see `activities.experts.analyser.Sandbox`."""
        self.calls.append(Call(tuple(argv), stdin))
        done = await asyncio.to_thread(subprocess.run, argv, input=stdin, capture_output=True, check=False)
        return Completed("exited", done.returncode, done.stdout, done.stderr)


def calls_of(root: Path, manifest: SourceManifest) -> list[Call]:
    """Every command line that the panel uses for a source."""
    recorder = Recorder()
    tree = SourceTree(root=root, manifest=manifest, artifacts={})

    async def record() -> None:
        analyst = PanelAnalyst(recorder)
        for expert in ExpertName:
            await analyst.analyse(expert, tree)

    asyncio.run(record())
    return recorder.calls


def by_hand(calls: Sequence[Call], at_once: int) -> None:
    """All analysers in a pool of threads, and nothing else."""
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(Call.__call__, calls))


def tool_of(call: Call) -> str:
    """What to call a command line in a table: the program, or the script and its first word."""
    if not call.argv[0].endswith("python") and "python3" not in Path(call.argv[0]).name:
        return Path(call.argv[0]).name
    words = [Path(word).name for word in call.argv[1:] if not word.startswith("-")]
    return " ".join(words[:2])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", nargs="?", type=Path, help="folder to review; about 6,000 installed lines if none")
    parser.add_argument("--lines", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tools", action="store_true", help="also time every command line alone")
    asked = parser.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="conclave-bench-") as name:
        folder = Path(name, "project")
        if asked.project:
            shutil.copytree(asked.project, folder)
        else:
            installed_project(folder, asked.lines)
        compare(folder, asked.rounds, cores, asked.tools)


def compare(folder: Path, rounds: int, cores: int, tools: bool) -> None:
    """Both ways over one folder."""
    client = client_of(running_stack())
    # The first review and the recording warm both sides: compiled modules, rule files, pages of the programs.
    upload = collect(folder)
    first = review(client, upload)
    calls = calls_of(folder, first.manifest)
    done: list[Review] = []

    def whole() -> float:
        done.append(review(client, folder))
        return done[-1].seconds

    costs = alternate({"review": whole, "hand": lambda: timed(lambda: by_hand(calls, cores))}, rounds)
    client.close()
    lines = sum(file.lines for file in first.manifest.files)
    rows = [
        (number + 1, f"{a:.2f} s", f"{one.intake_seconds:.2f} s", f"{b:.2f} s", f"{a / b:.2f}")
        for number, (a, b, one) in enumerate(zip(costs["review"], costs["hand"], done, strict=True))
    ]
    title = f"{len(first.manifest.files)} files, {lines:,} lines, {len(calls)} analyser calls, {cores} at once"
    show(title, ("round", "review", "of it intake", "by hand", "ratio"), rows)
    if tools:
        alone = sorted(((timed(call), tool_of(call)) for call in calls), reverse=True)
        show("Each call alone", ("tool", "seconds"), [(tool, f"{seconds:.2f}") for seconds, tool in alone])
    verdict([Target("review / by hand, median of rounds", ratio(costs["review"], costs["hand"]), MOST)])


if __name__ == "__main__":
    main()
