"""`conclave compare` and `conclave comparison`: ask, watch, show, export."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from models.comparison import (
    ENDED,
    ComparisonRequest,
    ComparisonStatus,
    ComparisonView,
    ExportRequest,
    Margins,
    Recommendation,
)
from models.dataset import Split
from models.errors import InvalidInput
from models.reviewer_config import ReviewerConfig
from starter.commands.asking import ask_comparisons, print_json, print_table
from starter.commands.choices import choice
from starter.commands.following import follow, left_running
from starter.commands.reviewer_config import config_from
from starter.comparison_client import ComparisonClient
from starter.complaints import complain
from starter.exit_codes import DONE, FOUND, INCOMPLETE

CODES = {
    Recommendation.PROMOTE: DONE,
    Recommendation.HOLD: DONE,
    Recommendation.REJECT: FOUND,
    Recommendation.INCONCLUSIVE: INCOMPLETE,
}
COLUMNS = ("Id", "Status", "Samples", "Begun, UTC", "Name")
FORMATS = {".pdf": "pdf", ".html": "html", ".htm": "html", ".csv": "csv", ".json": "json"}


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of `compare` as they were given."""

    v1: str
    v2: str | None = None
    config: Path | None = None
    sets: tuple[str, ...] = ()
    aa: bool = False
    dataset: str | None = None
    name: str | None = None
    split: str | None = None
    limit: int | None = None
    repeats: int = 1
    margins: tuple[str, ...] = ()
    value: float = 1.0
    seed: int = 0


def compare(wish: Wish, export: Path | None, as_json: bool) -> int:
    """Start a comparison, watch it to its end, show and export what came of it."""

    def work(client: ComparisonClient) -> int:
        _format(export)
        view = client.compare(_request(client, wish))
        return await_comparison("compare", client, view, export, as_json)

    return ask_comparisons("compare", work)


def await_comparison(
    command: str, client: ComparisonClient, view: ComparisonView, export: Path | None, as_json: bool
) -> int:
    """Watch a comparison to its end, show and export what came of it; an interrupt leaves it alone."""
    with left_running(command, "comparison", view.id, f"conclave watch {view.id}"):
        view = _watched(client, view)
    return _ended(client, view, export, as_json)


def show_comparison(comparison_id: str, following: bool, as_json: bool) -> int:
    """How a comparison goes, or what came of it; `following`: only when it has ended."""

    def work(client: ComparisonClient) -> int:
        view = client.comparison(comparison_id)
        if following:
            return await_comparison("comparison show", client, view, None, as_json)
        return print_comparison(client, view, as_json)

    return ask_comparisons("comparison show", work)


def print_comparison(client: ComparisonClient, view: ComparisonView, as_json: bool) -> int:
    """Show one as it stands; returns the exit code that says how it ended, 0 while it has not."""
    if view.status in ENDED:
        return _ended(client, view, None, as_json)
    if as_json:
        print_json(view)
    else:
        print(f"Comparison {view.id}: {view.status}, {view.progress.done:,} of {view.progress.samples:,} samples.")
        print(f"`conclave watch {view.id}` follows it.")
    return DONE


def list_comparisons(most: int, as_json: bool) -> int:
    """Comparisons, newest first."""

    def work(client: ComparisonClient) -> None:
        found = client.comparisons(most)
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "There is no comparison; see `conclave compare --help`.")

    return ask_comparisons("comparison list", work)


def cancel_comparison(comparison_id: str, as_json: bool) -> int:
    """End one without a recommendation."""

    def work(client: ComparisonClient) -> None:
        view = client.cancel_comparison(comparison_id)
        if as_json:
            print_json(view)
        else:
            print(f"Comparison {view.id}: {view.status}; its runs are being cancelled.")

    return ask_comparisons("comparison cancel", work)


def export_comparison(comparison_id: str, path: Path, as_json: bool) -> int:
    """Write a report to a file."""

    def work(client: ComparisonClient) -> None:
        size = _export(client, comparison_id, path)
        if as_json:
            print(json.dumps({"file": str(path), "bytes": size}))

    return ask_comparisons("comparison export", work)


