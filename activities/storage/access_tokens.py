"""Tokens in Postgres: found by the digest, never by the token; made and revoked on the audit chain."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.access_ports import NewToken, OwnerSpelling, TokenEnded, TokenUnknown, TooManyTokens
from activities.ports import StoreUnavailable
from activities.storage.audit import append_in
from activities.storage.database import Database
from activities.storage.paging import Position, page_of
from activities.storage.statements import Statement, StatementFailed, Statements
from models.access import Action, Caller
from models.access_token import TokenState, TokenView, state_of
from models.audit import AuditAction, AuditEvent
from models.identity import Role
from models.tables import Token

TOKENS = cast(Table, Token.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

MOST_ACTIVE = 100
"""Usable tokens of one owner."""
USED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a token was used last: a write a minute, not one a request."""

FIND = Statement(
    "SELECT id, owner, roles, scopes, expires_at, last_used_at, revoked_at FROM tokens WHERE digest = :digest", {}
)
USED = Statement(
    "UPDATE tokens SET last_used_at = :now WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :before)",
    {"now": "TIMESTAMPTZ", "before": "TIMESTAMPTZ"},
)

ONE_PER_NAME = text("SELECT pg_advisory_xact_lock(hashtextextended('token owner ' || lower(:owner), 0))")
"""Of two spellings of a name that come at once, one comes first."""

REVOKE = text(
    """
    WITH RECURSIVE ended AS (
        SELECT id FROM tokens WHERE id = :id
        UNION SELECT made.id FROM tokens made JOIN ended ON made.made_with = ended.id
    )
    UPDATE tokens SET revoked_at = :now, revoked_by = :by
    WHERE id IN (SELECT id FROM ended) AND revoked_at IS NULL RETURNING id
    """
)


class PostgresTokens:
    """Stored tokens. Every method raises StoreUnavailable when the database cannot be reached."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self._database = database
        self._statements = statements

    async def find(self, digest: str) -> tuple[Caller, TokenState] | None:
        """Who sends a token of this digest, and whether it is still good; None: it was never one.

        Read anew for every request, so that a token which is revoked opens nothing from that moment on.
        """
        try:
            row = await self._statements.row(FIND, {"digest": digest})
        except StatementFailed as error:
            raise StoreUnavailable from error
        if row is None:
            return None
        now, used = datetime.now(UTC), row["last_used_at"]
        state = state_of(row["expires_at"], row["revoked_at"], now)
        if state is TokenState.ACTIVE and (used is None or used < now - USED_EVERY):
            # A note for people: nothing depends on it.
            with suppress(StoreUnavailable, StatementFailed):
                await self._statements.rows(USED, {"id": row["id"], "now": now, "before": now - USED_EVERY})
        return _caller(row, digest), state

    async def add(self, new: NewToken) -> TokenView:
        """Store a token.

        Raises:
            TokenEnded: the one that it is made with is good no more.
            OwnerSpelling: the owner's name is somebody else's but for upper and lower case.
            TooManyTokens: the owner has too many.
        """
        grant, now = new.grant, datetime.now(UTC)
        row: dict[str, Any] = {
            "id": new.id,
            "digest": new.digest,
            "name": new.name,
            "owner": grant.owner,
            "roles": sorted(grant.roles),
            "scopes": None if grant.scopes is None else sorted(grant.scopes),
            "made_with": new.by.token_id,
            "created_by": new.by.name,
            "created_at": now,
            "expires_at": new.expires_at,
        }
        event = AuditEvent(
            action=AuditAction.TOKEN_CREATED,
            actor=new.by.name,
            subject=new.id,
            data={key: row[key] for key in ("name", "owner", "roles", "scopes", "made_with")}
            | {"expires_at": new.expires_at.isoformat()},
        )
        async with self._database.transaction() as session:
            await session.execute(ONE_PER_NAME, {"owner": grant.owner})
            await _check(session, new, now)
            await session.execute(insert(TOKENS).values(row))
            await append_in(session, event)
        return _view(row | {"last_used_at": None, "revoked_at": None}, now)

    async def get(self, token_id: str, owner: str | None) -> TokenView:
        """One token; of one owner, unless None.

        Raises:
            TokenUnknown: there is none, or it is another's.
        """
        query = select(TOKENS).where(TOKENS.c.id == token_id)
        async with self._database.statements() as session:
            found = await session.execute(query if owner is None else query.where(TOKENS.c.owner == owner))
            row = found.mappings().first()
        if row is None:
            raise TokenUnknown
        return _view(row, datetime.now(UTC))

    async def page(self, owner: str | None, before: Position | None, size: int) -> list[TokenView]:
        """Tokens of one owner, or of everybody (None), newest first."""
        query = select(TOKENS) if owner is None else select(TOKENS).where(TOKENS.c.owner == owner)
        query = page_of(query, TOKENS.c.created_at, TOKENS.c.id, before, size)
        async with self._database.statements() as session:
            rows = (await session.execute(query)).mappings().all()
        now = datetime.now(UTC)
        return [_view(row, now) for row in rows]

    async def revoke(self, token_id: str, by: str) -> None:
        """End a token, and all that were made with it; one that was revoked stays as it is."""
        ended: list[str] = []
        async with self._database.transaction() as session:
            # Again until nothing is left: another may just have been made with one of them.
            while (
                found := (await session.execute(REVOKE, {"id": token_id, "by": by, "now": datetime.now(UTC)}))
                .scalars()
                .all()
            ):
                ended += found
            if ended:
                also = sorted(set(ended) - {token_id})
                event = AuditEvent(
                    action=AuditAction.TOKEN_REVOKED, actor=by, subject=token_id, data={"also": also[:MOST_ACTIVE]}
                )
                await append_in(session, event)


async def _check(session: AsyncSession, new: NewToken, now: datetime) -> None:
    owner = new.grant.owner
    if new.by.token_id is not None:
        # Shared with others that make one, and in the way of whoever revokes it, until both are there.
        made_with = select(TOKENS.c.expires_at, TOKENS.c.revoked_at).where(TOKENS.c.id == new.by.token_id)
        row = (await session.execute(made_with.with_for_update(read=True))).one()
        if state_of(row.expires_at, row.revoked_at, now) is not TokenState.ACTIVE:
            raise TokenEnded
    others = select(TOKENS.c.id).where(func.lower(TOKENS.c.owner) == owner.lower(), TOKENS.c.owner != owner).limit(1)
    if (await session.execute(others)).first() is not None:
        raise OwnerSpelling
    active = select(func.count()).where(
        TOKENS.c.owner == owner, TOKENS.c.revoked_at.is_(None), TOKENS.c.expires_at > now
    )
    if (await session.execute(active)).scalar_one() >= MOST_ACTIVE:
        raise TooManyTokens


def _caller(row: Any, digest: str) -> Caller:
    roles, scopes = json.loads(row["roles"]), json.loads(row["scopes"] or "null")
    return Caller(
        name=row["owner"],
        token_sha256=digest,
        # A role or scope that this release does not know is none.
        roles=frozenset(Role(each) for each in roles if each in set(Role)),
        scopes=None if scopes is None else frozenset(Action(each) for each in scopes if each in set(Action)),
        token_id=row["id"],
        expires_at=row["expires_at"],
    )


def _view(row: Any, now: datetime) -> TokenView:
    return TokenView(
        id=row["id"],
        name=row["name"],
        owner=row["owner"],
        roles=tuple(row["roles"]),
        scopes=None if row["scopes"] is None else tuple(row["scopes"]),
        state=state_of(row["expires_at"], row["revoked_at"], now),
        created_by=row["created_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
