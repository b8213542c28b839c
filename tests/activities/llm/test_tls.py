"""TLS is checked against the name, whatever address was dialled, and there is no switch to turn it off."""

import asyncio
import ssl
from pathlib import Path

import pytest

from activities.llm.client import HttpModelWire
from activities.llm.transport import strict_tls
from models.call import Billing, CallFailure
from tests.activities.llm.authority import Authority
from tests.activities.llm.questions import KEY, QUESTION, failed
from tests.providers.server import ScriptedProvider


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.new(tmp_path_factory.mktemp("authority"))


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_a_good_certificate_is_taken_and_the_name_is_sent(authority: Authority) -> None:
    context = authority.server("localhost")
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    async with ScriptedProvider(ssl_context=context) as server:
        wire = HttpModelWire(loopback_allowed=True, ssl_context=authority.trusting(), resolve=loopback)
        entry = server.catalogue_entry(endpoint=f"https://localhost:{server.port}/v1")
        for _ in range(2):
            assert await wire.ask(entry, bytearray(KEY), QUESTION)
        await wire.aclose()
        assert names == ["localhost"]  # the name, not the address that was dialled; once, as the connection is kept
        assert server.requests[0].headers["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize(
    ("host", "days", "self_signed"),
    [("other.example.com", 10, False), ("127.0.0.1", 10, False), ("localhost", -1, False), ("localhost", 10, True)],
    ids=["wrong name", "the address instead of the name", "expired", "self-signed"],
)
async def test_bad_certificates_are_refused_before_anything_is_sent(
    authority: Authority, host: str, days: int, self_signed: bool
) -> None:
    async with ScriptedProvider(ssl_context=authority.server(host, days=days, self_signed=self_signed)) as server:
        wire = HttpModelWire(loopback_allowed=True, ssl_context=authority.trusting(), resolve=loopback)
        failure = await failed(wire, server.catalogue_entry(endpoint=f"https://localhost:{server.port}/v1"))
        probe = await wire.probe(server.catalogue_entry(endpoint=f"https://localhost:{server.port}/v1"), None)
        await wire.aclose()
        assert (failure.failure, failure.billing) == (CallFailure.TLS_FAILED, Billing.FREE)
        assert probe.failure == "provider_tls"
        assert not server.requests


async def test_an_authority_of_ones_own_is_not_trusted_unasked(authority: Authority) -> None:
    async with ScriptedProvider(ssl_context=authority.server("localhost")) as server:
        wire = HttpModelWire(loopback_allowed=True, resolve=loopback)
        failure = await failed(wire, server.catalogue_entry(endpoint=f"https://localhost:{server.port}/v1"))
        await wire.aclose()
        assert failure.failure is CallFailure.TLS_FAILED


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_tls_is_refused(authority: Authority) -> None:
    context = authority.server("localhost")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    async with ScriptedProvider(ssl_context=context) as server:
        wire = HttpModelWire(loopback_allowed=True, ssl_context=authority.trusting(), resolve=loopback)
        failure = await failed(wire, server.catalogue_entry(endpoint=f"https://localhost:{server.port}/v1"))
        await wire.aclose()
        assert failure.failure is CallFailure.TLS_FAILED


async def test_a_server_that_speaks_no_tls() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    wire = HttpModelWire(loopback_allowed=True, resolve=loopback)
    failure = await failed(wire, ScriptedProvider().catalogue_entry(endpoint=f"https://localhost:{port}/v1"))
    await wire.aclose()
    listener.close()
    assert (failure.failure, failure.billing) == (CallFailure.TLS_FAILED, Billing.FREE)


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    context = strict_tls()
    assert context.keylog_filename is None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 50
