"""Score the static experts on labelled samples: `python -m tests.scoring FILE.jsonl ... [--tools bandit]`."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.scoring.direct import TOOLS
from tests.scoring.samples import Sample, lay_out, read_samples
from tests.scoring.table import HEADER, Findings, breakdown, row, wrong


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.scoring", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="JSONL files of labelled samples")
    parser.add_argument("--tools", help="only these tools, by commas")
    parser.add_argument("--scope", action="store_true", help="break down by CWE or upstream rule too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--misses", action="store_true", help="list the ids of wrongly judged samples")
    return parser.parse_args()


def collect(samples: list[Sample], tools: set[str] | None) -> Findings:
    """Run the analysers over all samples at once; findings by sample path."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        placed = lay_out(samples, tree)
        found: Findings = {path: [] for path in placed}
        for name, run in TOOLS.items():
            if tools is None or name in tools:
                for finding in run(tree):
                    found[finding.path].append(finding)
    return found


def main() -> int:
    """Print the tables."""
    options = _arguments()
    samples = read_samples(options.files)
    findings = collect(samples, set(options.tools.split(",")) if options.tools else None)
    result = {}
    for dataset in dict.fromkeys(it.dataset for it in samples):
        members = [it for it in samples if it.dataset == dataset]
        scores = breakdown(members, findings)
        result[dataset] = {by: {name: it.as_dict() for name, it in group.items()} for by, group in scores.items()}
        if options.misses:
            result[dataset]["wrong"] = wrong(members, findings)
        if not options.json:
            print(f"\n{dataset}\n{HEADER}")
            for by, group in scores.items():
                if by != "scope" or options.scope:
                    print("\n".join(row(f"{by}: {name}", it) for name, it in group.items()))
            if options.misses:
                print(json.dumps(result[dataset]["wrong"], indent=1))
    if options.json:
        json.dump(result, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
