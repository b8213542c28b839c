"""`conclave promote`, `approve`, `reject`, `withdraw` and `promotions`."""

import sys
from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError

from models.errors import InvalidInput
from models.experiment import Evaluation
from models.measure import Estimate
from models.promotion import Promotion, PromotionStatus
from models.reason import Reason
from starter.commands.asking import ask_promotions, print_json, print_table
from starter.exit_codes import DONE
from starter.promotion_client import PromotionClient

COLUMNS = ("Id", "Status", "Approvals", "Asked by", "Expires, UTC")
REASON = TypeAdapter[str](Reason)


def reason_of(text: str) -> str:
    """A reason as the service takes it.

    Raises:
        InvalidInput: too short, too long, or not one line.
    """
    try:
        return REASON.validate_python(text)
    except ValidationError:
        raise InvalidInput("invalid_option", "--reason takes one line of 3 to 400 characters.") from None


def confirmed(question: str, yes: bool) -> None:
    """Ask, unless that was answered on the command line.

    Raises:
        InvalidInput: the answer is no, or nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput("confirmation_required", "Nobody can be asked here; add --yes if you mean it.")
    print(f"{question} [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InvalidInput("not_confirmed", "Nothing was changed.")


def promote(experiment_id: str, reason: str, waiting: bool, as_json: bool) -> int:
    """Ask for a promotion; `waiting`: and see how it is decided."""

    def work(client: PromotionClient) -> int:
        asked = client.promote(experiment_id, reason_of(reason))
        if as_json and not waiting:
            print_json(asked)
        if not as_json:
            _tell(asked)
        if waiting:
            from starter.commands.watch_one import await_promotion

            return await_promotion("promote", client, asked.id, as_json=as_json)
        return DONE

    return ask_promotions("promote", work)


def _tell(asked: Promotion) -> None:
    """Whom it waits for, and what they do."""
    people = f"{asked.needed} approver{'s' if asked.needed > 1 else ''}"
    print(f"Promotion {asked.id} waits for {people} until {asked.expires_at:%Y-%m-%d %H:%M} UTC.")
    own = " and ".join(sorted({asked.author, asked.requested_by}))
    print(f"Not by {own}: `conclave approve {asked.id}` by somebody else")
    print("(on the local stack, with `--as second`).")


def approve(promotion_id: str, reason: str | None, who: str | None, yes: bool, as_json: bool) -> int:
    """Show what is asked, and approve exactly that."""

    def work(client: PromotionClient) -> None:
        asked = client.promotion(promotion_id)
        evaluation = client.measured(asked.experiment_id).evaluation
        if evaluation is None or evaluation.report_hash != asked.evidence.report_hash:
            raise InvalidInput("report_changed", "The experiment was evaluated anew; ask for the promotion again.", 409)
        if not as_json:
            show_promotion(asked)
            _show_evaluation(evaluation)
        if asked.status is PromotionStatus.AWAITING:
            confirmed("Approve this evidence?", yes)
        done = client.approve(asked.id, asked.evidence, None if reason is None else reason_of(reason))
        _told(done, as_json)

    return ask_promotions("approve", work, who)


def reject(promotion_id: str, reason: str, who: str | None, as_json: bool) -> int:
    """Reject a promotion."""
    return _ended("reject", lambda client: client.reject(promotion_id, reason_of(reason)), who, as_json)


def withdraw(promotion_id: str, as_json: bool) -> int:
    """Take a promotion back."""
    return _ended("withdraw", lambda client: client.withdraw(promotion_id), None, as_json)


def promotions(promotion_id: str | None, as_json: bool) -> int:
    """All promotions, or one of them whole."""

    def work(client: PromotionClient) -> None:
        found = list(client.promotions()) if promotion_id is None else [client.promotion(promotion_id)]
        if as_json:
            print_json(found if promotion_id is None else found[0])
        elif promotion_id is None:
            print_table(COLUMNS, map(_row, found), "No promotion was asked for; see `conclave promote --help`.")
        else:
            show_promotion(found[0])

    return ask_promotions("promotions", work)


def _ended(command: str, change: Callable[[PromotionClient], Promotion], who: str | None, as_json: bool) -> int:
    return ask_promotions(command, lambda client: _told(change(client), as_json), who)


def _told(done: Promotion, as_json: bool) -> None:
    if as_json:
        print_json(done)
    elif done.status is PromotionStatus.AWAITING:
        said = f"{len(done.approvals)} of {done.needed} approvals"
        print(f"{said}; it waits for more, for a worker or for the policy engine.")
    elif done.status is PromotionStatus.APPLIED:
        print("Promoted: this configuration is the stable one now. `conclave rollback` brings the last one back.")
    elif done.status is not PromotionStatus.REFUSED:
        print(f"The promotion is {done.status}.")
    if done.status is PromotionStatus.REFUSED:
        message = "It was approved, but what it rests on has changed meanwhile; nothing was promoted."
        raise InvalidInput(done.refusal or "refused", message, 409)


def _row(each: Promotion) -> tuple[str, ...]:
    approvals = f"{len(each.approvals)} of {each.needed}"
    expires = f"{each.expires_at:%Y-%m-%d %H:%M}"
    return (each.id, each.status, approvals, each.requested_by, expires)


def show_promotion(asked: Promotion) -> None:
    """One promotion, whole."""
    votes = [
        f"{each.vote} by {each.approver}" + (f": {each.reason}" if each.reason else "") for each in asked.approvals
    ]
    evidence = asked.evidence
    facts = (
        ("Promotion", asked.id),
        ("Status", asked.status + (f" ({asked.refusal})" if asked.refusal else "")),
        ("Experiment", f"{asked.experiment_id} by {asked.author}"),
        ("Asked by", f"{asked.requested_by}: {asked.reason}"),
        ("Expires", f"{asked.expires_at:%Y-%m-%d %H:%M} UTC"),
        ("Approvals", f"{asked.needed} needed; " + ("; ".join(votes) or "none yet")),
        ("Report", evidence.report_hash),
        ("Configuration", evidence.config_hash),
        ("Dataset", evidence.dataset_hash),
        ("Policy", evidence.policy_hash),
        ("Process", asked.workflow_url or asked.workflow_id),
    )
    print_table(("", ""), facts, "")


def _show_evaluation(evaluation: Evaluation) -> None:
    metrics = evaluation.metrics
    quality = metrics.quality
    rows = (
        ("Accuracy", _share(quality.accuracy)),
        ("Recall", _share(quality.recall)),
        ("Precision", _share(quality.precision)),
        ("F1", _share(quality.f1)),
        ("False positives", _share(quality.false_positive_rate)),
        ("Errors", _share(metrics.error_rate)),
        ("Gate", f"{evaluation.decision.outcome} by policy {evaluation.decision.policy}"),
        ("Verdict", f"{evaluation.verdict}, confidence {evaluation.ai.confidence:.2f}, by {evaluation.ai.judged_by}"),
    )
    print_table(("Measured", "Value, 95 % interval"), rows, "")


def _share(each: Estimate) -> str:
    if each.value is None:
        return f"not known (n = {each.n})"
    bounds = "" if each.low is None or each.high is None else f" [{each.low:.3f}, {each.high:.3f}]"
    return f"{each.value:.3f}{bounds}, n = {each.n}"
