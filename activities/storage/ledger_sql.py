"""The ledger's statements. Each is one round trip and one transaction: entry, counters and what hangs on them together.

Locks are always taken in the same order - an entry, then counters by ascending period - so that no two wait for each
other. Data of one statement is what it was at its start, except for rows that it locked: those are the latest.
"""

from activities.storage.statements import Statement

_TYPES = {
    **dict.fromkeys(
        ("amount", "cost", "tokens", "day_requests", "month_requests", "day_micro", "month_micro", "size"), "BIGINT"
    ),
    **dict.fromkeys(("attempt", "delivery"), "INTEGER"),
    **dict.fromkeys(("price", "usage"), "JSONB"),
    **dict.fromkeys(("states", "users"), "VARCHAR[]"),
    "shares": "BIGINT[]",
    "since": "TIMESTAMPTZ",
    "grace": "DOUBLE PRECISION",
    "sealed": "BYTEA",
    "useful": "BOOLEAN",
}
"""SQL types of the parameters; any other one is text."""


def _statement(sql: str) -> Statement:
    return Statement(sql, _TYPES)


_MOMENT = """moment AS (
        SELECT now() AS at, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
               to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS month
    )"""

_ALLOWED = """allowed AS (
        SELECT w.user_id,
               CASE WHEN q.user_id IS NULL THEN :day_requests ELSE q.daily_limit END AS day_requests,
               CASE WHEN q.user_id IS NULL THEN :month_requests ELSE q.monthly_limit END AS month_requests,
               CASE WHEN q.user_id IS NULL THEN :day_micro
                    ELSE CAST(q.daily_cost_limit * 1000000 AS BIGINT) END AS day_micro,
               CASE WHEN q.user_id IS NULL THEN :month_micro
                    ELSE CAST(q.monthly_cost_limit * 1000000 AS BIGINT) END AS month_micro
        FROM who w LEFT JOIN user_quotas q ON q.user_id = w.user_id
    )"""
"""Limits of the user in `who`: the stored ones, nulls included, else the defaults."""

_STANDING = """a.user_id, a.day_requests, a.month_requests, a.day_micro, a.month_micro,
           coalesce(d.requests, 0) AS day_used, coalesce(d.spent_micro_usd, 0) AS day_spent,
           coalesce(d.held_micro_usd, 0) AS day_held, coalesce(d.revision, 0) AS day_revision,
           coalesce(o.requests, 0) AS month_used, coalesce(o.spent_micro_usd, 0) AS month_spent,
           coalesce(o.held_micro_usd, 0) AS month_held, coalesce(o.revision, 0) AS month_revision"""


GRANT = _statement(f"""
    WITH {_MOMENT},
    who AS (SELECT :user AS user_id),
    {_ALLOWED},
    known AS (
        SELECT id FROM ledger
        WHERE workflow_id = :workflow AND step = :step AND attempt = :attempt AND delivery = :delivery
    ),
    locked AS (
        SELECT c.period, c.requests, c.spent_micro_usd, c.held_micro_usd, c.revision
        FROM quota_counters c, moment m
        WHERE c.user_id = :user AND c.period IN (m.day, m.month) AND NOT EXISTS (SELECT FROM known)
        ORDER BY c.period FOR UPDATE OF c
    ),
    verdict AS (
        SELECT count(*) AS counters, count(*) = 2 AND bool_and(
            (l.calls IS NULL OR c.requests + 1 <= l.calls)
            AND (l.money IS NULL OR :amount = 0 OR c.spent_micro_usd + c.held_micro_usd + :amount <= l.money)
        ) AS fits
        FROM locked c JOIN (
            SELECT m.day AS period, a.day_requests AS calls, a.day_micro AS money FROM moment m, allowed a
            UNION ALL
            SELECT m.month, a.month_requests, a.month_micro FROM moment m, allowed a
        ) l ON l.period = c.period
    ),
    entry AS (
        INSERT INTO ledger (id, workflow_id, step, attempt, delivery, user_id, review_id, expert, provider_id, key_id,
                            state, day, reserved_micro_usd, cost_micro_usd, price, useful, created_at)
        SELECT :id, :workflow, :step, :attempt, :delivery, :user, :review, :expert, :provider, :key,
               'reserved', m.day, :amount, 0, :price, true, m.at
        FROM moment m, verdict v WHERE v.fits
        ON CONFLICT (workflow_id, step, attempt, delivery) DO NOTHING
        RETURNING id
    ),
    moved AS (
        UPDATE quota_counters c
        SET requests = c.requests + 1, held_micro_usd = c.held_micro_usd + :amount, revision = c.revision + 1
        FROM entry e, moment m
        WHERE c.user_id = :user AND c.period IN (m.day, m.month)
        RETURNING c.period, c.requests, c.spent_micro_usd, c.held_micro_usd, c.revision
    ),
    shown AS (
        SELECT * FROM moved UNION ALL SELECT * FROM locked WHERE NOT EXISTS (SELECT FROM entry)
    )
    SELECT m.at, m.day, {_STANDING}, v.counters = 2 AS counted, EXISTS (SELECT FROM entry) AS granted,
           EXISTS (SELECT FROM known) AS known, v.fits AS fits, set_config('synchronous_commit', 'off', true)
    FROM moment m CROSS JOIN allowed a CROSS JOIN verdict v
    LEFT JOIN shown d ON d.period = m.day
    LEFT JOIN shown o ON o.period = m.month
""")
"""Set an amount aside if both periods allow it. Concurrent ones of a user wait here for each other, so they never
overspend together. `counted` false: the user has no counters in this day or month yet; make them and ask again.

The commit is not waited for until it is on disk. A server that loses its power forgets a grant at worst; what was
forgotten is not dispatched, and the commit of a dispatch is waited for, with all that came before it."""

