"""`conclave dataset`: labelled samples that configurations are measured on."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.dataset import NAME, Dataset, DatasetUpload, SampleView
from models.errors import InvalidInput
from models.paths import display_path
from models.source import SkipReason
from starter.commands.asking import ask_versions, print_json, print_table
from starter.intake.entries import read_regular
from starter.version_client import VersionClient

COLUMNS = ("Name", "Version", "Samples", "Clean", "Labels", "Imported, UTC", "By", "Id")
MOST_TYPES = 40
"""Types of labels that are listed."""
MAX_FILE_BYTES = 56 * 1024 * 1024
"""Of a dataset file: with the quotes of JSON it must fit a request."""
LARGE = 1_000_000
"""Characters from which sending is worth a bar."""
STDIN = Path("-")


def import_dataset(path: Path, name: str | None, as_json: bool) -> int:
    """Import a file as the next version of a name."""

    def work(client: VersionClient) -> None:
        dataset = _sent(client, DatasetUpload(name=_name(path, name), text=_text(path)))
        if as_json:
            print_json(dataset)
        else:
            print(f"{dataset.name} version {dataset.version}: {dataset.stats.samples:,} samples, id {dataset.id}")
            way = f"`conclave experiment run --dataset {dataset.name}`"
            print(f"{way} measures the configuration in production on it.", file=sys.stderr)

    return ask_versions("dataset import", work)


def _sent(client: VersionClient, upload: DatasetUpload) -> Dataset:
    """Send a dataset and show how far that is: the service's own look at it takes a while, too."""
    from rich.console import Console

    from starter.render.bar import Bar

    size = len(upload.text)
    if size < LARGE:
        return client.import_dataset(upload)
    with Bar(Console(stderr=True), "kB") as bar:

        def sent(done: int, total: int) -> None:
            bar.update("sending" if done < total else "sent; the service checks it", done // 1000, total // 1000)

        return client.import_dataset(upload, sent)


def list_datasets(as_json: bool) -> int:
    """Every version of every dataset."""

    def work(client: VersionClient) -> None:
        found = list(client.datasets())
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "There is no dataset; see `conclave dataset import --help`.")

    return ask_versions("dataset list", work)


def show_dataset(name: str, sample: int | None, as_json: bool) -> int:
    """What is in a dataset, or one of its samples."""

    def work(client: VersionClient) -> None:
        dataset = client.dataset(name)
        shown = dataset if sample is None else client.sample(dataset.id, sample)
        if as_json:
            print_json(shown)
        elif isinstance(shown, Dataset):
            _print_dataset(shown)
        else:
            _print_sample(shown)

    return ask_versions("dataset show", work)


def _name(path: Path, given: str | None) -> str:
    """The name that was given, else one made of the file's."""
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:60] if given is None else given
    if not NAME.fullmatch(name) or len(name) > 60:
        raise InvalidInput("invalid_option", "--name takes 1 to 60 lower-case letters, digits and dashes.")
    return name


def _text(path: Path) -> str:
    content = _content(path)
    if content is SkipReason.TOO_LARGE or len(content) > MAX_FILE_BYTES:
        message = f"A dataset file has at most {MAX_FILE_BYTES} bytes; split it in several."
        raise InvalidInput("dataset_too_large", message, 413)
    if isinstance(content, SkipReason):
        name = display_path(str(path))
        raise InvalidInput("dataset_unreadable", f"{name} cannot be read. Name a readable regular file, or `-`.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInput("invalid_utf8", f"The file is not UTF-8 in line {line}.") from None


def _content(path: Path) -> bytes | SkipReason:
    if path == STDIN:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    try:
        return read_regular(path.resolve(), MAX_FILE_BYTES)
    except (OSError, RuntimeError, ValueError):  # links in a circle; a NUL
        return SkipReason.UNREADABLE


def _row(each: Dataset) -> tuple[str, ...]:
    stats = each.stats
    numbers = (f"{stats.samples:,}", f"{stats.clean:,}", f"{stats.labels:,}")
    return (each.name, str(each.version), *numbers, f"{each.created_at:%Y-%m-%d %H:%M}", each.created_by, each.id)


def _print_dataset(each: Dataset) -> None:
    stats = each.stats
    facts = (
        ("Dataset", f"{each.name}, version {each.version}"),
        ("Id", each.id),
        ("Content", each.content_hash),
        ("Imported", f"{each.created_at:%Y-%m-%d %H:%M} UTC by {each.created_by}"),
        ("Samples", f"{stats.samples:,} in {stats.groups:,} groups, {stats.lines:,} lines of code"),
        ("Clean", f"{stats.clean:,}"),
        ("Labels", f"{stats.labels:,}"),
        *((f"Split {split}", f"{count:,}") for split, count in sorted(stats.by_split.items())),
    )
    print_table(("", ""), facts, "")
    print_table(("Language", "Samples"), _counted(stats.by_language), "")
    types = _counted(stats.by_type)
    print_table(("Label", "Count"), types[:MOST_TYPES], "No sample has a label.")
    if len(types) > MOST_TYPES:
        print(f"and {len(types) - MOST_TYPES} other types; `--json` lists all.")


def _counted(counts: Mapping[Any, int]) -> list[tuple[str, str]]:
    """The most frequent first."""
    return [(str(name), f"{count:,}") for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]


def _print_sample(each: SampleView) -> None:
    sample, extra = each.sample, each.extra
    scope = ", ".join((*sample.scope.cwes, *sample.scope.rules)) or "everything"
    facts = (
        ("Sample", f"{sample.sample_id}, at {sample.position}"),
        ("File", f"{extra.filename}, {sample.language}; a reviewer sees {sample.path}"),
        ("Split", f"{sample.split}, group {sample.group}"),
        ("Checked for", scope),
        ("From", extra.source or "not said"),
        ("Licence", extra.licence or "not said"),
        *((name, str(value)) for name, value in extra.other.items()),
    )
    print_table(("", ""), facts, "")
    labels = [
        (label.type, label.cwe or "", label.severity or "", f"{label.line_start}-{label.line_end}", label.rule or "")
        for label in sample.labels
    ]
    print_table(("Label", "CWE", "Severity", "Lines", "Rule"), labels, "The sample is clean.")
