"""Any Temporal by settings alone: plain, TLS, an own authority, a client certificate, Temporal Cloud's API key."""

from pathlib import Path

import pytest
from temporalio.client import TLSConfig
from temporalio.contrib.pydantic import pydantic_data_converter

from models.settings import Settings
from starter.connection import SettingMissing, connect, tls_of


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
