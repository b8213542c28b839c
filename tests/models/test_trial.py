"""Which repositories a trial covers, and what two reports of one source have in common."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.complexity import complexity_of
from models.expert import ExpertName, Severity
from models.review import ExpertStatus, ExpertSummary, PanelFinding, ReviewMode, ReviewReport, Sighting
from models.trial import chosen, repository_key
from models.trial_report import Half, SideSums, TrialSums, compare, report_of

TEXT = st.text(max_size=30)
SHARE = st.integers(1, 100)
FINDINGS = st.frozensets(st.integers(0, 9), max_size=8)


def finding(number: int, severity: Severity) -> PanelFinding:
    return PanelFinding(
        rank=1,
        fingerprint=f"{number:032x}",
        kind="sql-injection",
        severity=severity,
        confidence=0.9,
        path="app.py",
        line_start=1,
        line_end=1,
        message="It is one.",
        sightings=(Sighting(expert=ExpertName.SECURITY, tool="bandit", rule="B608", confidence=0.9),),
    )


def made(review_id: str, said: ReviewReport, **changes: object) -> ReviewReport:
    """A report that was made just now."""
    return said.model_copy(update={"review_id": review_id, "generated_at": datetime.now(UTC)} | changes)


def report(
    numbers: frozenset[int] = frozenset(),
    severity: Severity = Severity.LOW,
    status: ExpertStatus = ExpertStatus.DONE,
    cost: int = 0,
) -> ReviewReport:
    return ReviewReport(
        review_id="a" * 32,
        label="shop",
        source_id="5" * 32,
        mode=ReviewMode.PARALLEL,
        partial=False,
        complexity=complexity_of(()),
        findings=tuple(finding(number, severity) for number in sorted(numbers)),
        totals={severity: len(numbers)},
        experts=(ExpertSummary(expert=ExpertName.SECURITY, status=status),),
        cost_micro_usd=cost,
        conclave_version="test",
        generated_at=datetime(2026, 11, 26, tzinfo=UTC),
    )


@given(TEXT, TEXT, TEXT, SHARE, SHARE)
def test_a_larger_share_covers_what_a_smaller_one_does(
    owner: str, label: str, trial: str, one: int, other: int
) -> None:
    key = repository_key(owner, label)
    smaller, larger = sorted((one, other))
    assert chosen(key, trial, larger) or not chosen(key, trial, smaller)
    assert chosen(key, trial, 100)
    assert chosen(key, trial, smaller) == chosen(repository_key(owner, label), trial, smaller)


@given(st.uuids(version=4), SHARE)
def test_about_the_share_of_the_repositories_is_covered_and_others_by_the_next_trial(trial: object, share: int) -> None:
    keys = [repository_key("ann", f"repository-{number}") for number in range(1500)]
    covered = [key for key in keys if chosen(key, f"{trial}", share)]
    # Six standard deviations: one run in a billion errs.
    spread = 6 * (share * (100 - share) * len(keys)) ** 0.5 / 100
    assert abs(len(covered) - share * len(keys) / 100) <= spread
    if 20 <= share <= 80:
        assert covered != [key for key in keys if chosen(key, f"{trial}x", share)]


def test_owner_and_label_are_told_apart() -> None:
    assert repository_key("ann", "eve/shop") != repository_key("ann/eve", "shop")


@given(FINDINGS, FINDINGS)
def test_overlap_is_the_same_both_ways_and_whole_only_for_equals(one: frozenset[int], other: frozenset[int]) -> None:
    forth, back = (compare(Half(report(a)), Half(report(b))) for a, b in ((one, other), (other, one)))
    assert forth.common == back.common == len(one & other)
    overlap = report_of(sums(forth.common, len(one), len(other))).overlap
    assert overlap == report_of(sums(back.common, len(other), len(one))).overlap
    if not one | other:
        assert overlap is None
    else:
        assert overlap is not None and (overlap == 1.0) is (one == other) and (overlap == 0.0) is (not one & other)


def sums(common: int, stable: int, candidate: int) -> TrialSums:
    return TrialSums(
        pairs=1,
        compared=1,
        whole=1,
        common=common,
        stable=SideSums(findings=stable),
        candidate=SideSums(findings=candidate),
    )


@pytest.mark.parametrize(
    ("one", "other", "agrees"),
    [
        (Severity.HIGH, Severity.CRITICAL, True),
        (Severity.MEDIUM, Severity.LOW, True),
        (Severity.HIGH, Severity.MEDIUM, False),
    ],
)
def test_reports_agree_when_both_or_neither_would_hold_a_change_back(
    one: Severity, other: Severity, agrees: bool
) -> None:
    some = frozenset({1})
    assert compare(Half(report(some, one)), Half(report(some, other))).agrees is agrees


@pytest.mark.parametrize(
    ("candidate", "failed", "degraded"),
    [
        (Half(None), True, False),
        (Half(report(status=ExpertStatus.FAILED)), True, False),
        (Half(report(status=ExpertStatus.DEGRADED)), False, True),
        (Half(report(), unasked=True), False, True),
    ],
)
def test_a_pair_with_a_broken_side_says_nothing_of_findings_and_cost(
    candidate: Half, failed: bool, degraded: bool
) -> None:
    pair = compare(Half(report()), candidate)
    assert (pair.candidate.failed, pair.candidate.degraded) == (failed, degraded)
    assert not pair.whole and not (pair.stable.failed or pair.stable.degraded)
    assert compare(candidate, Half(report())).whole is False


def test_means_are_those_of_whole_pairs_and_none_without_one() -> None:
    nothing = report_of(TrialSums(pairs=3, waiting=3))
    assert (nothing.agreement, nothing.overlap, nothing.cost_increase, nothing.stable_seconds) == (None,) * 4
    added = TrialSums(
        pairs=5,
        compared=5,
        whole=4,
        agreed=3,
        stable=SideSums(cost_micro_usd=400, seconds=8.0),
        candidate=SideSums(cost_micro_usd=500, seconds=6.0),
    )
    found = report_of(added)
    assert (found.agreement, found.cost_increase) == (0.75, 0.25)
    assert (found.stable_cost_micro_usd, found.candidate_cost_micro_usd) == (100, 125)
    assert (found.stable_seconds, found.candidate_seconds) == (2.0, 1.5)
    free = added.model_copy(update={"stable": SideSums()})
    assert report_of(free).cost_increase is None
