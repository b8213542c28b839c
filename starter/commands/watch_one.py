"""Watching one thing, whatever it is: shown as by the command of its kind."""

from models.expert import Severity
from models.promotion import Promotion, PromotionStatus
from models.review import ReviewStatus
from models.submission import ReviewView
from starter.client import Client
from starter.commands.asking import print_json
from starter.commands.comparison import await_comparison, print_comparison
from starter.commands.experiment import await_experiment, print_experiment
from starter.commands.following import follow, left_running
from starter.commands.review import await_report, exit_code
from starter.commands.service import Service
from starter.comparison_client import ComparisonClient
from starter.exit_codes import DONE, FOUND, INCOMPLETE
from starter.promotion_client import PromotionClient
from starter.watching import Kind

FAIL_ON = Severity.LOW
"""As `conclave review` has it when nothing is said."""


def follow_to_end(client: Client, kind: Kind, thing_id: str) -> int:
    """Show how it goes and, at the end, what came of it; the exit code is that of its own command."""
    comparisons = ComparisonClient(client)
    match kind:
        case Kind.REVIEW:
            return await_report(Service(client, lambda: None), client.review(thing_id), FAIL_ON, "table", None)
        case Kind.EXPERIMENT:
            return await_experiment("watch", comparisons, comparisons.experiment(thing_id), as_json=False)
        case Kind.COMPARISON:
            return await_comparison("watch", comparisons, comparisons.comparison(thing_id), None, as_json=False)
        case Kind.PROMOTION:
            return await_promotion("watch", PromotionClient(client), thing_id, as_json=False)


def show(client: Client, kind: Kind, thing_id: str, as_json: bool) -> int:
    """How it stands now; the exit code is 0 while it has not ended."""
    comparisons = ComparisonClient(client)
    match kind:
        case Kind.REVIEW:
            return _show_review(client, client.review(thing_id), as_json)
        case Kind.EXPERIMENT:
            return print_experiment(comparisons.experiment(thing_id), as_json)
        case Kind.COMPARISON:
            return print_comparison(comparisons, comparisons.comparison(thing_id), as_json)
        case Kind.PROMOTION:
            return _show_promotion(PromotionClient(client).promotion(thing_id), as_json)


def code(client: Client, kind: Kind, thing_id: str) -> int:
    """The exit code of what has ended."""
    from starter.commands import comparison, experiment

    comparisons = ComparisonClient(client)
    match kind:
        case Kind.REVIEW:
            whole = client.review(thing_id).status == ReviewStatus.COMPLETED
            return exit_code(client.report(thing_id), FAIL_ON) if whole else INCOMPLETE
        case Kind.EXPERIMENT:
            return experiment.CODES.get(comparisons.experiment(thing_id).status, INCOMPLETE)
        case Kind.COMPARISON:
            report = comparisons.comparison(thing_id).report
            return comparison.CODES[report.recommendation] if report else INCOMPLETE
        case Kind.PROMOTION:
            return _decided(PromotionClient(client).promotion(thing_id))


def await_promotion(command: str, client: PromotionClient, promotion_id: str, *, as_json: bool) -> int:
    """Wait until a promotion is decided and show it; an interrupt leaves it alone."""
    from rich.console import Console

    from starter.render.bar import Bar

    with Bar(Console(stderr=True), "approvals") as bar:

        def show(now: Promotion) -> None:
            until = f"expires {now.expires_at:%Y-%m-%d %H:%M} UTC"
            bar.update(now.status, len(now.approvals), now.needed, until)

        with left_running(command, "promotion", promotion_id, f"conclave watch {promotion_id}"):
            now = follow(
                client.promotion(promotion_id),
                lambda: client.promotion(promotion_id),
                ended=lambda each: each.status is not PromotionStatus.AWAITING,
                show=show,
                patience=None,
            )
    return _show_promotion(now, as_json)


def _show_promotion(promotion: Promotion, as_json: bool) -> int:
    from starter.commands.promotion import show_promotion

    if as_json:
        print_json(promotion)
    else:
        show_promotion(promotion)
    return _decided(promotion)


def _decided(promotion: Promotion) -> int:
    return DONE if promotion.status in (PromotionStatus.AWAITING, PromotionStatus.APPLIED) else FOUND


def _show_review(client: Client, view: ReviewView, as_json: bool) -> int:
    if view.status == ReviewStatus.COMPLETED:
        report = client.report(view.id)
        if as_json:
            print_json(report)
        else:
            from starter.render.table import print_report

            print_report(report, link=view.workflow_url)
        return exit_code(report, FAIL_ON)
    if as_json:
        print_json(view)
    else:
        stands = "; ".join(f"{name} {each.status}" for name, each in view.experts.items())
        print(f"Review {view.id} of {view.label}: {view.status}. {stands}")
    return DONE if view.status == ReviewStatus.RUNNING else INCOMPLETE
