"""Labelled samples: what a reviewer is measured on."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from models.expert import Cwe, Severity
from models.paths import path_problem
from models.source import MAX_FILE_BYTES, Language, language_of
from models.wire import Wire

MAX_SAMPLES = 20_000
MAX_SAMPLE_CHARACTERS = 200_000
MAX_LABELS = 100
MAX_TYPES = 1_000
"""Different types of labels in one dataset."""

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_SEPARATOR = re.compile(r"[/\\]")
_C_FAMILY = {Language.C, Language.CPP}
"""Told apart by their users, not by every collection: C code is often filed under C++."""

SampleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$", max_length=120)]
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
DatasetName = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$", max_length=60)]
Rule = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+-]*$", max_length=120)]
LabelType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._/-]*$", max_length=120)]
"""A slug, or `category/slug`."""


class Split(StrEnum):
    """Which part of a dataset a sample is in; samples of one group are never apart."""

    DEV = "dev"
    TEST = "test"


class Label(Wire):
    """One known issue of a sample."""

    type: LabelType
    cwe: Cwe | None = None
    severity: Severity | None = None
    line_start: int = Field(ge=1)
    line_end: int = Field(ge=1)
    rule: Rule | None = None
    """The rule that gives the label, where a tool's rules were the source. Never shown to a reviewer."""

    @model_validator(mode="after")
    def _ordered(self) -> "Label":
        if self.line_end < self.line_start:
            raise ValueError("line_end is before line_start")
        return self


class Scope(Wire):
    """What a sample was checked for. Findings outside are neither right nor wrong; an empty scope is everything."""

    cwes: Annotated[tuple[Cwe, ...], Field(max_length=200)] = ()
    rules: Annotated[tuple[Rule, ...], Field(max_length=200)] = ()

    @property
    def open(self) -> bool:
        """Whether every finding counts."""
        return not self.cwes and not self.rules


class SampleLine(BaseModel):
    """One line of a dataset file, as JSON. Fields not named here are kept beside the sample, unseen by the reviewer."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, use_attribute_docstrings=True)

    id: SampleId
    language: Language
    filename: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    """Only the last part of the path, `name`, is shown to a reviewer. Its ending says the language."""
    code: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SAMPLE_CHARACTERS)]
    labels: Annotated[tuple[Label, ...], Field(max_length=MAX_LABELS)] = ()
    clean: bool
    """Nothing of the scope is wrong with it; the same as having no labels."""
    source: Annotated[str, StringConstraints(max_length=400)] = ""
    """Where it is from. Never shown to a reviewer: it often gives the answer away."""
    licence: Annotated[str, StringConstraints(max_length=120)] = ""
    scope: Scope = Scope()
    group: Annotated[str, StringConstraints(min_length=1, max_length=120)] | None = None
    """Samples cut from one file share it; None: the sample is a group of its own."""
    split: Split | None = None
    """None: chosen by the hash of the group, three of five for `dev`."""

    @property
    def name(self) -> str:
        """File name without folders, of either kind of system."""
        return _SEPARATOR.split(self.filename)[-1]

    @property
    def lines(self) -> int:
        """Lines of the code as editors and analysers number them."""
        return line_count(self.code)

    @model_validator(mode="after")
    def _readable(self) -> "SampleLine":
        problem = path_problem(self.name)
        if problem:
            raise ValueError(f"the last part of `filename` {problem}")
        found = language_of(self.name)
        if found is not self.language and not {found, self.language} <= _C_FAMILY:
            raise ValueError("the ending of `filename` is not one of `language`")
        if not self.code.strip().strip(BOM):
            raise ValueError("`code` is blank")
        if len(self.code.encode()) > MAX_FILE_BYTES:
            raise ValueError(f"`code` is larger than {MAX_FILE_BYTES} bytes")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "SampleLine":
        if self.clean == bool(self.labels):
            raise ValueError("samples with `clean` have no `labels`, all others have some")
        if any(label.line_end > self.lines for label in self.labels):
            raise ValueError(f"a label names a line after the last, which is {self.lines}")
        return self


def line_count(code: str) -> int:
    """Lines that end in LF, CR LF or CR; the last may lack it."""
    text = code.replace("\r\n", "\n").replace("\r", "\n")
    return text.count("\n") + (not text.endswith("\n"))


class Sample(Wire):
    """One stored sample, without its code: that is a source like any other."""

    position: int = Field(ge=0)
    """Place in the dataset: what processes count by."""
    sample_id: SampleId
    source_id: str
    path: str
    """Of the code in its source."""
    language: Language
    split: Split
    group: str
    clean: bool
    labels: tuple[Label, ...] = ()
    scope: Scope = Scope()


class SampleExtra(Wire):
    """What the line of a sample says besides; for people, never for a reviewer."""

    filename: str
    """With its folders."""
    source: str
    licence: str
    other: dict[str, Any] = {}
    """Fields that have no meaning here, unchanged."""


class SampleView(Wire):
    """A sample as people see it."""

    sample: Sample
    extra: SampleExtra


class DatasetStats(Wire):
    """What is in a dataset."""

    samples: int = Field(ge=0)
    clean: int = Field(ge=0)
    labels: int = Field(ge=0)
    groups: int = Field(ge=0)
    lines: int = Field(ge=0)
    by_language: dict[Language, int] = {}
    by_split: dict[Split, int] = {}
    by_type: dict[LabelType, int] = {}
    """Labels, by type."""


class Dataset(Wire):
    """One immutable version of a dataset."""

    id: str
    name: DatasetName
    version: int = Field(ge=1)
    """Counts up per name; importing the same content again gives the version that is there."""
    content_hash: Annotated[str, StringConstraints(pattern=r"^ds:v1:sha256:[0-9a-f]{64}$")]
    stats: DatasetStats
    created_by: str
    created_at: datetime


class DatasetPage(Wire):
    """Some datasets, newest first."""

    datasets: tuple[Dataset, ...] = ()
    next_cursor: str | None = None


class LineProblem(Wire):
    """What is wrong with one line of a dataset file; never the value."""

    line: int = Field(ge=1)
    field: str = ""
    """Empty: the line as a whole."""
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}{f', `{self.field}`' if self.field else ''}: {self.problem}"


def content_hash(lines: Sequence[SampleLine]) -> str:
    """Names a dataset by what its samples say, extra fields included, in their order."""
    digest = hashlib.sha256()
    for line in lines:
        said: dict[str, Any] = line.model_dump(mode="json")
        digest.update(hashlib.sha256(rfc8785.dumps(said)).digest())
    return f"ds:v1:sha256:{digest.hexdigest()}"


class DatasetUpload(Wire):
    """Body of `POST /datasets`."""

    name: DatasetName
    text: str
    """The JSONL file, unchanged."""
