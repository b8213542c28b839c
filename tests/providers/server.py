"""A model provider on the loopback that does as it is told and keeps its own bill.

    async with ScriptedProvider() as provider:
        provider.script("/v1/responses", Reply(status=429, headers={"retry-after": "2"}), Reply())
        wire.ask(provider.catalogue_entry(WireProtocol.OPENAI_RESPONSES), ...)
        assert provider.requests[0].headers["authorization"] == "Bearer ..."
        assert len(provider.bill) == 1

As a process: `python -m tests.providers.server --port 0 --latency 1.0` prints its address in the first line; `GET
/bill` tells what it answered (and charges for), and what it received but did not answer.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import ssl
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, Self

from models.call import TokenUsage
from models.provider import ModelTier, Provider, ProviderKind, WireProtocol
from tests.providers.raw import head, reset, send
from tests.providers.records import BillLine, Seen
from tests.providers.replies import USUAL, USUAL_ANSWER, Reply, correct, encoded

CALLS = ("/responses", "/chat/completions", "/messages")
"""Ends of the paths that are charged for."""
KINDS = {
    WireProtocol.OPENAI_RESPONSES: ProviderKind.OPENAI,
    WireProtocol.OPENAI_CHAT: ProviderKind.VLLM,
    WireProtocol.ANTHROPIC_MESSAGES: ProviderKind.ANTHROPIC,
}


class ScriptedProvider:
    """Real HTTP/1.1 with keep-alive on a random port of the loopback."""

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        usage: TokenUsage = USUAL,
        answer: dict[str, Any] | str | Callable[[Seen], dict[str, Any] | str] = USUAL_ANSWER,
        ssl_context: ssl.SSLContext | None = None,
        keep_requests: int = 10_000,
    ) -> None:
        """Not listening yet.

        Args:
            port: 0 takes a free one.
            latency: seconds before every unscripted answer to a call.
            usage: tokens of every answer that does not say otherwise.
            answer: what the model says: JSON, text, or made from the request.
            ssl_context: speaks TLS when given.
            keep_requests: older requests are forgotten, the bill is not.
        """
        self.latency, self.usage, self.answer = latency, usage, answer
        self.requests: deque[Seen] = deque(maxlen=keep_requests)
        self.bill: list[BillLine] = []
        """Calls answered in full with status 200."""
        self.unanswered: list[BillLine] = []
        """Calls received in full whose answer was not, or not wholly, sent."""
        self.connections = 0
        self.at_once = self.most_at_once = 0
        """Calls that are being answered; the most there ever were."""
        self._port, self._tls = port, ssl_context
        self._scripts: dict[str, deque[Reply]] = defaultdict(deque)
        self._always: dict[str, Reply] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def endpoint(self, protocol: WireProtocol) -> str:
        """The base address that a catalogue would have for this protocol."""
        return self.url if protocol is WireProtocol.ANTHROPIC_MESSAGES else f"{self.url}/v1"

    def catalogue_entry(self, protocol: WireProtocol = WireProtocol.OPENAI_CHAT, **changes: Any) -> Provider:
        """This server as the catalogue has it."""
        base: dict[str, Any] = {
            "id": "f" * 32,
            "name": "scripted",
            "kind": KINDS[protocol],
            "protocol": protocol,
            "model": "model-1",
            "endpoint": self.endpoint(protocol),
            "tier": ModelTier.BALANCED,
            "context_tokens": 100_000,
            "max_output_tokens": 4_000,
            "timeout_seconds": 5,
        }
        return Provider.model_validate(base | changes)

    def script(self, path: str, *replies: Reply) -> None:
        """Queue answers for a path, one per request; after them it answers correctly again."""
        self._scripts[path].extend(replies)

    def always(self, path: str, reply: Reply | None) -> None:
        """Answer every request for a path like this; None: correctly again."""
        self._always.pop(path, None)
        if reply is not None:
            self._always[path] = reply

    def reset(self) -> None:
        """Forget requests, scripts and bill."""
        for log in (self.requests, self.bill, self.unanswered, self._scripts, self._always):
            log.clear()
        self.connections = self.most_at_once = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port again after `stop`."""
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self._port, ssl=self._tls, limit=1 << 20, backlog=1024
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything at once, answers in the making included."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError, TimeoutError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(Exception):
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection goes on."""
        request = await self._read(reader)
        if request.path == "/bill":
            return await self._send_bill(writer)
        self.requests.append(request)
        scripted = self._scripts.get(request.path)
        reply = scripted.popleft() if scripted else self._always.get(request.path)
        if reply is None:
            reply = Reply(delay=self.latency if request.path.endswith(CALLS) else 0.0)
        line = self._line(request, reply)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        whole = False
        try:
            whole = await self._answer(request, reply, reader, writer)
        finally:
            self.at_once -= 1
            if request.path.endswith(CALLS):
                self._book(line, reply, whole)
        return whole and reply.raw is None and reply.says_length

    def _line(self, request: Seen, reply: Reply) -> BillLine:
        with contextlib.suppress(ValueError):
            model = str(request.json.get("model", ""))
            key = request.headers.get("authorization") or request.headers.get("x-api-key") or ""
            digests = [hashlib.sha256(each).hexdigest() for each in (request.body, key.encode())]
            return BillLine(request.number, request.path, model, digests[0], digests[1], reply.status)
        return BillLine(request.number, request.path, "", "", "", reply.status)

    def _book(self, line: BillLine, reply: Reply, whole: bool) -> None:
        if not whole:
            self.unanswered.append(replace(line, status=None))
        elif reply.status == 200:
            self.bill.append(replace(line, usage=(reply.usage or self.usage).model_dump()))

    async def _read(self, reader: asyncio.StreamReader) -> Seen:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self._count += 1
        return Seen(self._count, method, path, headers, body)

    async def _answer(
        self, request: Seen, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether an answer was sent in full to somebody who was still there."""
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.hang:
            await reader.read(1)
            return False
        if reply.disconnect or reader.at_eof() or writer.transport.is_closing():
            reset(writer)
            return False
        if reply.raw is not None:
            await send(writer, reply.raw, None)
            return True
        body = self._body(request, reply)
        await send(writer, head(reply, len(body)), reply.drip_head)
        if reply.cut is not None:
            await send(writer, body[: reply.cut], reply.drip)
            return False
        await send(writer, body, reply.drip)
        return True

    def _body(self, request: Seen, reply: Reply) -> bytes:
        if reply.body is not None or reply.status != 200:
            return encoded(reply.body)
        said = self.answer(request) if callable(self.answer) else self.answer
        text = said if isinstance(said, str) else json.dumps(said)
        asked = request.json if request.body else {}
        return encoded(correct(request.path, asked, text, reply.usage or self.usage))

    async def _send_bill(self, writer: asyncio.StreamWriter) -> bool:
        lines = {name: [asdict(line) for line in getattr(self, name)] for name in ("bill", "unanswered")}
        body = encoded(lines | {"at_once": self.at_once, "most_at_once": self.most_at_once})
        await send(writer, head(Reply(), len(body)) + body, None)
        return True


async def _serve(port: int, latency: float, usage: TokenUsage) -> None:
    async with ScriptedProvider(port=port, latency=latency, usage=usage) as provider:
        print(provider.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer to a call")
    parser.add_argument("--input-tokens", type=int, default=USUAL.input)
    parser.add_argument("--output-tokens", type=int, default=USUAL.output)
    told = parser.parse_args()
    usage = TokenUsage(input=told.input_tokens, output=told.output_tokens)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(told.port, told.latency, usage))


if __name__ == "__main__":
    main()
