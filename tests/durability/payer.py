"""Processes that ask a provider and pay, made to be killed: `python -m tests.durability.payer`.

Its first line of input is the place in JSON. Each further line makes it fork one worker, which calls the provider over
and over and writes `<pid> <step>` as it enters a step. Forked, because to start Python anew takes longer than twenty
calls.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from dataclasses import dataclass

import httpx

from models.call import TokenUsage
from models.reservation import Hold, ReservationKey, Settlement
from tests.activities.quota.spender import gate_of

STEPS = ("reserve", "dispatch", "ask", "settle", "settled")
WORST = 100_000
"""Micro-USD: what a call may cost at most here."""


@dataclass(frozen=True)
class Place:
    database_url: str
    schema: str
    redis_url: str
    provider_url: str
    user: str


def question(reservation_id: str) -> bytes:
    """The body of the request, by which the provider's bill names the reservation."""
    message = {"role": "user", "content": reservation_id}
    return json.dumps({"model": "model-1", "messages": [message]}).encode()


def price(input_tokens: int, output_tokens: int) -> int:
    return 3 * input_tokens + 15 * output_tokens


def enter(step: str) -> None:
    os.write(1, f"{os.getpid()} {step}\n".encode())


async def work(place: Place) -> None:
    async with (
        gate_of(place.database_url, place.schema, place.redis_url) as gate,
        httpx.AsyncClient(base_url=place.provider_url, trust_env=False) as client,
    ):
        while True:
            key = ReservationKey(workflow_id=f"review-{uuid.uuid4().hex}", step="security", attempt=1, delivery=1)
            enter("reserve")
            reservation = await gate.reserve(
                Hold(key=key, user_id=place.user, provider_id="p" * 32, amount_micro_usd=WORST)
            )
            enter("dispatch")
            await gate.dispatch(reservation)
            enter("ask")
            answer = await client.post("/v1/chat/completions", content=question(reservation.id))
            told = answer.json()["usage"]
            enter("settle")
            usage = TokenUsage(input=told["prompt_tokens"], output=told["completion_tokens"])
            cost = price(usage.input, usage.output)
            await gate.settle(reservation, Settlement(usage=usage, cost_micro_usd=cost), b"sealed")
            enter("settled")


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    place = Place(**json.loads(sys.stdin.readline()))
    os.write(1, b"0 ready\n")
    while sys.stdin.readline():
        if os.fork() == 0:
            asyncio.run(work(place))


if __name__ == "__main__":
    main()
