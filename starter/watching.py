"""What runs and what waits for people, read from the API: reviews, experiments, comparisons, promotions."""

from datetime import UTC, datetime
from enum import StrEnum

from models.comparison import ENDED as COMPARED
from models.comparison import ComparisonPage, ComparisonView
from models.errors import InvalidInput
from models.experiment import ENDED, ExperimentPage, ExperimentStatus, ExperimentView
from models.promotion import Promotion, PromotionPage, PromotionStatus
from models.review import ExpertStatus, ReviewReport, ReviewStatus
from models.submission import ReviewView
from models.wire import Wire
from starter.client import Client
from starter.version_client import part

MOST = 50
"""Of each kind."""
UNDER_WAY = (ExperimentStatus.RUNNING, ExperimentStatus.PAUSED, ExperimentStatus.EVALUATING)
UNDECIDED = frozenset({ExpertStatus.WAITING, ExpertStatus.RUNNING, ExpertStatus.RETRYING})


class Kind(StrEnum):
    """What can be watched."""

    REVIEW = "review"
    EXPERIMENT = "experiment"
    COMPARISON = "comparison"
    PROMOTION = "promotion"


PATHS = {kind: f"/{kind}s" for kind in Kind}


class Seen(Wire):
    """One thing at one look."""

    kind: Kind
    id: str
    name: str
    status: str
    ended: bool = False
    done: int = 0
    """Of `total`: experts that are through, samples that are over, approvals that are given."""
    total: int = 0
    errors: int = 0
    seconds_left: float | None = None
    """About; None: nobody knows."""
    cost_micro_usd: int | None = None
    """None: not known, as until a review has ended."""
    begun_at: datetime
    expires_at: datetime | None = None
    """When a promotion that nobody decides on ends."""


class Snapshot(Wire):
    """Everything at one look, the newest first."""

    at: datetime
    running: tuple[Seen, ...] = ()
    ended: tuple[Seen, ...] = ()
    """What was running at an earlier look of the same command."""
    more: bool = False
    """There are more than are listed."""
    away: str | None = None
    """Why the service could not be asked; the rest is as it was seen last."""


class Watch:
    """Reads from one service. Every method raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def running(self) -> tuple[list[Seen], bool]:
        """What runs or waits, the newest first, and whether there is more of it than is listed."""
        found: list[Seen] = []
        more = False
        for read in (self._reviews, self._experiments, self._comparisons, self._promotions):
            seen, following = read()
            found += seen
            more = more or following is not None
        return sorted(found, key=lambda each: each.begun_at, reverse=True), more

    def again(self, seen: Seen) -> Seen:
        """One thing as it stands now, with what it has cost if that is known."""
        path = f"{PATHS[seen.kind]}/{seen.id}"
        match seen.kind:
            case Kind.REVIEW:
                now = of_review(self._client.call(ReviewView, "GET", path))
                if now.status != ReviewStatus.COMPLETED:
                    return now
                cost = self._client.call(ReviewReport, "GET", f"{path}/report").cost_micro_usd
                return now.model_copy(update={"cost_micro_usd": cost})
            case Kind.EXPERIMENT:
                return of_experiment(self._client.call(ExperimentView, "GET", path))
            case Kind.COMPARISON:
                return of_comparison(self._client.call(ComparisonView, "GET", path))
            case Kind.PROMOTION:
                return of_promotion(self._client.call(Promotion, "GET", path))

    def kind_of(self, thing_id: str) -> Kind:
        """What an id is the id of.

        Raises:
            InvalidInput: of nothing that can be watched.
        """
        for kind, path in PATHS.items():
            try:
                self._client.send("GET", f"{path}/{part(thing_id)}")
            except InvalidInput as error:
                if error.status not in (403, 404):
                    raise
            else:
                return kind
        kinds = ", ".join(Kind)
        raise InvalidInput("unknown", f"Nothing has this id ({kinds}); `conclave watch` lists what runs.", 404)

    def _reviews(self) -> tuple[list[Seen], str | None]:
        # The page's model is the API's, which imports a web framework.
        page = self._client.listing(PATHS[Kind.REVIEW], {"page_size": str(MOST), "status": [ReviewStatus.RUNNING]})
        return [of_review(ReviewView.model_validate(row)) for row in page["reviews"]], page["next_cursor"]

    def _experiments(self) -> tuple[list[Seen], str | None]:
        params = {"page_size": str(MOST), "status": [*UNDER_WAY]}
        page = self._client.call(ExperimentPage, "GET", PATHS[Kind.EXPERIMENT], params=params)
        # How long it takes is told of one experiment, not of a list.
        whole = (self._client.call(ExperimentView, "GET", f"/experiments/{each.id}") for each in page.experiments)
        return [of_experiment(each) for each in whole], page.next_cursor

    def _comparisons(self) -> tuple[list[Seen], str | None]:
        params = {"page_size": str(MOST), "status": ["running", "comparing"]}
        page = self._client.call(ComparisonPage, "GET", PATHS[Kind.COMPARISON], params=params)
        return [of_comparison(each) for each in page.comparisons], page.next_cursor

    def _promotions(self) -> tuple[list[Seen], str | None]:
        params = {"page_size": str(MOST), "status": PromotionStatus.AWAITING}
        page = self._client.call(PromotionPage, "GET", PATHS[Kind.PROMOTION], params=params)
        return [of_promotion(each) for each in page.promotions], page.next_cursor


def of_review(view: ReviewView) -> Seen:
    """A review; until it takes longer than it was thought to, what is left of that."""
    begun = datetime.fromisoformat(view.created_at)
    left = view.complexity.estimated_latency_ms / 1000 - (datetime.now(UTC) - begun).total_seconds()
    ended = view.status != ReviewStatus.RUNNING
    return Seen(
        kind=Kind.REVIEW,
        id=view.id,
        name=view.label,
        status=view.status,
        ended=ended,
        done=sum(each.status not in UNDECIDED for each in view.experts.values()),
        total=len(view.experts),
        errors=sum(each.status == ExpertStatus.FAILED for each in view.experts.values()),
        seconds_left=round(left, 1) if left > 0 and not ended else None,
        begun_at=begun,
    )


def of_experiment(view: ExperimentView) -> Seen:
    """An experiment."""
    cost = view.evaluation.metrics.cost_micro_usd if view.evaluation else None
    return Seen(
        kind=Kind.EXPERIMENT,
        id=view.id,
        name=view.name,
        status=view.status,
        ended=view.status in ENDED,
        done=view.progress.done,
        total=view.progress.samples,
        errors=view.progress.errors,
        seconds_left=view.progress.seconds_left,
        cost_micro_usd=cost,
        begun_at=view.created_at,
    )


def of_comparison(view: ComparisonView) -> Seen:
    """A comparison; what is left is not told, for both sides run at their own pace."""
    return Seen(
        kind=Kind.COMPARISON,
        id=view.id,
        name=view.name,
        status=view.status,
        ended=view.status in COMPARED,
        done=view.progress.done,
        total=view.progress.samples,
        errors=view.progress.errors,
        begun_at=view.created_at,
    )


def of_promotion(promotion: Promotion) -> Seen:
    """A promotion: what is done are approvals."""
    return Seen(
        kind=Kind.PROMOTION,
        id=promotion.id,
        name=promotion.reason,
        status=promotion.status,
        ended=promotion.status is not PromotionStatus.AWAITING,
        done=len(promotion.approvals),
        total=promotion.needed,
        begun_at=promotion.requested_at,
        expires_at=promotion.expires_at,
    )
