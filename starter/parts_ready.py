"""Asks every part for a sign of service, all at once and each for a moment only."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import httpx
import hvac
from hvac.exceptions import Forbidden, Unauthorized, VaultDown, VaultError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from sqlalchemy import text
from temporalio.service import RPCError, RPCStatusCode

from activities.ports import StoreUnavailable
from models.ids import Queue
from models.readiness import PartReady, Ready
from starter.composition import Services
from starter.connection import required
from starter.task_queues import pollers

PATIENCE_SECONDS = 1.5

Ask = Callable[[Services], Awaitable[str | None]]
"""Asks one part; the code of what is wrong, or None. What it raises counts as `unreachable`."""


@dataclass(frozen=True, slots=True)
class Question:
    """How a part is asked, and whether the API is of use without it."""

    ask: Ask
    needed: bool = False


async def ready(services: Services) -> Ready:
    """How every part does; takes no longer than `PATIENCE_SECONDS`."""
    asked = questions(services)
    answers = await asyncio.gather(*(_answer(each.ask, services) for each in asked.values()))
    parts = {
        name: PartReady(status="ok" if code is None else "down", needed=question.needed, code=code)
        for (name, question), code in zip(asked.items(), answers, strict=True)
    }
    return Ready(ready=all(part.status == "ok" for part in parts.values() if part.needed), parts=parts)


def questions(services: Services) -> Mapping[str, Question]:
    """The parts that these services have.

    Needed is what nothing can be accepted without. Redis is a faster copy of the ledger; the key service wraps keys
    that are added or used; a policy decides whether a request is allowed; without workers what was accepted waits.
    """
    found = {
        "database": Question(_database, needed=True),
        "temporal": Question(_temporal, needed=True),
        "redis": Question(_redis),
        "keys": Question(_keys),
    }
    if services.settings.opa_url:
        found["opa"] = Question(_opa, needed=True)
    return found | {f"workers.{queue}": Question(_workers(queue)) for queue in Queue}


async def _answer(ask: Ask, services: Services) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await ask(services)
    except TimeoutError:
        return "too_slow"
    except (RPCError, RedisError, OSError, StoreUnavailable, httpx.HTTPError, RuntimeError):
        return "unreachable"


async def _database(services: Services) -> None:
    async with services.database.statements() as session:
        await session.execute(text("SELECT 1"))


async def _temporal(services: Services) -> str | None:
    healthy = await services.temporal.service_client.check_health(timeout=timedelta(seconds=PATIENCE_SECONDS))
    return None if healthy else "not_serving"


async def _redis(services: Services) -> str | None:
    # Over a connection of its own: those at work are given up after a quarter of a second, which is no proof.
    url = required(services.settings.redis_url, "CONCLAVE_REDIS_URL")
    client = cast(Any, Redis).from_url(url, retry=Retry(NoBackoff(), 0))
    try:
        await client.ping()
    except AuthenticationError:
        return "password_refused"
    finally:
        await client.aclose()
    return None


async def _keys(services: Services) -> str | None:
    """Whether OpenBao or Vault is unsealed and takes our token; both come of one question, which changes nothing."""
    settings = services.settings
    token = settings.vault_token.get_secret_value() if settings.vault_token else None
    client = cast(Any, hvac.Client)(url=settings.vault_address, token=token, timeout=PATIENCE_SECONDS)
    try:
        await asyncio.to_thread(client.auth.token.lookup_self)
    except (Forbidden, Unauthorized):
        return "token_refused"
    except VaultDown:
        return "sealed"
    except VaultError:
        return "not_serving"
    return None


async def _opa(services: Services) -> str | None:
    settings = services.settings
    headers = {"authorization": f"Bearer {settings.opa_token.get_secret_value()}"} if settings.opa_token else {}
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        answer = await client.get(f"{(settings.opa_url or '').rstrip('/')}/v1/policies", headers=headers)
    match answer.status_code:
        case 200:
            return None
        case 401 | 403:
            return "token_refused"
        case _:
            return "not_serving"


def _workers(queue: Queue) -> Ask:
    async def ask(services: Services) -> str | None:
        patience = timedelta(seconds=PATIENCE_SECONDS)
        try:
            found = await pollers(services.temporal, services.settings.task_queue, queue, patience)
        except RPCError as error:
            # Nobody ever asked for this queue.
            if error.status is RPCStatusCode.NOT_FOUND:
                return "no_worker"
            return "temporal_unreachable"
        return None if found else "no_worker"

    return ask
