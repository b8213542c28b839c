"""From many experts' findings to one ranked list: cluster, count, vote, rank.

Clustering decides what is the same issue. Ranking is by severity, then by the mean of two normalised scores: the
averaged Borda count over the experts' ballots and the confidence- and precision-weighted vote. An expert that could not
have seen a place abstains; abstaining is not rejecting.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from models.agreement import krippendorff_alpha
from models.config import ConsensusConfig
from models.expert import ExpertFinding, ExpertName
from models.review import Consistency


class Rating(StrEnum):
    """What one expert says of one cluster; no rating at all is an abstention."""

    VALID = "valid"
    SILENT = "silent"
    """It looked there, reports such issues elsewhere, and reported none here."""
    REJECTED = "rejected"


@dataclass(frozen=True)
class Cluster:
    """Findings that are one issue. The first is the strongest and speaks for all."""

    findings: tuple[ExpertFinding, ...]

    @property
    def lead(self) -> ExpertFinding:
        return self.findings[0]

    @cached_property
    def supporters(self) -> dict[ExpertName, float]:
        """Each supporting expert with its highest confidence."""
        best: dict[ExpertName, float] = {}
        for finding in self.findings:
            best[finding.expert] = max(best.get(finding.expert, 0.0), finding.confidence)
        return best


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cluster after the vote."""

    cluster: Cluster
    borda: float
    support: float
    confidence: float
    protected: bool
    kept: bool


def strength(finding: ExpertFinding) -> tuple[object, ...]:
    """Sort key: strongest first, then a fixed order, so that equal input always gives equal output."""
    return (
        -finding.severity.weight,
        -finding.confidence,
        finding.path,
        finding.line_start,
        finding.line_end,
        finding.kind,
        finding.expert.value,
        finding.tool,
        finding.rule,
        finding.message,
    )


def same_issue(one: ExpertFinding, other: ExpertFinding, slack: int) -> bool:
    """Whether two findings are one issue: same file, same kind or CWE, overlapping lines.

    One tool that reports twice means two issues unless the lines are identical; two tools may anchor the same issue
    up to `slack` lines apart.
    """
    if one.path != other.path:
        return False
    if one.kind != other.kind and (one.cwe is None or one.cwe != other.cwe):
        return False
    if (one.expert, one.tool) == (other.expert, other.tool):
        return one.lines == other.lines
    return one.lines.overlaps(other.lines, slack)


def cluster(findings: Sequence[ExpertFinding], slack: int) -> list[Cluster]:
    """Group findings into issues, strongest first; the result does not depend on the order of the input.

    A finding joins the first cluster whose every member is the same issue, so chains of neighbours cannot run together.
    """
    groups: list[list[ExpertFinding]] = []
    by_file: dict[str, list[list[ExpertFinding]]] = {}
    for finding in sorted(findings, key=strength):
        candidates = by_file.setdefault(finding.path, [])
        fitting = (group for group in candidates if all(same_issue(finding, each, slack) for each in group))
        home = next(fitting, None)
        if home is None:
            groups.append([finding])
            candidates.append(groups[-1])
        else:
            home.append(finding)
    return [Cluster(tuple(group)) for group in groups]


def averaged_borda(candidates: int, ballots: Sequence[Sequence[Sequence[int]]]) -> list[float]:
    """Averaged Borda count: rank r of m scores m - r, tied places and unranked candidates share their points evenly.

    Every ballot hands out the same total, so a specialist with one finding neither rules nor vanishes.

    Args:
        candidates: m, the number of candidates 0 .. m-1.
        ballots: each a ranking: groups of tied candidates, best first; candidates may be missing.
    """
    scores = [0.0] * candidates
    for ballot in ballots:
        ranked = {each for group in ballot for each in group}
        rest: Sequence[int] = [each for each in range(candidates) if each not in ranked]
        place = candidates - 1
        groups: list[Sequence[int]] = [*ballot, rest]
        for group in groups:
            points = place - (len(group) - 1) / 2
            for each in group:
                scores[each] += points
            place -= len(group)
    return scores


def _ballot(expert: ExpertName, clusters: Sequence[Cluster]) -> list[list[int]]:
    """An expert's ranking of what it supports: by severity, then by its confidence; equals are tied."""
    groups: dict[tuple[int, float], list[int]] = {}
    for index, each in enumerate(clusters):
        own = [finding for finding in each.findings if finding.expert is expert]
        if own:
            key = max((finding.severity.weight, finding.confidence) for finding in own)
            groups.setdefault(key, []).append(index)
    return [groups[key] for key in sorted(groups, reverse=True)]


