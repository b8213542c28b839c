"""What every command that asks the service does: connect, ask, print, and one line when something is wrong."""

import json
from collections.abc import Callable, Iterable, Sequence

from models.errors import InvalidInput
from models.wire import Wire
from starter.audit_client import AuditClient
from starter.client import Client, Unreachable
from starter.commands.service import connected
from starter.comparison_client import ComparisonClient
from starter.complaints import complain
from starter.exit_codes import DONE, UNREACHABLE, USAGE
from starter.experiment_client import ExperimentClient
from starter.promotion_client import PromotionClient
from starter.provider_client import ProviderClient
from starter.read_settings import settings_or_exit
from starter.token_client import TokenClient
from starter.trial_client import TrialClient
from starter.version_client import VersionClient


def ask(command: str, work: Callable[[ProviderClient], int | None]) -> int:
    """Do the work with a client of the service, the local one started when needed; returns the exit code.

    Args:
        command: what it is called in messages.
        work: returns an exit code; None: all is done.
    """
    return _asked(command, lambda client: work(ProviderClient(client)))


def ask_client(command: str, work: Callable[[Client], int | None]) -> int:
    """As `ask`, about several things."""
    return _asked(command, work)


def ask_versions(command: str, work: Callable[[VersionClient], int | None]) -> int:
    """As `ask`, about datasets, experiments and versions."""
    return _asked(command, lambda client: work(VersionClient(client)))


def ask_experiments(command: str, work: Callable[[ExperimentClient], int | None]) -> int:
    """As `ask`, about experiments."""
    return _asked(command, lambda client: work(ExperimentClient(client)))


def ask_comparisons(command: str, work: Callable[[ComparisonClient], int | None]) -> int:
    """As `ask`, about comparisons."""
    return _asked(command, lambda client: work(ComparisonClient(client)))


def ask_audit(command: str, work: Callable[[AuditClient], int | None]) -> int:
    """As `ask`, about the audit chain."""
    return _asked(command, lambda client: work(AuditClient(client)))


def ask_trials(command: str, work: Callable[[TrialClient], int | None]) -> int:
    """As `ask`, about trials."""
    return _asked(command, lambda client: work(TrialClient(client)))


def ask_tokens(command: str, work: Callable[[TokenClient], int | None]) -> int:
    """As `ask`, about tokens."""
    return _asked(command, lambda client: work(TokenClient(client)))


def ask_promotions(command: str, work: Callable[[PromotionClient], int | None], identity: str | None = None) -> int:
    """As `ask`, about promotions, versions and the blacklist; `identity` as `connected` takes it."""
    return _asked(command, lambda client: work(PromotionClient(client)), identity)


def _asked(command: str, work: Callable[[Client], int | None], identity: str | None = None) -> int:
    try:
        with connected(settings_or_exit(), identity) as service:
            return work(service.client) or DONE
    except (InvalidInput, Unreachable) as error:
        return refused(command, error)


def refused(command: str, error: InvalidInput | Unreachable) -> int:
    """Say why the service, or a look at what was typed, said no; returns the exit code."""
    if isinstance(error, InvalidInput):
        complain(command, error.problem.code, error.problem.message, error.problem.details)
        return USAGE
    complain(command, "unreachable", str(error), shown=False)
    return UNREACHABLE


def print_json(value: Wire | Iterable[Wire]) -> None:
    """One model, or a list of them, as JSON."""
    if isinstance(value, Wire):
        print(value.model_dump_json(indent=2))
    else:
        print(json.dumps([each.model_dump(mode="json") for each in value], indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """A table, or a sentence when there is nothing to show; as `starter.render.listing` has it."""
    from starter.render import listing

    listing.print_table(columns, rows, empty)
