"""Whose word counts, and what makes it void."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.experiment import ExperimentStatus
from models.gate import Outcome
from models.promotion import Approval, Evidence, PromotionStatus, Vote
from models.promotion_rules import PromotionFacts, Refusal, counted, objection, promotable, void
from models.verdict import Verdict

NOW = datetime(2026, 11, 26, tzinfo=UTC)
PEOPLE = ("ann", "oscar", "eve", "adam", "zoe")


def evidence(digit: str = "1") -> Evidence:
    return Evidence(
        report_hash=f"report:v1:sha256:{digit * 64}",
        config_hash=f"cfg:v1:sha256:{'2' * 64}",
        dataset_hash=f"ds:v1:sha256:{'3' * 64}",
        policy_hash=f"policy:v1:sha256:{'4' * 64}",
    )


approvals = st.builds(
    Approval,
    promotion_id=st.just("p"),
    approver=st.sampled_from(PEOPLE),
    vote=st.sampled_from(Vote),
    evidence=st.sampled_from((evidence(), evidence("9"))),
    at=st.integers(-5, 14).map(lambda days: NOW + timedelta(days=days)),
)


@given(st.lists(approvals, max_size=12))
def test_only_approvals_of_this_evidence_by_others_in_time_count_and_each_person_once(given: list[Approval]) -> None:
    until = NOW + timedelta(days=7)
    names = counted(given, asked=evidence(), author="ann", requested_by="oscar", expires_at=until)
    assert len(set(names)) == len(names) and not {"ann", "oscar"} & set(names)
    good = {
        each.approver for each in given if each.vote is Vote.APPROVE and each.evidence == evidence() and each.at < until
    }
    assert set(names) == good - {"ann", "oscar"}


def facts(**changes: object) -> PromotionFacts:
    good: dict[str, object] = {
        "experiment_status": ExperimentStatus.PASSED,
        "outcome": Outcome.PASS,
        "quarantined": False,
        "evidence": evidence(),
        "stable_version_id": "v1",
        "stable_config_hash": f"cfg:v1:sha256:{'0' * 64}",
    }
    return PromotionFacts.model_validate(good | changes)


def test_what_is_as_it_was_may_be_promoted() -> None:
    assert promotable(facts()) is None and void(evidence(), "v1", facts()) is None
    assert promotable(facts(override=Verdict.PASS)) is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"quarantined": True}, Refusal.CONFIG_QUARANTINED),
        ({"outcome": Outcome.FAIL}, Refusal.NOT_PASSED),
        ({"outcome": Outcome.INCONCLUSIVE}, Refusal.NOT_PASSED),
        ({"override": Verdict.FAIL}, Refusal.OVERRIDDEN),
        ({"stable_config_hash": evidence().config_hash}, Refusal.ALREADY_STABLE),
        *[
            ({"experiment_status": status}, Refusal.NOT_PASSED)
            for status in ExperimentStatus
            if status is not ExperimentStatus.PASSED
        ],
    ],
)
def test_what_may_not(changes: dict[str, object], refusal: Refusal) -> None:
    assert promotable(facts(**changes)) is refusal
    assert void(evidence(), "v1", facts(**changes)) is refusal


def test_any_other_hash_and_any_other_stable_version_void_it() -> None:
    assert void(evidence(), "v0", facts()) is Refusal.STABLE_CHANGED
    found = {void(evidence().model_copy(update={name: "x"}), "v1", facts()) for name in Evidence.model_fields}
    assert found == {
        Refusal.REPORT_CHANGED,
        Refusal.CONFIG_CHANGED,
        Refusal.DATASET_CHANGED,
        Refusal.POLICY_CHANGED,
    }


@given(st.sampled_from(PEOPLE), st.sampled_from(PromotionStatus), st.booleans(), st.booleans())
def test_a_word_counts_only_if_nothing_is_said_against_it(
    voter: str, status: PromotionStatus, expired: bool, same: bool
) -> None:
    against = objection(
        voter,
        evidence() if same else evidence("9"),
        status=status,
        asked=evidence(),
        author="ann",
        requested_by="oscar",
        voted=("zoe",),
        expired=expired,
    )
    fine = status is PromotionStatus.AWAITING and not expired and same and voter in ("eve", "adam")
    assert (against is None) == fine
