"""Something in every server that must survive whatever happens to its process."""

import base64
from dataclasses import dataclass

import asyncpg
import hvac
from redis.asyncio import Redis
from temporalio.client import Client

from starter.stack.launcher import Stack

CONTEXT = base64.b64encode(b"test").decode()


@dataclass
class Evidence:
    plaintext: str
    ciphertext: str


async def leave(stack: Stack) -> Evidence:
    env = stack.environment()
    database = await asyncpg.connect(env["CONCLAVE_DATABASE_OWNER_URL"])
    await database.execute("CREATE TABLE evidence (word text); INSERT INTO evidence VALUES ('kept')")
    await database.close()
    async with Redis.from_url(env["CONCLAVE_REDIS_URL"]) as redis:
        await redis.set("evidence", "kept")
    client = await Client.connect(env["TEMPORAL_ADDRESS"])
    await client.start_workflow("nobody-runs-this", id="evidence", task_queue="nobody")
    made = transit(stack).generate_data_key("conclave-payloads", "plaintext", context=CONTEXT)["data"]
    return Evidence(made["plaintext"], made["ciphertext"])


async def assert_kept(stack: Stack, evidence: Evidence) -> None:
    env = stack.environment()
    database = await asyncpg.connect(env["CONCLAVE_DATABASE_OWNER_URL"])
    assert await database.fetchval("SELECT word FROM evidence") == "kept"
    await database.close()
    async with Redis.from_url(env["CONCLAVE_REDIS_URL"]) as redis:
        assert await redis.get("evidence") == b"kept"
    client = await Client.connect(env["TEMPORAL_ADDRESS"])
    assert (await client.get_workflow_handle("evidence").describe()).workflow_type == "nobody-runs-this"
    opened = transit(stack).decrypt_data("conclave-payloads", evidence.ciphertext, context=CONTEXT)["data"]
    assert opened["plaintext"] == evidence.plaintext


def bao(stack: Stack) -> hvac.Client:
    """OpenBao as the application reaches it."""
    env = stack.environment()
    return hvac.Client(url=env["CONCLAVE_VAULT_ADDRESS"], token=env["CONCLAVE_VAULT_TOKEN"])


def transit(stack: Stack):
    return bao(stack).secrets.transit
