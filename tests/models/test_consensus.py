"""Clustering, Borda, the vote: by reference numbers and by what must never depend on order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import ConsensusConfig
from models.consensus import Rating, averaged_borda, cluster, consistency, decide, rate, weight_of
from models.expert import ExpertFinding, ExpertName, Severity
from tests.fakes import finding

CONFIG = ConsensusConfig()
SEC, QUAL, META = ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.META

FINDINGS = st.lists(
    st.builds(
        lambda expert, tool, kind, line, length, severity, confidence: finding(
            expert=expert,
            tool=tool,
            kind=kind,
            cwe=None,
            line_start=line,
            line_end=line + length,
            severity=severity,
            confidence=confidence,
        ),
        st.sampled_from([SEC, QUAL, ExpertName.PERFORMANCE]),
        st.sampled_from(["one", "two"]),
        st.sampled_from(["sql-injection", "complex-function"]),
        st.integers(1, 12),
        st.integers(0, 3),
        st.sampled_from(Severity),
        st.floats(0, 1),
    ),
    max_size=12,
)


def test_borda_gives_the_reference_scores() -> None:
    a, b, c = 0, 1, 2
    scores = averaged_borda(5, [[[a], [b]], [[b], [c], [a]], [[c]]])
    assert scores == [7.5, 8.5, 8.0, 3.0, 3.0]


@given(st.integers(1, 8), st.data())
def test_every_ballot_hands_out_the_same_total(candidates: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(candidates)))
    cut = data.draw(st.integers(0, candidates))
    tie = data.draw(st.integers(1, 3))
    ballot = [order[i : min(i + tie, cut)] for i in range(0, cut, tie)]
    assert sum(averaged_borda(candidates, [ballot])) == pytest.approx(candidates * (candidates - 1) / 2)


def test_two_tools_on_one_issue_are_one_finding() -> None:
    one = finding(tool="bandit", rule="B605")
    other = finding(tool="ruff", rule="S605", line_start=6, line_end=6, confidence=0.6)
    assert [len(each.findings) for each in cluster([one, other], slack=1)] == [2]


def test_equal_cwe_is_enough_and_equal_file_is_needed() -> None:
    one, other = finding(), finding(tool="ast-grep", kind="os-command")
    assert len(cluster([one, other], slack=0)) == 1
    assert len(cluster([one, finding(tool="ast-grep", path="shop/db.py")], slack=0)) == 2
    assert len(cluster([one, finding(tool="ast-grep", kind="os-command", cwe=None)], slack=0)) == 2


def test_one_tool_reporting_neighbouring_lines_means_two_issues() -> None:
    assert len(cluster([finding(), finding(line_start=6, line_end=6)], slack=3)) == 2


def test_neighbours_do_not_chain_into_one() -> None:
    chain = [finding(tool=f"tool{i}", line_start=i, line_end=i) for i in range(1, 10)]
    assert all(len(each.findings) <= 2 for each in cluster(chain, slack=1))


@given(FINDINGS, st.randoms())
def test_the_order_of_findings_changes_nothing(findings: list[ExpertFinding], random: st.DataObject) -> None:
    shuffled = list(findings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert cluster(findings, 1) == cluster(shuffled, 1)


@given(FINDINGS)
def test_nothing_is_lost_and_nothing_appears(findings: list[ExpertFinding]) -> None:
    clusters = cluster(findings, 1)
    merged = [each for group in clusters for each in group.findings]
    assert sorted(merged, key=repr) == sorted(findings, key=repr)
    looked = {each: frozenset({"shop/app.py"}) for each in ExpertName}
    verdicts = decide(clusters, rate(clusters, looked, {}), CONFIG)
    assert len(verdicts) == len(clusters)
    weights = [verdict.cluster.lead.severity.weight for verdict in verdicts]
    assert weights == sorted(weights, reverse=True)
    assert all(0 <= verdict.support <= 1 and 0 <= verdict.confidence < 1 for verdict in verdicts)


def test_abstaining_is_not_rejecting() -> None:
    clusters = cluster([finding()], 1)
    alone = rate(clusters, {SEC: frozenset({"shop/app.py"})}, {})
    with_others = rate(clusters, {SEC: frozenset({"shop/app.py"}), QUAL: frozenset({"shop/app.py"})}, {})
    assert alone == with_others == [{SEC: Rating.VALID}]


def test_silence_counts_only_of_who_could_have_seen_it() -> None:
    seen_elsewhere = finding(expert=QUAL, tool="ruff", path="shop/db.py", line_start=1, line_end=1)
    clusters = cluster([finding(), seen_elsewhere], 1)
    both = frozenset({"shop/app.py", "shop/db.py"})
    ratings = rate(clusters, {SEC: frozenset({"shop/app.py"}), QUAL: both}, {})
    by_path = {each.lead.path: rating for each, rating in zip(clusters, ratings, strict=True)}
    assert by_path["shop/app.py"] == {SEC: Rating.VALID, QUAL: Rating.SILENT}
    assert by_path["shop/db.py"] == {QUAL: Rating.VALID}


def test_more_independent_voices_make_a_finding_surer() -> None:
    one = cluster([finding(confidence=0.5)], 1)
    two = cluster([finding(confidence=0.5), finding(expert=QUAL, tool="ruff", confidence=0.5)], 1)
    looked = {SEC: frozenset({"shop/app.py"}), QUAL: frozenset({"shop/app.py"})}
    alone, together = (decide(each, rate(each, looked, {}), CONFIG)[0] for each in (one, two))
    assert together.confidence > alone.confidence


def test_one_strong_specialist_is_not_out_voted_by_silence() -> None:
    strong = finding(severity=Severity.HIGH, confidence=0.85)
    others = [
        finding(expert=each, tool="x", path="shop/db.py", line_start=1, line_end=1, confidence=0.05)
        for each in (QUAL, ExpertName.PERFORMANCE, ExpertName.TEST)
    ]
    clusters = cluster([strong, *others], 1)
    looked = {each: frozenset({"shop/app.py", "shop/db.py"}) for each in ExpertName}
    config = ConsensusConfig(min_support=0.5)
    verdict = decide(clusters, rate(clusters, looked, {}), config)[0]
    assert verdict.protected and verdict.kept
    assert verdict.support < config.min_support
    assert verdict.confidence == 0.85


def test_an_express_rejection_takes_protection_and_can_vote_out() -> None:
    clusters = cluster([finding(confidence=0.9)], 1)
    looked = {SEC: frozenset({"shop/app.py"}), META: frozenset({"shop/app.py"})}
    ratings = rate(clusters, looked, {0: frozenset({META})})
    verdict = decide(clusters, ratings, ConsensusConfig(min_support=0.5))[0]
    assert (verdict.protected, verdict.kept) == (False, False)


def test_a_precise_expert_outweighs_an_imprecise_one() -> None:
    assert weight_of(0.9) > weight_of(0.7) > weight_of(0.51) > 0
    assert weight_of(0.2) == weight_of(0.5) > 0


def test_disjoint_specialists_do_not_disagree() -> None:
    findings = [
        finding(expert=expert, tool="x", kind=f"kind-{expert}", cwe=None, line_start=line, line_end=line)
        for line, expert in enumerate(ExpertName, start=1)
    ]
    clusters = cluster(findings, 0)
    looked = {each: frozenset({"shop/app.py"}) for each in ExpertName}
    assert consistency(rate(clusters, looked, {})).value is None
