"""Any Temporal by settings alone: plain, TLS, an own authority, a client certificate, Temporal Cloud's API key."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from temporalio.client import TLSConfig
from temporalio.contrib.pydantic import pydantic_data_converter

from models.settings import Settings
from starter.connection import SettingMissing, connect, tls_of
from starter.stack.launcher import Stack
from tests.activities.llm.authority import Authority


def settings(monkeypatch: pytest.MonkeyPatch, **variables: object) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    return Settings()


def test_plain_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tls_of(settings(monkeypatch, TEMPORAL_ADDRESS="127.0.0.1:7233")) is False


def test_an_api_key_switches_tls_on(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = settings(
        monkeypatch,
        TEMPORAL_ADDRESS="team.a1b2c.tmprl.cloud:7233",
        TEMPORAL_NAMESPACE="team.a1b2c",
        TEMPORAL_API_KEY="key-canary",
    )
    assert tls_of(cloud) is True
    assert cloud.temporal_namespace == "team.a1b2c"
    assert "canary" not in repr(cloud)


def test_certificates_are_read_from_their_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_bytes(name.encode())
    mutual = settings(
        monkeypatch,
        TEMPORAL_TLS_SERVER_CA_CERT_PATH=tmp_path / "ca",
        TEMPORAL_TLS_CLIENT_CERT_PATH=tmp_path / "cert",
        TEMPORAL_TLS_CLIENT_KEY_PATH=tmp_path / "key",
    )
    config = tls_of(mutual)
    assert isinstance(config, TLSConfig)
    assert (config.server_root_ca_cert, config.client_cert, config.client_private_key) == (b"ca", b"cert", b"key")


async def test_without_an_address_the_variable_is_named() -> None:
    with pytest.raises(SettingMissing, match="TEMPORAL_ADDRESS"):
        await connect(Settings(temporal_address=None), pydantic_data_converter, "test")


@asynccontextmanager
async def behind_certificates(address: str, authority: Authority) -> AsyncGenerator[int, None]:
    """A TLS end in front of Temporal that wants a client's certificate, as Temporal Cloud's does."""
    context = authority.server("localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.folder / "ca.pem")
    context.set_alpn_protocols(["h2"])
    host, _, port = address.partition(":")

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_client_certificate_opens_the_door_and_none_does_not(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority.new(tmp_path)
    authority.server("client")
    pair = tmp_path / "client-10-False.pem"
    async with behind_certificates(stack.environment()["TEMPORAL_ADDRESS"], authority) as port:
        known = {
            "TEMPORAL_ADDRESS": f"localhost:{port}",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": tmp_path / "ca.pem",
        }
        client = await connect(
            settings(monkeypatch, **known, TEMPORAL_TLS_CLIENT_CERT_PATH=pair, TEMPORAL_TLS_CLIENT_KEY_PATH=pair),
            pydantic_data_converter,
            "test",
        )
        assert await client.service_client.check_health()
        for name in ("TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"):
            monkeypatch.delenv(name)
        with pytest.raises(RuntimeError):
            await connect(settings(monkeypatch, **known), pydantic_data_converter, "test")
