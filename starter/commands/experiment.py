"""`conclave experiment`: create, run, watch, show."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from models.dataset import Split
from models.errors import InvalidInput
from models.experiment import ENDED, ExperimentRequest, ExperimentStatus, ExperimentView, OverrideRequest
from models.gate import PolicyName
from models.verdict import Verdict
from starter.commands.asking import ask_experiments, print_json, print_table
from starter.commands.choices import choice
from starter.commands.following import follow, left_running
from starter.commands.reviewer_config import config_from
from starter.exit_codes import DONE, FOUND, INCOMPLETE
from starter.experiment_client import ExperimentClient

CODES = {
    ExperimentStatus.PASSED: DONE,
    ExperimentStatus.PROMOTED: DONE,
    ExperimentStatus.QUARANTINED: FOUND,
    ExperimentStatus.REJECTED: FOUND,
}
"""Exit codes by how an experiment ended; every other end decides nothing."""

COLUMNS = ("Id", "Status", "Samples", "Made, UTC", "Name")


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of `create` and `run` as they were given."""

    dataset: str | None = None
    name: str | None = None
    config: Path | None = None
    sets: tuple[str, ...] = ()
    split: str | None = None
    limit: int | None = None
    policy: str | None = None


def create_experiment(wish: Wish, as_json: bool) -> int:
    """Note an experiment."""

    def work(client: ExperimentClient) -> None:
        view = client.create(_request(client, wish, start=False))
        _warn(view)
        if as_json:
            print_json(view)
        else:
            print(
                f"Experiment {view.id}: {view.progress.samples:,} samples. `conclave experiment run {view.id}` runs it."
            )

    return ask_experiments("experiment create", work)


def run_experiment(experiment_id: str | None, wish: Wish, as_json: bool) -> int:
    """Start or join an experiment, watch it to its end, and show what came of it."""

    def work(client: ExperimentClient) -> int:
        if experiment_id is None:
            view = client.create(_request(client, wish, start=True))
            _warn(view)
        elif wish != Wish():
            raise InvalidInput("invalid_option", "Give the id of an experiment, or options for a new one, not both.")
        else:
            view = client.experiment(experiment_id)
            if view.status in (ExperimentStatus.CREATED, ExperimentStatus.FAILED):
                view = client.start(experiment_id)
        return await_experiment("experiment run", client, view, as_json)

    return ask_experiments("experiment run", work)


def await_experiment(command: str, client: ExperimentClient, view: ExperimentView, as_json: bool) -> int:
    """Watch an experiment to its end and show what came of it; an interrupt leaves it alone."""
    with left_running(command, "experiment", view.id, f"conclave watch {view.id}"):
        view = _watched(client, view)
    return print_experiment(view, as_json)


def show_experiment(experiment_id: str, following: bool, as_json: bool) -> int:
    """How an experiment goes, or what came of it; `following`: only when it has ended."""

    def work(client: ExperimentClient) -> int:
        view = client.experiment(experiment_id)
        if following and view.status is not ExperimentStatus.CREATED:
            return await_experiment("experiment show", client, view, as_json)
        return print_experiment(view, as_json)

    return ask_experiments("experiment show", work)


def list_experiments(most: int, as_json: bool) -> int:
    """Experiments, newest first."""

    def work(client: ExperimentClient) -> None:
        found = client.experiments(most)
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "There is no experiment; see `conclave experiment run --help`.")

    return ask_experiments("experiment list", work)


def change_experiment(what: str, experiment_id: str, as_json: bool) -> int:
    """Pause, resume or cancel."""

    def work(client: ExperimentClient) -> None:
        view = {"pause": client.pause, "resume": client.resume, "cancel": client.cancel}[what](experiment_id)
        if as_json:
            print_json(view)
        else:
            print(f"Experiment {view.id}: {view.status}, {view.progress.done} of {view.progress.samples} samples done.")

    return ask_experiments(f"experiment {what}", work)


def override_verdict(experiment_id: str, verdict: str, reason: str, as_json: bool) -> int:
    """A person's verdict over the AI's."""

    def work(client: ExperimentClient) -> None:
        try:
            request = OverrideRequest(verdict=choice(verdict, Verdict, "VERDICT"), reason=reason)
        except ValidationError:
            raise InvalidInput("invalid_option", "--reason takes one line of 3 to 400 characters.") from None
        _print(client.override(experiment_id, request), as_json)

    return ask_experiments("experiment verdict", work)


def print_config() -> int:
    """The configuration in production."""
    return ask_experiments("experiment config", lambda client: print_json(client.stable_config()))


def _request(client: ExperimentClient, wish: Wish, *, start: bool) -> ExperimentRequest:
    if wish.dataset is None:
        raise InvalidInput("invalid_option", "Give --dataset; `conclave dataset list` shows what there is.")
    dataset = client.dataset(wish.dataset)
    split = None if wish.split is None else choice(wish.split, Split, "--split")
    policy = None if wish.policy is None else choice(wish.policy, PolicyName, "--policy")
    name = wish.name or f"{dataset.name} {datetime.now(UTC):%Y-%m-%d %H.%M.%S}"
    try:
        return ExperimentRequest(
            name=name,
            dataset_id=dataset.id,
            config=config_from(wish.config, client.stable_config(), wish.sets),
            split=split,
            limit=wish.limit,
            policy=policy,
            start=start,
        )
    except ValidationError:
        raise InvalidInput(
            "invalid_option", "--name takes up to 80 letters, digits, blanks, dots, dashes and underscores."
        ) from None


def _watched(client: ExperimentClient, view: ExperimentView) -> ExperimentView:
    """Show how far it is until it has ended.

    Raises:
        Unreachable: the service stays away.
    """
    from rich.console import Console

    from starter.render.experiment_progress import ExperimentProgress

    with ExperimentProgress(Console(stderr=True)) as progress:
        return follow(
            view, lambda: client.experiment(view.id), ended=lambda now: now.status in ENDED, show=progress.show
        )


def print_experiment(view: ExperimentView, as_json: bool) -> int:
    """Show one; returns the exit code that says how it ended, 0 while it has not."""
    _print(view, as_json)
    return CODES.get(view.status, INCOMPLETE) if view.status in ENDED else DONE


def _print(view: ExperimentView, as_json: bool) -> None:
    if as_json:
        print_json(view)
    else:
        from starter.render import experiment

        experiment.print_experiment(view)


def _warn(view: ExperimentView) -> None:
    if view.like:
        known = ", ".join(f"{each[:24]}..." for each in view.like[:3])
        print(f"Nearly the same configuration is known already: {known}", file=sys.stderr)


def _row(view: ExperimentView) -> tuple[str, ...]:
    progress = view.progress
    return (
        view.id,
        view.status.value,
        f"{progress.done:,}/{progress.samples:,}",
        f"{view.created_at:%Y-%m-%d %H:%M}",
        view.name,
    )
