"""How long the command line lets somebody wait: its help, and a warm start of the local stack."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.rounds import Target, show, timed, verdict

CONCLAVE = Path(sys.executable).with_name("conclave")
MOST_HELP, MOST_UP = 0.4, 8.0
HINTS = 10


def run(*words: str, home: str) -> None:
    """Run the command with a home of its own."""
    subprocess.run([CONCLAVE, *words], env={**os.environ, "CONCLAVE_HOME": home}, stdout=subprocess.DEVNULL, check=True)


def slow_imports() -> list[tuple[str, str]]:
    """What the help imports, the slowest first, with what each imports in turn."""
    code = "from starter.cli import main; main()"
    argv = [sys.executable, "-X", "importtime", "-c", code, "--help"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=False).stderr.splitlines()[1:]
    rows = [line.removeprefix("import time:").split("|") for line in lines if line.count("|") == 2]
    slowest = sorted(((int(total), name.strip()) for _, total, name in rows), reverse=True)[:HINTS]
    return [(name, f"{total / 1000:.0f} ms") for total, name in slowest]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="calls of the help")
    parser.add_argument("--starts", type=int, default=3, help="warm starts of the stack")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conclave-bench-", ignore_cleanup_errors=True) as name:
        home = str(Path(name, "home"))
        floor = [timed(lambda: subprocess.run([sys.executable, "-c", ""], check=True)) for _ in range(asked.rounds)]
        helps = [timed(lambda: run("--help", home=home)) for _ in range(asked.rounds)]
        try:
            cold = timed(lambda: run("up", home=home))
            starts: list[float] = []
            for _ in range(asked.starts):
                run("down", home=home)
                starts.append(timed(lambda: run("up", home=home)))
        finally:
            run("down", home=home)
    rows = [
        ("python -c ''", f"{median(floor):.2f} s", f"{min(floor):.2f} s", f"{max(floor):.2f} s"),
        ("conclave --help", f"{median(helps):.2f} s", f"{min(helps):.2f} s", f"{max(helps):.2f} s"),
        ("conclave up, first (databases are made)", f"{cold:.2f} s", "", ""),
        ("conclave up, warm", f"{median(starts):.2f} s", f"{min(starts):.2f} s", f"{max(starts):.2f} s"),
    ]
    show("Waiting for the command line", ("what", "median", "least", "most"), rows)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"help / bare interpreter: {median(helps) / median(floor):.1f}; load: {load:.1f} processes a core")
    targets = [
        Target("conclave --help", median(helps), MOST_HELP, " s"),
        Target("conclave up, warm", median(starts), MOST_UP, " s"),
    ]
    if not targets[0].met:
        show("Imports of the help", ("module", "with its own imports"), slow_imports())
    verdict(targets)


if __name__ == "__main__":
    main()