COUNTERS = _statement("""
    INSERT INTO quota_counters (user_id, period, requests, spent_micro_usd, held_micro_usd, revision)
    SELECT :user, p.period, 0, 0, 0, 0
    FROM (VALUES (to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')), (to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')))
         AS p (period)
    ON CONFLICT DO NOTHING
""")

KNOWN = _statement("""
    SELECT * FROM ledger WHERE workflow_id = :workflow AND step = :step AND attempt = :attempt AND delivery = :delivery
""")

STANDING = _statement(f"""
    WITH {_MOMENT},
    who AS (SELECT unnest(:users) AS user_id),
    {_ALLOWED}
    SELECT m.at, m.day, {_STANDING}
    FROM moment m CROSS JOIN allowed a
    LEFT JOIN quota_counters d ON d.user_id = a.user_id AND d.period = m.day
    LEFT JOIN quota_counters o ON o.user_id = a.user_id AND o.period = m.month
""")
"""Limits and use of users today, without a lock."""

DISPATCH = _statement("""
    UPDATE ledger SET state = 'dispatched' WHERE id = :id AND state IN ('reserved', 'dispatched') RETURNING id
""")

PARK = _statement("""
    UPDATE ledger SET state = 'unknown', failure = :failure WHERE id = :id AND state = ANY(:states) RETURNING id
""")

_COUNTERS_OF_ENTRY = """locked AS (
        SELECT c.user_id, c.period FROM quota_counters c JOIN entry e ON c.user_id = e.user_id
        WHERE c.period IN (e.day, left(e.day, 7))
        ORDER BY c.period FOR UPDATE OF c
    )"""

RELEASE = _statement(f"""
    WITH entry AS (
        UPDATE ledger SET state = 'released', failure = :failure, ended_at = now()
        WHERE id = :id AND state = ANY(:states)
        RETURNING user_id, day, reserved_micro_usd
    ),
    who AS (SELECT user_id FROM entry),
    {_ALLOWED},
    {_COUNTERS_OF_ENTRY},
    moved AS (
        UPDATE quota_counters c
        SET requests = c.requests - 1, held_micro_usd = c.held_micro_usd - e.reserved_micro_usd,
            revision = c.revision + 1
        FROM locked l, entry e
        WHERE c.user_id = l.user_id AND c.period = l.period
        RETURNING c.period, c.requests, c.spent_micro_usd, c.held_micro_usd, c.revision
    )
    SELECT now() AS at, e.day, {_STANDING}
    FROM entry e CROSS JOIN allowed a
    LEFT JOIN moved d ON d.period = e.day
    LEFT JOIN moved o ON o.period = left(e.day, 7)
""")

