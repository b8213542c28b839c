"""Answers as bytes on a connection, slow or broken where a reply says so."""

import asyncio
import socket
import struct

from tests.providers.replies import Reply


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset, not an end."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def head(reply: Reply, length: int) -> bytes:
    headers = {"content-type": "application/json"}
    headers |= {"content-length": str(length)} if reply.says_length else {"connection": "close"}
    lines = [
        f"HTTP/1.1 {reply.status} Said",
        *(f"{name}: {value}" for name, value in (headers | reply.headers).items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def send(writer: asyncio.StreamWriter, data: bytes, drip: float | None) -> None:
    for part in [data] if drip is None else [data[at : at + 1] for at in range(len(data))]:
        writer.write(part)
        await writer.drain()
        if drip is not None:
            await asyncio.sleep(drip)
