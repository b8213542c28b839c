"""`conclave trial`: start, stop, show, list."""

from pydantic import ValidationError

from models.digest import usd
from models.errors import InvalidInput
from models.trial import Trial, TrialRequest
from models.trial_report import VERDICT_SEVERITY, TrialReport
from starter.commands.asking import ask_trials, print_json, print_table
from starter.commands.promotion import reason_of
from starter.trial_client import TrialClient

COLUMNS = ("Id", "Status", "Share", "Started, UTC", "By", "Experiment", "Stopped because")


def start_trial(experiment_id: str, share: int, as_json: bool) -> int:
    """Let a candidate review a share of the live traffic too."""

    def work(client: TrialClient) -> None:
        try:
            request = TrialRequest(experiment_id=experiment_id, share_percent=share)
        except ValidationError:
            raise InvalidInput(
                "invalid_option", "EXPERIMENT is an id as `conclave experiment list` shows it, --share 1 to 100."
            ) from None
        found = client.start(request)
        if as_json:
            print_json(found)
        else:
            print(f"Trial {found.id} runs on {found.share_percent} % of the repositories. `conclave trial show` tells.")

    return ask_trials("trial start", work)


def stop_trial(trial_id: str | None, reason: str, as_json: bool) -> int:
    """End a trial."""

    def work(client: TrialClient) -> None:
        given = reason_of(reason)
        found = client.stop(trial_id or client.newest(), given)
        if as_json:
            print_json(found)
        else:
            print(f"Trial {found.id} is stopped: {found.reason}")

    return ask_trials("trial stop", work)


def show_trial(trial_id: str | None, as_json: bool) -> int:
    """What a trial shows so far."""

    def work(client: TrialClient) -> None:
        found = client.trial(trial_id or client.newest())
        if as_json:
            print_json(found)
        else:
            _show(found)

    return ask_trials("trial show", work)


def list_trials(as_json: bool) -> int:
    """Trials, newest first."""

    def work(client: TrialClient) -> None:
        found = client.trials()
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "There is no trial; see `conclave trial start --help`.")

    return ask_trials("trial list", work)


def _row(each: Trial) -> tuple[str, ...]:
    started = f"{each.started_at:%Y-%m-%d %H:%M}"
    share = f"{each.share_percent} %"
    return (each.id, each.status, share, started, each.started_by, each.experiment_id, each.reason or "")


def _show(trial: Trial) -> None:
    report = trial.report or TrialReport()
    stopped = f" ({trial.reason})" if trial.reason else ""
    facts = (
        ("Trial", trial.id),
        ("Status", f"{trial.status}{stopped}"),
        ("Candidate", trial.config_hash),
        ("Experiment", trial.experiment_id),
        ("Share", f"{trial.share_percent} % of the repositories"),
        ("Started", f"{trial.started_at:%Y-%m-%d %H:%M} UTC by {trial.started_by}"),
        ("Pairs", f"{report.compared} compared, {report.whole} of them whole; {report.waiting} under way"),
        ("Same findings", f"F1 {_share(report.overlap)}: {report.common} in common"),
        ("Same verdict", f"{_share(report.agreement)} ({VERDICT_SEVERITY} and above), n = {report.whole}"),
        ("Cost", "not known" if report.cost_increase is None else f"{report.cost_increase:+.1%} a review"),
    )
    print_table(("", ""), facts, "")
    one, other = report.stable, report.candidate
    rows = (
        ("Failed", str(one.failed), str(other.failed)),
        ("Without a model's answer", str(one.degraded), str(other.degraded)),
        ("Findings", str(one.findings), str(other.findings)),
        ("Cost a review", _money(report.stable_cost_micro_usd), _money(report.candidate_cost_micro_usd)),
        ("Seconds a review", _seconds(report.stable_seconds), _seconds(report.candidate_seconds)),
    )
    print_table(("", "Stable", "Candidate"), rows, "")


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _money(micro: int | None) -> str:
    return "not known" if micro is None else usd(micro)


def _seconds(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f}"