def _request(client: ComparisonClient, wish: Wish) -> ComparisonRequest:
    config = _candidate(client, wish)
    if wish.v2 is not None and (config or wish.aa):
        raise InvalidInput("invalid_option", "Give V2, --config or --set, or --aa: one of them.")
    if wish.v2 is None and config is None and not wish.aa:
        raise InvalidInput("invalid_option", "Give V2, or --config or --set for a new configuration, or --aa.")
    split = None if wish.split is None else choice(wish.split, Split, "--split")
    try:
        return ComparisonRequest(
            name=wish.name,
            v1=wish.v1,
            v2=wish.v1 if wish.aa else wish.v2,
            config=config,
            dataset_id=None if wish.dataset is None else client.dataset(wish.dataset).id,
            split=split,
            limit=wish.limit,
            repeats=wish.repeats,
            margins=_margins(wish.margins),
            value_per_finding_usd=wish.value,
            seed=wish.seed,
        )
    except ValidationError as error:
        raise _invalid(error) from None


def _candidate(client: ComparisonClient, wish: Wish) -> ReviewerConfig | None:
    if wish.config is None and not wish.sets:
        return None
    return config_from(wish.config, client.stable_config(), wish.sets)


def _margins(given: tuple[str, ...]) -> Margins:
    """`NAME=NUMBER` as they were typed."""
    found: dict[str, str] = {}
    for each in given:
        name, sign, number = each.partition("=")
        if not sign or name not in Margins.model_fields:
            names = ", ".join(Margins.model_fields)
            raise InvalidInput("invalid_option", f"--margin takes NAME=NUMBER; names are {names}.")
        found[name] = number
    return Margins.model_validate(found)


def _invalid(error: ValidationError) -> InvalidInput:
    """The first thing wrong, by the name of its option."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    names = {"v1": "V1", "v2": "V2", "value_per_finding_usd": "--value"}
    if not place:
        return InvalidInput(
            "invalid_option", "Give --dataset: --config, --set, --split, --limit and --repeats are of a new run."
        )
    if place in ("v1", "v2"):
        return InvalidInput(
            "invalid_option", f"{names[place]} is `stable`, the number or id of a version, or an experiment's id."
        )
    return InvalidInput("invalid_option", f"{names.get(place, f'--{place}')}: {first['msg']}.")


def _watched(client: ComparisonClient, view: ComparisonView) -> ComparisonView:
    """Show how far it is until it has ended.

    Raises:
        Unreachable: the service stays away.
    """
    from rich.console import Console

    from starter.render.bar import Bar

    with Bar(Console(stderr=True)) as bar:

        def show(now: ComparisonView) -> None:
            said = "statistics" if now.status is ComparisonStatus.COMPARING else "both sides"
            bar.update(said, now.progress.done, now.progress.samples)

        return follow(view, lambda: client.comparison(view.id), ended=lambda now: now.status in ENDED, show=show)


def _ended(client: ComparisonClient, view: ComparisonView, export: Path | None, as_json: bool) -> int:
    if view.report is None:
        why = f" ({view.failure})" if view.failure else ""
        complain("compare", "no_report", f"Comparison {view.id} ended without a report: {view.status}{why}.")
        return INCOMPLETE
    if as_json:
        print_json(view.report)
    else:
        from starter.render import comparison

        comparison.print_comparison(view.report)
    if export is not None:
        _export(client, view.id, export)
    return CODES[view.report.recommendation]


def _export(client: ComparisonClient, comparison_id: str, path: Path) -> int:
    """Write the file in one step: a reader sees all of it or nothing. Returns its size."""
    made = client.export(comparison_id, ExportRequest.model_validate({"format": _format(path)}))
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(made)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InvalidInput("export_failed", f"The export cannot be written: {error.strerror}.") from None
    print(f"Wrote {path} ({len(made):,} bytes).", file=sys.stderr)
    return len(made)


def _format(path: Path | None) -> str | None:
    """The format that a file's name asks for.

    Raises:
        InvalidInput: none does.
    """
    if path is None:
        return None
    if path.suffix.lower() not in FORMATS:
        raise InvalidInput("invalid_option", "The export's name ends with .pdf, .html, .csv or .json.")
    return FORMATS[path.suffix.lower()]


def _row(view: ComparisonView) -> tuple[str, ...]:
    begun = f"{view.created_at:%Y-%m-%d %H:%M}"
    return view.id, view.status.value, f"{view.progress.done:,}/{view.progress.samples:,}", begun, view.name
