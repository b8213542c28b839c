"""A transit key of a test's own, on the real server, with a token that may do what the application may."""

import json
import uuid
from dataclasses import dataclass

import hvac

from activities.keys.transit import TransitOperator, TransitService
from starter.stack import secret_files
from starter.stack.launcher import Stack
from starter.stack.parts.openbao import policy


@dataclass(frozen=True)
class VaultKey:
    address: str
    name: str
    token: str
    root: str

    def service(self, token: str | None = None, key: str | None = None) -> TransitService:
        return TransitService(self.address, token or self.token, "transit", key or self.name)

    def operator(self) -> TransitOperator:
        return TransitOperator(self.address, self.root, "transit", self.name)

    @property
    def transit(self):  # type: ignore[no-untyped-def]
        return hvac.Client(url=self.address, token=self.root).secrets.transit


def vault_key(stack: Stack) -> VaultKey:
    address = stack.environment()["CONCLAVE_VAULT_ADDRESS"]
    root = json.loads((stack.home / "secrets" / secret_files.OPENBAO_INIT).read_text())["root_token"]
    client, name = hvac.Client(url=address, token=root), f"test-{uuid.uuid4().hex}"
    client.secrets.transit.create_key(name, derived=True, key_type="aes256-gcm96")
    client.sys.create_or_update_policy(name, policy("transit", name, signing="conclave-audit"))
    made = client.auth.token.create(policies=[name], no_default_policy=True, ttl="1h")
    return VaultKey(address=address, name=name, token=made["auth"]["client_token"], root=root)