def weight_of(precision: float) -> float:
    """Weight of a voter that is right with this probability: log(p / (1 - p)), never below a small positive one.

    The log-odds are the optimal weights of independent voters (Nitzan and Paroush, 1982).
    """
    clipped = min(max(precision, 0.01), 0.99)
    return max(math.log(clipped / (1 - clipped)), 0.05)


def rate(
    clusters: Sequence[Cluster],
    looked_at: Mapping[ExpertName, frozenset[str]],
    rejected: Mapping[int, frozenset[ExpertName]],
) -> list[dict[ExpertName, Rating]]:
    """Each expert's rating of each cluster.

    Args:
        clusters: the issues.
        looked_at: paths that each expert analysed to the end.
        rejected: experts that expressly reject a cluster, by its index.
    """
    abilities = {expert: {each.lead.kind for each in clusters if expert in each.supporters} for expert in looked_at}
    ratings: list[dict[ExpertName, Rating]] = []
    for index, each in enumerate(clusters):
        rating: dict[ExpertName, Rating] = {}
        for expert in sorted(looked_at):
            if expert in rejected.get(index, frozenset()):
                rating[expert] = Rating.REJECTED
            elif expert in each.supporters:
                rating[expert] = Rating.VALID
            elif each.lead.kind in abilities[expert] and each.lead.path in looked_at[expert]:
                rating[expert] = Rating.SILENT
        ratings.append(rating)
    return ratings


def consistency(ratings: Sequence[Mapping[ExpertName, Rating]]) -> Consistency:
    """Agreement of the experts on the places that more than one of them rated."""
    units = [list(rating.values()) for rating in ratings]
    return Consistency(value=krippendorff_alpha(units), units=sum(len(unit) >= 2 for unit in units))


def _vote(each: Cluster, rating: Mapping[ExpertName, Rating], config: ConsensusConfig) -> tuple[float, float]:
    """Support and aggregate confidence of one cluster.

    Support is `sum(w_e * c_e over supporters) / sum(w_e over experts that voted)`; confidence is
    `1 - product(1 - c_e)` over supporters, scaled by the share of the voting weight that did not expressly reject.
    """
    voters = {expert: weight_of(config.precision.get(expert, 0.5)) for expert in rating}
    mass = sum(voters.values())
    for_it = {expert: c for expert, c in each.supporters.items() if rating.get(expert) is Rating.VALID}
    if not mass or not for_it:
        return 0.0, 0.0
    support = sum(voters[expert] * c for expert, c in for_it.items()) / mass
    against = sum(weight for expert, weight in voters.items() if rating[expert] is Rating.REJECTED)
    doubt = math.prod(1 - c for c in for_it.values())
    return min(support, 1.0), (1 - doubt) * (1 - against / mass)


def decide(
    clusters: Sequence[Cluster], ratings: Sequence[Mapping[ExpertName, Rating]], config: ConsensusConfig
) -> list[Verdict]:
    """Vote on every cluster and rank: severity, then mean of normalised Borda and support, then a fixed order.

    The lane for specialists: a finding of high severity whose own expert is very sure is kept and keeps its own
    confidence, whatever others' silence does to its support; only an express rejection can vote it out.
    """
    experts = sorted({expert for each in clusters for expert in each.supporters})
    borda = averaged_borda(len(clusters), [_ballot(expert, clusters) for expert in experts])
    top = max(borda, default=0.0) or 1.0
    verdicts: list[Verdict] = []
    for each, points, rating in zip(clusters, borda, ratings, strict=True):
        support, confidence = _vote(each, rating, config)
        protected = (
            Rating.REJECTED not in rating.values()
            and each.lead.severity.weight >= config.protect_severity_weight
            and each.lead.confidence >= config.protect_confidence
        )
        kept = protected or support >= config.min_support
        shown = max(confidence, each.lead.confidence) if protected else confidence
        verdicts.append(Verdict(each, points, support, round(min(shown, 0.99), 4), protected, kept))
    return sorted(
        verdicts,
        key=lambda v: (
            -v.cluster.lead.severity.weight,
            -round((v.borda / top + (v.confidence if v.protected else v.support)) / 2, 9),
            *strength(v.cluster.lead)[1:],
        ),
    )
