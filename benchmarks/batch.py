"""The static halves of many samples, batched, against the same analysers started once over a flat folder of them."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from activities.experts.batch import BatchPanel
from activities.experts.panel import PANEL, PanelAnalyst
from activities.experts.sandbox import KernelSandbox
from activities.ports import SourceBatch, SourceTree
from benchmarks.rounds import Target, alternate, ratio, show, timed, verdict
from benchmarks.static_review import by_hand, calls_of
from models.dataset import SampleLine
from models.dataset_samples import upload_of
from models.intake import AcceptedSource, SourceUpload, UploadedFile
from models.source import MAX_FILES, MAX_SOURCE_BYTES
from starter.intake.accept import accept

DATASET = Path(__file__).parent.parent / "examples" / "dataset" / "conclave-demo.jsonl"
MOST = 3.0
ALONE = 10
"""Samples that are also analysed one by one, to tell what that would cost."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", type=Path, default=DATASET, help="JSONL file; the shipped one if none")
    parser.add_argument("--samples", type=int, default=219, help="the first so many")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rows = asked.dataset.read_text(encoding="utf-8").splitlines()
    lines = [SampleLine.model_validate_json(row) for row in rows if row.strip()][: asked.samples]
    with tempfile.TemporaryDirectory(prefix="conclave-bench-") as name:
        compare(Path(name), lines, asked.rounds)


def compare(folder: Path, lines: Sequence[SampleLine], rounds: int) -> None:
    """Both ways over the same samples, and a few samples one by one."""
    cores = os.cpu_count() or 1
    batch = SourceBatch(
        folder / "batch",
        tuple(laid_out(folder / "batch" / f"s{place}", upload_of(line)) for place, line in enumerate(lines)),
    )
    files = tuple(
        UploadedFile(path=f"s{place:05}_{file.path}", text=file.text)
        for place, line in enumerate(lines)
        for file in upload_of(line).files
    )
    flat = laid_out(folder / "flat", SourceUpload(label="flat", files=files))
    calls = calls_of(flat.root, flat.manifest)
    sides = {
        "batched": lambda: timed(lambda: asyncio.run(together(batch))),
        "flat": lambda: timed(lambda: by_hand(calls, cores)),
    }
    for side in sides.values():
        side()  # warms both: compiled modules, rule files, pages of the programs
    costs = alternate(sides, rounds)
    few = batch.trees[:: max(len(lines) // ALONE, 1)][:ALONE]
    alone = timed(lambda: asyncio.run(one_by_one(few))) / len(few)
    shown = [
        (number + 1, f"{a:.2f} s", f"{b:.2f} s", f"{a / b:.2f}")
        for number, (a, b) in enumerate(zip(costs["batched"], costs["flat"], strict=True))
    ]
    title = f"{len(lines)} samples, {len(calls)} analyser calls over the flat folder, {cores} at once"
    show(title, ("round", "batched", "flat", "ratio"), shown)
    print(f"One by one a sample takes {alone:.2f} s: {alone * len(lines):.0f} s for all.")
    verdict([Target("batched / flat, median of rounds", ratio(costs["batched"], costs["flat"]), MOST)])


def laid_out(root: Path, upload: SourceUpload) -> SourceTree:
    """A source on disk as the store lays it out."""
    limits = {"max_files": MAX_FILES, "max_source_bytes": MAX_SOURCE_BYTES}
    source: AcceptedSource = accept(upload, source_id="0" * 32, **limits)
    for path, text in source.texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8", newline="")
    return SourceTree(root=root, manifest=source.manifest, artifacts={})


async def together(batch: SourceBatch) -> None:
    """All experts over all samples."""
    panel = BatchPanel(KernelSandbox())
    await asyncio.gather(*(panel.analyse_many(expert, batch) for expert in PANEL))


async def one_by_one(trees: Sequence[SourceTree]) -> None:
    """All experts over one sample after another."""
    panel = PanelAnalyst(KernelSandbox())
    for tree in trees:
        await asyncio.gather(*(panel.analyse(expert, tree) for expert in PANEL))


if __name__ == "__main__":
    main()
