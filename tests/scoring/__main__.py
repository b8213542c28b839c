"""Score the static experts on labelled samples.

`python -m tests.scoring FILE.jsonl ...` prints precision, recall, false-positive rate and F1 for the panel, each expert
and each tool alone (so bandit or ruff alone are the rows to beat), inside each sample's scope: by sample, on whatever
line. The last columns are as in experiments: labels and findings that are matched, one to one and by line, and samples
judged right.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from models.expert import ExpertName
from tests.scoring.panel import EXPERTS, findings_of
from tests.scoring.samples import Sample, read_samples
from tests.scoring.table import HEADER, Findings, Scores, baselines, breakdown, row, wrong


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split(","))


def _experts(text: str) -> tuple[ExpertName, ...]:
    return tuple(ExpertName(name) for name in text.split(","))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.scoring", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="JSONL files of labelled samples")
    parser.add_argument("--tools", type=_names, help="run only these analysers, by commas")
    parser.add_argument("--experts", type=_experts, default=EXPERTS, help="ask only these experts, by commas")
    parser.add_argument("--languages", type=_names, help="only samples in these languages, by commas")
    parser.add_argument("--baselines", action="store_true", help="only the panel beside each tool alone")
    parser.add_argument("--scope", action="store_true", help="break down by CWE or upstream rule too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--misses", action="store_true", help="list the ids of wrongly judged samples")
    return parser.parse_args()


def _print_tables(scores: Scores, options: argparse.Namespace) -> None:
    shown = {by: group for by, group in scores.items() if by != "scope" or options.scope}
    for by, group in (baselines(scores) if options.baselines else shown).items():
        for name, it in group.items():
            print(row(f"{by}: {name}", it))


def _report(dataset: str, members: list[Sample], findings: Findings, options: argparse.Namespace) -> dict[str, object]:
    scores = breakdown(members, findings)
    result: dict[str, object] = {by: {name: it.as_dict() for name, it in group.items()} for by, group in scores.items()}
    mistakes = wrong(members, findings) if options.misses else None
    if mistakes is not None:
        result["wrong"] = mistakes
    if not options.json:
        print(f"\n{dataset}\n{HEADER}")
        _print_tables(scores, options)
        if mistakes is not None:
            print(json.dumps(mistakes, indent=1))
    return result


def main() -> int:
    """Print the tables."""
    options = _arguments()
    samples = [it for it in read_samples(options.files) if not options.languages or it.language in options.languages]
    findings = asyncio.run(findings_of(samples, options.experts, options.tools))
    datasets = dict.fromkeys(it.dataset for it in samples)
    result = {name: _report(name, [it for it in samples if it.dataset == name], findings, options) for name in datasets}
    if options.json:
        json.dump(result, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
