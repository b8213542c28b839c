"""One question, and how a call of it fails."""

from activities.llm.client import HttpModelWire
from activities.provider_ports import CallFailed, ModelQuestion
from models.provider import Provider

KEY = b"sk-canary-8f2e61c07b9d4a35"
QUESTION = ModelQuestion(
    system="You review code.",
    prompt="x = 1  # \u00fcber",
    schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    schema_name="review",
    max_output_tokens=3_000,
)


async def failed(wire: HttpModelWire, provider: Provider, key: bytes | None = KEY) -> CallFailed:
    """The failure of one call; fails the test when there is none."""
    try:
        answer = await wire.ask(provider, None if key is None else bytearray(key), QUESTION)
    except CallFailed as failure:
        return failure
    raise AssertionError(f"answered: {answer.model}")
