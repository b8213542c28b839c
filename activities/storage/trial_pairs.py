"""The pairs of a trial in Postgres: a live review and the candidate's, and what comparing them has shown."""

from typing import Any

from sqlalchemy import text

from activities.trial_ports import OpenPair, Pair
from models.order import ReviewOrder
from models.review import ReviewReport
from models.trial_report import Half, SideSums, TrialSums

ADD_PAIR = text(
    """
    INSERT INTO trial_reviews (trial_id, review_id, candidate_review_id, created_at)
    VALUES (:trial, :review, :candidate, now()) ON CONFLICT DO NOTHING
    """
)

OPEN = text(
    """
    SELECT c.id, c.review_order, w.wanted
    FROM trial_reviews p
    JOIN reviews c ON c.id = p.candidate_review_id AND c.status = 'running'
    JOIN reviews r ON r.id = p.review_id
    JOIN trials t ON t.id = p.trial_id
    CROSS JOIN LATERAL (
        SELECT t.status = 'running' AND NOT EXISTS (
            SELECT FROM blacklist b WHERE b.config_hash = t.config_hash AND b.review_status = 'quarantined'
        ) AS wanted
    ) w
    WHERE r.status <> 'running' OR NOT w.wanted
    ORDER BY p.created_at, c.id LIMIT :most
    """
)
"""Behind the live review: it must not wait for a processor that its shadow holds."""

FINISHED = text(
    """
    SELECT p.trial_id, p.review_id, r.report, c.report AS candidate_report, s.seconds, o.seconds AS candidate_seconds,
        coalesce(
            (r.review_order ->> 'models_routed')::boolean AND NOT (c.review_order ->> 'models_routed')::boolean
            AND (t.config #>> '{models,enabled}')::boolean, false
        ) AS unasked
    FROM trial_reviews p
    JOIN trials t ON t.id = p.trial_id
    JOIN reviews r ON r.id = p.review_id AND r.status IN ('completed', 'failed')
    JOIN reviews c ON c.id = p.candidate_review_id AND c.status IN ('completed', 'failed')
    CROSS JOIN LATERAL (
        SELECT coalesce(extract(epoch FROM r.finished_at - min(x.started_at)), 0)::float AS seconds
        FROM expert_results x WHERE x.review_id = r.id
    ) s
    CROSS JOIN LATERAL (
        SELECT coalesce(extract(epoch FROM c.finished_at - min(x.started_at)), 0)::float AS seconds
        FROM expert_results x WHERE x.review_id = c.id
    ) o
    WHERE p.compared_at IS NULL
    ORDER BY p.created_at, p.review_id LIMIT :size
    """
)

NOTE = text(
    """
    UPDATE trial_reviews SET comparison = cast(cast(:said AS text) AS jsonb), compared_at = now()
    WHERE trial_id = :trial AND review_id = :review AND compared_at IS NULL
    """
)

_SIDE = "failed boolean, degraded boolean, findings bigint, cost_micro_usd bigint, seconds float"
_SUMMED = ", ".join(
    f"""
    count(*) FILTER (WHERE {side}.failed) AS {name}_failed, count(*) FILTER (WHERE {side}.degraded) AS {name}_degraded,
    coalesce(sum({side}.findings) FILTER (WHERE c.whole), 0)::bigint AS {name}_findings,
    coalesce(sum({side}.cost_micro_usd) FILTER (WHERE c.whole), 0)::bigint AS {name}_cost_micro_usd,
    coalesce(sum({side}.seconds) FILTER (WHERE c.whole), 0)::float AS {name}_seconds
    """
    for side, name in (("s", "stable"), ("o", "candidate"))
)
SUMS = text(
    f"""
    SELECT count(*) AS pairs, count(p.compared_at) AS compared,
        count(*) FILTER (WHERE p.compared_at IS NULL AND 'running' IN (r.status, k.status)) AS waiting,
        count(*) FILTER (WHERE c.whole) AS whole, count(*) FILTER (WHERE c.whole AND c.agrees) AS agreed,
        coalesce(sum(c.common) FILTER (WHERE c.whole), 0)::bigint AS common, {_SUMMED}
    FROM trial_reviews p
    JOIN reviews r ON r.id = p.review_id
    JOIN reviews k ON k.id = p.candidate_review_id
    LEFT JOIN LATERAL jsonb_to_record(p.comparison)
        AS c (stable jsonb, candidate jsonb, whole boolean, agrees boolean, common bigint) ON true
    LEFT JOIN LATERAL jsonb_to_record(c.stable) AS s ({_SIDE}) ON true
    LEFT JOIN LATERAL jsonb_to_record(c.candidate) AS o ({_SIDE}) ON true
    WHERE p.trial_id = :trial
    """
)


def open_of(row: Any) -> OpenPair:
    """A row of `OPEN`."""
    return OpenPair(row.id, ReviewOrder.model_validate(row.review_order), row.wanted)


def pair_of(row: Any) -> Pair:
    """A row of `FINISHED`."""
    return Pair(
        trial_id=row.trial_id,
        review_id=row.review_id,
        stable=Half(_report(row.report), row.seconds),
        candidate=Half(_report(row.candidate_report), row.candidate_seconds, row.unasked),
    )


def _report(said: Any) -> ReviewReport | None:
    return None if said is None else ReviewReport.model_validate(said)


def sums_of(row: Any) -> TrialSums:
    """A row of `SUMS`."""
    counted = row._mapping
    own = {name: counted[name] for name in TrialSums.model_fields if name not in ("stable", "candidate")}
    sides = {
        side: SideSums.model_validate({name: counted[f"{side}_{name}"] for name in SideSums.model_fields})
        for side in ("stable", "candidate")
    }
    return TrialSums.model_validate(own | sides)
