"""A webhook on the loopback that does as it is told."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self


class Webhook:
    """Takes Apprise's `json://` messages.

    Attributes:
        taken: bodies of all posts, in order.
        statuses: of the next answers; after them 200.
    """

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.location: str | None = None
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """As Apprise writes it, with a secret."""
        assert self._server is not None
        return f"json://user:s3cret-canary@127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook"

    @property
    def titles(self) -> list[str]:
        return [each["title"] for each in self.taken]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        self.taken.append(json.loads(await reader.readexactly(length)))
        status = self.statuses.pop(0) if self.statuses else 200
        more = f"Location: {self.location}\r\n" if self.location else ""
        writer.write(f"HTTP/1.1 {status} Said\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
