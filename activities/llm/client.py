"""The wire: one question to one provider, in its protocol. Never retries."""

import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from time import perf_counter
from typing import Any

from activities.llm.addresses import Resolver, system_resolver
from activities.llm.anthropic_messages import AnthropicMessages
from activities.llm.dialect import Dialect, mapping
from activities.llm.http import BoundedHttp, Exchange, bearer
from activities.llm.openai_chat import OpenAIChat
from activities.llm.openai_responses import OpenAIResponses
from activities.provider_ports import CallFailed, ModelAnswer, ModelQuestion
from models.call import Billing, CallFailure
from models.call_errors import billing_of, failure_of
from models.call_headers import retry_after_seconds
from models.endpoint import checked_endpoint
from models.errors import InvalidInput
from models.health import SLOW_AFTER_MS, Probe
from models.provider import Provider, WireProtocol
from models.strict_json import NotJson, strict_json

DIALECTS: dict[WireProtocol, Dialect] = {
    WireProtocol.OPENAI_RESPONSES: OpenAIResponses(),
    WireProtocol.OPENAI_CHAT: OpenAIChat(),
    WireProtocol.ANTHROPIC_MESSAGES: AnthropicMessages(),
}

PROBE_SECONDS = SLOW_AFTER_MS / 1_000
PROBE_QUESTION = ModelQuestion(
    system="Answer with the JSON object that the schema asks for.",
    prompt='{"ok": true}',
    schema={
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    },
    schema_name="sign_of_life",
    max_output_tokens=16,
)
"""The cheap call, where a server lists no models. 16 is the least that every protocol takes."""
_NO_LISTING = (404, 405, 501)


class HttpModelWire:
    """Speaks OpenAI's and Anthropic's protocols. Safe for any number of calls at once in one event loop."""

    def __init__(
        self,
        *,
        loopback_allowed: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolver = system_resolver,
    ) -> None:
        """Nothing is connected yet.

        Args:
            loopback_allowed: whether providers on this machine may be asked, over http too.
            ssl_context: with a certificate authority of one's own; None: the usual authorities.
            resolve: instead of the machine's resolver.
        """
        self._loopback_allowed = loopback_allowed
        self._http = BoundedHttp(loopback_allowed=loopback_allowed, ssl_context=ssl_context, resolve=resolve)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def ask(self, provider: Provider, key: bytearray | None, question: ModelQuestion) -> ModelAnswer:
        """One request, one answer.

        An answer that does not count its tokens cannot be settled, so it is none: `provider_bad_response` with billing
        `unknown`, which holds the worst case.

        Args:
            provider: whom to ask, within its `timeout_seconds`.
            key: sent as bearer; not kept.
            question: `max_output_tokens` is sent as it is, except above what Anthropic answers without streaming.

        Raises:
            CallFailed: anything else than a whole answer.
        """
        return await self._ask(provider, key, question, provider.timeout_seconds)

    async def probe(self, provider: Provider, key: bytearray | None) -> Probe:
        """A sign of life: the list of models, which no protocol bills; one cheap call where a server has no list."""
        started = perf_counter()
        dialect = DIALECTS[provider.protocol]
        failure: CallFailure | None = None
        status: int | None = None
        valid = False
        try:
            path, headers = dialect.listing(provider)
            seen = await self._send(provider, key, "GET", path, headers, None, PROBE_SECONDS)
            status = seen.status
            if status in _NO_LISTING:
                status, valid = await self._cheap_call(provider, key)
            elif status == 200:
                self._json(seen)
                valid = True
            else:
                raise self._refused(dialect, provider.protocol, seen)
        except CallFailed as failed:
            failure, status = failed.failure, failed.http_status or status
        latency = round((perf_counter() - started) * 1_000)
        return Probe(provider_id=provider.id, http_status=status, latency_ms=latency, valid_json=valid, failure=failure)

    async def _cheap_call(self, provider: Provider, key: bytearray | None) -> tuple[int, bool]:
        """Status, and whether a JSON answer came; cut or refused answers show a living server all the same."""
        try:
            await self._ask(provider, key, PROBE_QUESTION, min(PROBE_SECONDS, provider.timeout_seconds))
        except CallFailed as failed:
            if failed.billing is not Billing.USED:
                raise
        return 200, True

    async def _ask(
        self, provider: Provider, key: bytearray | None, question: ModelQuestion, timeout_seconds: float
    ) -> ModelAnswer:
        dialect = DIALECTS[provider.protocol]
        request = dialect.request(provider, question)
        try:
            body = json.dumps(request.body, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError):  # half a surrogate pair, or a schema that is no JSON
            raise CallFailed(CallFailure.INVALID_REQUEST) from None
        seen = await self._send(provider, key, "POST", request.path, request.headers, body, timeout_seconds)
        if seen.status != 200:
            raise self._refused(dialect, provider.protocol, seen)
        said = dialect.answer(self._json(seen))
        limits = dialect.limits(seen.headers, datetime.now(UTC))
        return ModelAnswer(said.text, said.usage, said.model[:200], seen.latency_ms, limits)

    async def _send(
        self,
        provider: Provider,
        key: bytearray | None,
        method: str,
        path: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes | None,
        timeout_seconds: float,
    ) -> Exchange:
        # What is stored may be older than the rules.
        if not _endpoint_allowed(provider.endpoint, self._loopback_allowed):
            raise CallFailed(CallFailure.ADDRESS_NOT_ALLOWED)
        if key is not None:
            if not key or not all(0x21 <= byte <= 0x7E for byte in key):
                raise CallFailed(CallFailure.KEY_INVALID)
            headers = [*headers, bearer(key)]
        return await self._http.exchange(method, provider.endpoint + path, headers, body, timeout_seconds)

    def _json(self, seen: Exchange) -> Mapping[str, Any]:
        try:
            value = strict_json(seen.body)
        except NotJson:
            value = None
        if not isinstance(value, dict):
            raise CallFailed(CallFailure.BAD_RESPONSE, Billing.UNKNOWN, http_status=seen.status)
        return mapping(value)

    def _refused(self, dialect: Dialect, protocol: WireProtocol, seen: Exchange) -> CallFailed:
        try:
            names = dialect.error(mapping(strict_json(seen.body)))
        except NotJson:
            names = None
        return CallFailed(
            failure_of(protocol, seen.status, *(names or (None, None))),
            billing_of(seen.status, names is not None),
            retry_after_seconds=retry_after_seconds(seen.headers, datetime.now(UTC)),
            http_status=seen.status,
        )


@lru_cache(maxsize=1_000)
def _endpoint_allowed(endpoint: str, loopback_allowed: bool) -> bool:
    try:
        return checked_endpoint(endpoint, loopback_allowed) == endpoint.rstrip("/")
    except InvalidInput:
        return False
