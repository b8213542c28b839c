"""What is made of a dataset's lines: splits, statistics, and the part of each that a reviewer may see."""

import hashlib
import textwrap
from collections import Counter
from collections.abc import Sequence

from models.dataset import DatasetStats, SampleExtra, SampleLine, Split
from models.intake import SourceUpload, UploadedFile
from models.source import Language

LABEL = "sample"
"""What the source of every sample is called. The same for all: the same code may be in several datasets."""


def group_of(line: SampleLine) -> str:
    """The group of a sample; one that names none is a group of its own."""
    return line.id if line.group is None else line.group


def hashed_split(group: str) -> Split:
    """The split of a group that states none: about three of five groups are `dev`, always the same ones."""
    return Split.DEV if int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % 5 < 3 else Split.TEST


def splits_of(lines: Sequence[SampleLine]) -> list[Split]:
    """The split of each sample: what a sample of its group states, else by the group's hash."""
    stated = {group_of(line): line.split for line in lines if line.split is not None}
    return [stated.get(group) or hashed_split(group) for group in map(group_of, lines)]


def stats_of(lines: Sequence[SampleLine]) -> DatasetStats:
    """What is in a dataset."""
    return DatasetStats(
        samples=len(lines),
        clean=sum(line.clean for line in lines),
        labels=sum(len(line.labels) for line in lines),
        groups=len(set(map(group_of, lines))),
        lines=sum(line.lines for line in lines),
        by_language=Counter(line.language for line in lines),
        by_split=Counter(splits_of(lines)),
        by_type=Counter(label.type for line in lines for label in line.labels),
    )


def upload_of(line: SampleLine) -> SourceUpload:
    """All that a reviewer sees of a sample: its code and its file name."""
    return SourceUpload(label=LABEL, files=(UploadedFile(path=line.name, text=_shown(line)),))


def _shown(line: SampleLine) -> str:
    """The code; a Python method cut out of its class is moved to the margin, where it parses and keeps its lines."""
    cut_out = line.language is Language.PYTHON and line.code[0] in " \t"
    return textwrap.dedent(line.code) if cut_out else line.code


def extra_of(line: SampleLine) -> SampleExtra:
    """What is kept beside a sample for people."""
    return SampleExtra(filename=line.filename, source=line.source, licence=line.licence, other=line.model_extra or {})
