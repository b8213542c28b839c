"""OpenBao: the keys that wrap the keys. Initialised and unsealed by the launcher, stored on disk."""

import json
import shutil
from pathlib import Path
from typing import Any

from typing_extensions import override

from models.settings import Settings
from starter.stack import binaries, secret_files, wire
from starter.stack.errors import NotReady, StackError
from starter.stack.part import Command, Part, Site

POLICY = "conclave"
"""Name of the policy of the application's token."""

FOREVER = "87600h"
"""Ten years: period of the application's token, counted from its last renewal at each `conclave up`."""

INITIALISING = "openbao-init.pending"
"""Exists while the unseal key is on its way into its file; storage without that key was never used."""


class OpenBao(Part):
    """One server with integrated storage."""

    name = "openbao"

    @override
    def ports(self, settings: Settings) -> dict[str, int]:
        return {"openbao": 8210, "openbao-cluster": 8211}

    @override
    def outside(self, settings: Settings) -> str | None:
        return settings.vault_address

    @override
    def prepare(self, site: Site) -> None:
        data, pending = _data(site), site.layout.secrets / INITIALISING
        if not _init_file(site).exists():
            if pending.exists():
                shutil.rmtree(data, ignore_errors=True)
            elif data.exists() and any(data.iterdir()):
                raise StackError(
                    f"{_init_file(site)}, which unseals {data}, is missing. Restore it, or remove {data}: what was "
                    "encrypted with its keys can then no longer be read."
                )
        pending.unlink(missing_ok=True)
        data.mkdir(mode=0o700, exist_ok=True)

    @override
    def command(self, site: Site) -> Command:
        config = site.layout.run / "openbao.json"
        return Command(
            argv=(str(binaries.openbao()), "server", f"-config={config}"),
            cwd=site.layout.run,
            env={"HOME": str(site.layout.run)},
            files={config: json.dumps(_config(site), indent=2)},
        )

    @override
    def check(self, site: Site) -> None:
        status = _status(site)
        if status != 200:
            raise NotReady(f"openbao is {_STATUS.get(status, f'not active (HTTP {status})')}")

    @override
    def advance(self, site: Site) -> None:
        """Initialise, unseal, then make sure of engine, keys, policy and token."""
        status = _status(site)
        if status == 501:
            _initialise(site)
        elif status == 503:
            _request(site, "sys/unseal", {"key": _init_keys(site)["keys_base64"][0]})
        self.check(site)
        _provide(site)

    @override
    def address(self, site: Site) -> str:
        return f"http://{site.address('openbao')}"

    @override
    def environment(self, site: Site) -> dict[str, str]:
        token = secret_files.read(site.layout.secrets / secret_files.OPENBAO_TOKEN)
        return {"CONCLAVE_VAULT_ADDRESS": self.address(site)} | ({"CONCLAVE_VAULT_TOKEN": token} if token else {})


_STATUS = {429: "a standby", 501: "not initialised", 503: "sealed"}


def _data(site: Site) -> Path:
    return site.layout.data / "openbao"


def _init_file(site: Site) -> Path:
    return site.layout.secrets / secret_files.OPENBAO_INIT


def _config(site: Site) -> dict[str, Any]:
    address, cluster = site.address("openbao"), site.address("openbao-cluster")
    return {
        # The multiplier shortens the election that a single server holds with itself.
        "storage": {"raft": {"path": str(_data(site)), "node_id": "conclave", "performance_multiplier": 1}},
        "listener": [{"tcp": {"address": address, "cluster_address": cluster, "tls_disable": True}}],
        "api_addr": f"http://{address}",
        "cluster_addr": f"http://{cluster}",
        "max_lease_ttl": FOREVER,
        "log_level": "warn",
    }


def policy(mount: str, *wrapping: str, signing: str) -> str:
    """What the application may do: have data keys made, unwrapped and re-wrapped, sign, and renew its own token."""
    verbs = ("datakey/plaintext", "datakey/wrapped", "decrypt", "rewrap")
    paths = [f"{mount}/{verb}/{key}" for key in wrapping for verb in verbs]
    asked = [*paths, f"{mount}/sign/{signing}", "auth/token/renew-self"]
    # Of a signing key, reading shows the public half.
    seen = [f"{mount}/keys/{signing}", "auth/token/lookup-self"]
    rules = [(path, "update") for path in asked] + [(path, "read") for path in seen]
    return "\n".join(f'path "{path}" {{ capabilities = ["{right}"] }}' for path, right in rules)


def _status(site: Site) -> int:
    return wire.call(site.address("openbao"), "/v1/sys/health").status


def _request(
    site: Site, path: str, body: dict[str, Any] | None, token: str = "", method: str = "POST"
) -> dict[str, Any]:
    headers = {"X-Vault-Token": token} if token else {}
    # Initialising includes an election; everything else takes milliseconds.
    answer = wire.call(site.address("openbao"), f"/v1/{path}", method=method, body=body, headers=headers, timeout=30.0)
    if answer.status >= 300:
        raise NotReady(f"openbao refuses {path} (HTTP {answer.status})")
    return answer.body


def _initialise(site: Site) -> None:
    pending = site.layout.secrets / INITIALISING
    pending.touch(mode=0o600)
    keys = _request(site, "sys/init", {"secret_shares": 1, "secret_threshold": 1}, method="PUT")
    secret_files.write(_init_file(site), json.dumps(keys))
    pending.unlink()
    _request(site, "sys/unseal", {"key": keys["keys_base64"][0]})


def _init_keys(site: Site) -> dict[str, Any]:
    text = secret_files.read(_init_file(site))
    if text is None:
        raise StackError(f"{_init_file(site)}, which unseals OpenBao, is missing. Restore it.")
    return json.loads(text)


def _provide(site: Site) -> None:
    """Engine, keys, policy and token as this version of Conclave needs them; repeating it changes nothing."""
    root = _init_keys(site)["root_token"]
    mount = site.settings.vault_transit_mount
    keys = (site.settings.vault_payload_key, site.settings.vault_provider_key)
    signing = site.settings.vault_audit_key
    if f"{mount}/" not in _request(site, "sys/mounts", None, root, "GET")["data"]:
        _request(site, f"sys/mounts/{mount}", {"type": "transit"}, root)
    # A misspelt key is an error, not a new key.
    _request(site, f"{mount}/config/keys", {"disable_upsert": True}, root)
    for key in keys:
        # Derived: the purpose of a wrapped key takes part in wrapping it. Neither exportable nor deletable, by default.
        _request(site, f"{mount}/keys/{key}", {"type": "aes256-gcm96", "derived": True}, root)
    _request(site, f"{mount}/keys/{signing}", {"type": "ed25519"}, root)
    _request(site, f"sys/policies/acl/{POLICY}", {"policy": policy(mount, *keys, signing=signing)}, root)
    path = site.layout.secrets / secret_files.OPENBAO_TOKEN
    token = secret_files.read(path)
    if token is not None:
        try:
            _request(site, "auth/token/renew-self", {}, token)
            return
        except NotReady:
            # Revoked, or of a storage that is no more: the root token makes another.
            pass
    wish = {"policies": [POLICY], "no_default_policy": True, "period": FOREVER, "display_name": POLICY}
    secret_files.write(path, _request(site, "auth/token/create-orphan", wish, root)["auth"]["client_token"])