SETTLE = _statement(f"""
    WITH entry AS (
        UPDATE ledger
        SET state = 'settled', cost_micro_usd = coalesce(:cost, reserved_micro_usd), usage = :usage, useful = :useful,
            ended_at = now()
        WHERE id = :id AND state = ANY(:states)
        RETURNING id, workflow_id, step, attempt, user_id, day, reserved_micro_usd, cost_micro_usd
    ),
    who AS (SELECT user_id FROM entry),
    {_ALLOWED},
    {_COUNTERS_OF_ENTRY},
    moved AS (
        UPDATE quota_counters c
        SET spent_micro_usd = c.spent_micro_usd + e.cost_micro_usd,
            held_micro_usd = c.held_micro_usd - e.reserved_micro_usd, revision = c.revision + 1
        FROM locked l, entry e
        WHERE c.user_id = l.user_id AND c.period = l.period
        RETURNING c.period, c.requests, c.spent_micro_usd, c.held_micro_usd, c.revision
    ),
    tracked AS (
        INSERT INTO usage_tracking AS t (user_id, date, requests_count, tokens_used, cost_usd)
        SELECT e.user_id, CAST(e.day AS DATE), 1, :tokens, CAST(e.cost_micro_usd AS NUMERIC) / 1000000 FROM entry e
        ON CONFLICT (user_id, date) DO UPDATE
        SET requests_count = t.requests_count + 1, tokens_used = t.tokens_used + excluded.tokens_used,
            cost_usd = t.cost_usd + excluded.cost_usd
    ),
    kept AS (
        INSERT INTO model_answers (reservation_id, workflow_id, step, attempt, sealed, created_at)
        SELECT e.id, e.workflow_id, e.step, e.attempt, :sealed, now() FROM entry e
        WHERE :sealed IS NOT NULL
        ON CONFLICT DO NOTHING
    ),
    alerted AS (
        INSERT INTO cost_alerts (id, user_id, alert_type, period, threshold_percentage, triggered_at,
                                 delivery_attempts, acknowledged)
        SELECT replace(CAST(gen_random_uuid() AS VARCHAR), '-', ''), a.user_id, r.kind, c.period, s.share, now(),
               0, false
        FROM allowed a CROSS JOIN moved c CROSS JOIN entry e
        CROSS JOIN LATERAL (VALUES
            ('daily_cost', e.day, a.day_micro, c.spent_micro_usd),
            ('monthly_cost', left(e.day, 7), a.month_micro, c.spent_micro_usd),
            ('daily_requests', e.day, a.day_requests, c.requests),
            ('monthly_requests', left(e.day, 7), a.month_requests, c.requests)
        ) AS r (kind, period, most, used)
        CROSS JOIN unnest(:shares) AS s (share)
        WHERE r.period = c.period AND r.most > 0 AND r.used * 100 >= s.share * r.most
        ON CONFLICT DO NOTHING
    )
    SELECT now() AS at, e.day, {_STANDING}, e.cost_micro_usd > e.reserved_micro_usd AS exceeded
    FROM entry e CROSS JOIN allowed a
    LEFT JOIN moved d ON d.period = e.day
    LEFT JOIN moved o ON o.period = left(e.day, 7)
""")
"""Book the cost, or the worst case where there is none. Every share of a limit that is reached has its alert; which of
many at once reaches it does not matter, the alert's uniqueness lets one through."""

ANSWER = _statement("""
    SELECT reservation_id, sealed FROM model_answers
    WHERE workflow_id = :workflow AND step = :step AND attempt = :attempt
""")

EARLIER = _statement("""
    SELECT id FROM ledger
    WHERE workflow_id = :workflow AND step = :step AND attempt = :attempt AND delivery < :delivery
      AND state IN ('reserved', 'dispatched')
""")

OPEN = _statement("""
    SELECT id, workflow_id, state, created_at FROM ledger
    WHERE state IN ('reserved', 'dispatched', 'unknown')
      AND created_at < now() - make_interval(secs => :grace) AND (created_at, id) > (:since, :since_id)
    ORDER BY created_at, id LIMIT :size
""")

USERS = _statement("""
    SELECT user_id FROM quota_counters
    WHERE period = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AND user_id > :after
    ORDER BY user_id LIMIT :size
""")
