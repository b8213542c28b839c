"""Answers of requests that had an Idempotency-Key, in one table."""

import json
import secrets

from activities.idempotency_ports import BodyDiffers, Claim, InProgress
from activities.storage.statements import Statement, Statements
from models.idempotency import KEPT_DAYS, LEASE_SECONDS, KeptAnswer, SentRequest

_NEW = """
    INSERT INTO idempotent_answers AS a (id, body_digest, claim, claimed_at)
    VALUES (:id, :body_digest, :claim, now())
    ON CONFLICT (id) DO UPDATE
    SET body_digest = excluded.body_digest, claim = excluded.claim, claimed_at = now(),
        status = NULL, headers = NULL, body = NULL
"""
_CLAIM = Statement(
    f"""{_NEW}
    WHERE a.claimed_at < now() - interval '{KEPT_DAYS} days'
       OR (a.status IS NULL AND a.claimed_at < now() - interval '{LEASE_SECONDS} seconds'
           AND a.body_digest = excluded.body_digest)
    RETURNING claim
    """,
    {},
)
_FIND = Statement("SELECT body_digest, status, headers, body FROM idempotent_answers WHERE id = :id", {})
_KEEP = Statement(
    f"""
    WITH old AS (
        DELETE FROM idempotent_answers WHERE id IN (
            SELECT id FROM idempotent_answers WHERE claimed_at < now() - interval '{KEPT_DAYS} days'
            AND id <> :id ORDER BY claimed_at LIMIT 20 FOR UPDATE SKIP LOCKED
        )
    )
    UPDATE idempotent_answers SET status = :status, headers = :headers, body = :body
    WHERE id = :id AND claim = :claim
    """,
    {"status": "INTEGER", "headers": "JSONB", "body": "BYTEA"},
)
"""Every answer that is kept takes a few away whose time is over: the table needs no process that tidies it."""
_RELEASE = Statement("DELETE FROM idempotent_answers WHERE id = :id AND claim = :claim AND status IS NULL", {})


class PostgresAnswers:
    """Who may carry a request out, and what came of it."""

    def __init__(self, statements: Statements) -> None:
        """Work with these."""
        self._statements = statements

    async def claim(self, request: SentRequest) -> Claim | KeptAnswer:
        """Take a request, or get what was answered to it before.

        Raises:
            BodyDiffers: the key came before with another body.
            InProgress: somebody else is at it.
            StoreUnavailable: the database cannot be reached.
        """
        claim = Claim(request, secrets.token_hex(16))
        values = {"id": request.id, "body_digest": request.body, "claim": claim.token}
        if await self._statements.row(_CLAIM, values) is not None:
            return claim
        found = await self._statements.row(_FIND, {"id": request.id})
        if found is None:  # given back this moment
            raise InProgress
        if found["body_digest"] != request.body:
            raise BodyDiffers
        if found["status"] is None:
            raise InProgress
        return KeptAnswer(found["status"], json.loads(found["headers"]), found["body"])

    async def keep(self, claim: Claim, answer: KeptAnswer) -> None:
        """Store an answer, unless the claim was lost meanwhile.

        Raises:
            StoreUnavailable: the database cannot be reached.
        """
        values = {"status": answer.status, "headers": json.dumps(answer.headers), "body": answer.body}
        await self._statements.rows(_KEEP, {"id": claim.request.id, "claim": claim.token, **values})

    async def release(self, claim: Claim) -> None:
        """Give a request back: nothing came of it.

        Raises:
            StoreUnavailable: the database cannot be reached.
        """
        await self._statements.rows(_RELEASE, {"id": claim.request.id, "claim": claim.token})
