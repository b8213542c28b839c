"""OpenBao: what the application's token may do, and starts that were cut short."""

from pathlib import Path

import hvac
import pytest
from hvac.exceptions import Forbidden

from models.settings import Settings
from starter.stack import secret_files
from starter.stack.errors import StackError
from starter.stack.launcher import SERVERS, Stack, up
from starter.stack.layout import Layout
from starter.stack.part import Site
from starter.stack.parts.openbao import INITIALISING, OpenBao
from starter.stack.state import StackState
from tests.stack_fixture import running_stack, stack_settings
from tests.starter.stack.evidence import CONTEXT, bao, transit


def test_the_applications_token_wraps_and_unwraps_and_nothing_else(own_stack: Stack) -> None:
    wrapped = transit(own_stack).generate_data_key("conclave-payloads", "wrapped", context=CONTEXT)["data"]
    transit(own_stack).decrypt_data("conclave-payloads", wrapped["ciphertext"], context=CONTEXT)
    transit(own_stack).rewrap_data("conclave-payloads", wrapped["ciphertext"], context=CONTEXT)
    transit(own_stack).sign_data("conclave-audit", hash_input="QQ==")
    assert transit(own_stack).read_key("conclave-audit")["data"]["type"] == "ed25519"
    client = bao(own_stack)
    for forbidden in (
        lambda: client.sys.list_mounted_secrets_engines(),
        lambda: client.secrets.transit.create_key("another"),
        lambda: client.secrets.transit.export_key("conclave-payloads", "encryption-key"),
        lambda: client.secrets.transit.export_key("conclave-audit", "signing-key"),
        lambda: client.secrets.transit.rotate_key("conclave-audit"),
        lambda: client.secrets.transit.read_key("conclave-payloads"),
        lambda: client.secrets.transit.encrypt_data("conclave-payloads", "QQ==", context=CONTEXT),
        lambda: client.sys.read_policy("conclave"),
        lambda: client.auth.token.create(),
    ):
        with pytest.raises(Forbidden):
            forbidden()


def test_the_token_outlives_every_pause_between_two_starts(own_stack: Stack) -> None:
    about = bao(own_stack).auth.token.lookup_self()["data"]
    assert about["ttl"] > 9 * 365 * 24 * 3600
    assert about["renewable"]
    assert about["policies"] == ["conclave"]


def test_a_revoked_token_is_replaced(settings: Settings) -> None:
    before = up(settings, parts=SERVERS, scatter_ports=True)
    lost = before.environment()["CONCLAVE_VAULT_TOKEN"]
    root = hvac.Client(
        url=before.environment()["CONCLAVE_VAULT_ADDRESS"],
        token=_init(settings)["root_token"],
    )
    root.auth.token.revoke(lost)
    after = up(settings, parts=SERVERS, scatter_ports=True)
    assert after.environment()["CONCLAVE_VAULT_TOKEN"] != lost
    transit(after).generate_data_key("conclave-payloads", "wrapped", context=CONTEXT)


def test_a_start_cut_short_before_the_key_was_kept_begins_anew(folder: Path) -> None:
    home = folder / "home"
    with running_stack(home, (OpenBao(),)):
        pass
    layout = Layout(home)
    layout.create()
    (layout.data / "openbao").mkdir()
    (layout.data / "openbao" / "vault.db").write_bytes(b"sealed with a key that nobody has")
    (layout.secrets / INITIALISING).touch(mode=0o600)
    with running_stack(home, (OpenBao(),)) as stack:
        transit(stack).generate_data_key("conclave-payloads", "wrapped", context=CONTEXT)
        assert not (layout.secrets / INITIALISING).exists()


def test_storage_whose_key_is_missing_is_never_thrown_away(folder: Path) -> None:
    layout = Layout(folder)
    layout.create()
    kept = layout.data / "openbao" / "vault.db"
    kept.parent.mkdir()
    kept.write_bytes(b"precious")
    with pytest.raises(StackError, match=r"openbao-init\.json, which unseals .* is missing. Restore it"):
        OpenBao().prepare(Site(stack_settings(folder), layout, StackState()))
    assert kept.read_bytes() == b"precious"


def _init(settings: Settings) -> dict[str, str]:
    import json

    return json.loads((settings.home / "secrets" / secret_files.OPENBAO_INIT).read_text())
