"""The connection to Temporal, from settings."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr
from temporalio.client import Client, Interceptor, TLSConfig
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression

from models.settings import Settings


class SettingMissing(Exception):
    """A process lacks a setting it cannot work without.

    Attributes:
        variable: name of the environment variable.
    """

    def __init__(self, variable: str) -> None:
        super().__init__(f"config_missing: set {variable}, or run `conclave up` for a local stack")
        self.variable = variable


def required(value: str | SecretStr | None, variable: str) -> str:
    """A setting's value.

    Raises:
        SettingMissing: it is not set.
    """
    if value is None:
        raise SettingMissing(variable)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _bytes(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def tls_of(settings: Settings) -> TLSConfig | bool:
    """TLS as the settings say: a client certificate, an own authority, or the system's authorities."""
    if settings.temporal_tls_cert or settings.temporal_tls_ca:
        return TLSConfig(
            server_root_ca_cert=_bytes(settings.temporal_tls_ca),
            client_cert=_bytes(settings.temporal_tls_cert),
            client_private_key=_bytes(settings.temporal_tls_key),
        )
    return settings.temporal_tls or settings.temporal_api_key is not None


async def connect(
    settings: Settings,
    converter: DataConverter,
    identity: str,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
) -> Client:
    """Connect to the Temporal frontend.

    Payloads are ciphertext, so gRPC compression would burn processor time for nothing and is off. The identity stands
    in clear in every history, so it is a made-up name and not the default, which tells the host's.

    Raises:
        SettingMissing: no address is set.
        RuntimeError: the frontend cannot be reached.
    """
    if settings.temporal_address is None:
        raise SettingMissing("TEMPORAL_ADDRESS")
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
        tls=tls_of(settings),
        data_converter=converter,
        identity=identity,
        grpc_compression=GrpcCompression.NONE,
        interceptors=interceptors,
        runtime=runtime,
    )
