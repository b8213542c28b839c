"""Checkpoints of the audit chain: real signatures, a real file."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.key_ports import KeyServiceRefused
from activities.keys.checkpoints import SignedCheckpoints
from activities.ports import KeyServiceUnavailable
from models.audit import Checkpoint
from models.audit_check import Verify
from models.audit_lines import LineUnreadable
from models.audit_signature import KeyUnusable, public_keys, verifier
from starter.stack.launcher import Stack
from tests.activities.keys.vault import VaultKey, vault_key

AT = datetime(2026, 11, 26, 12, 30, 0, 5, tzinfo=UTC)
HEAD = "ab" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit" / "checkpoints.jsonl"


def checkpoints(stack: Stack, path: Path, key: str = "conclave-audit", address: str | None = None) -> SignedCheckpoints:
    """With the application's own token and no other."""
    told = stack.environment()
    return SignedCheckpoints(
        address or told["CONCLAVE_VAULT_ADDRESS"], told["CONCLAVE_VAULT_TOKEN"], "transit", key, path
    )


async def test_a_signed_head_is_kept_and_verifies_with_nothing_but_the_key(stack: Stack, path: Path) -> None:
    kept = checkpoints(stack, path)
    assert (await kept.read(), await kept.last()) == ([], None)
    made = [await kept.write(seq, HEAD, AT) for seq in (3, 9)]
    assert await kept.read() == made and await kept.last() == made[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for verify in (await kept.verifier(), verifier(public_keys(made[0].public_key.encode()))):
        assert all(map(verify, made))
        assert not any(map(verify, changed(made[0])))


def changed(good: Checkpoint) -> list[Checkpoint]:
    mark, _, signature = good.signature.rpartition(":")
    changes: list[dict[str, object]] = [
        {"seq": 4},
        {"hash": "ac" * 32},
        {"at": AT.replace(microsecond=6)},
        {"signature": f"{mark}:{'A' + signature[1:] if signature[0] != 'A' else 'B' + signature[1:]}"},
        {"signature": signature},
        {"signature": ""},
        {"signature": f"{mark}:"},
        {"signature": f"{mark}:!{signature[1:]}"},
    ]
    return [good.model_copy(update=change) for change in changes]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p256"])
async def test_an_older_version_of_the_key_still_verifies(stack: Stack, path: Path, kind: str) -> None:
    root = vault_key(stack)
    name = f"{root.name}-signing"
    root.transit.create_key(name, key_type=kind)
    kept = _as_root(root, path, name)
    first = await kept.write(1, HEAD, AT)
    root.transit.rotate_key(name)
    second = await kept.write(2, HEAD, AT)
    assert (first.signature.split(":")[1], second.signature.split(":")[1]) == ("v1", "v2")
    assert first.public_key != second.public_key
    verify: Verify = await kept.verifier()
    assert verify(first) and verify(second)
    assert not verifier(public_keys(second.public_key.encode()))(first)


def _as_root(key: VaultKey, path: Path, name: str) -> SignedCheckpoints:
    return SignedCheckpoints(key.address, key.root, "transit", name, path)


async def test_what_a_crash_left_of_a_line_is_cut_off(stack: Stack, path: Path) -> None:
    kept = checkpoints(stack, path)
    first = await kept.write(1, HEAD, AT)
    with path.open("ab") as file:
        file.write(b'{"seq": 2, "hash": "ab')
    assert await kept.read() == [first] and await kept.last() == first
    second = await kept.write(3, HEAD, AT)
    assert await kept.read() == [first, second] and path.read_bytes().endswith(b"\n")


async def test_a_line_that_is_no_checkpoint_is_named(stack: Stack, path: Path) -> None:
    kept = checkpoints(stack, path)
    await kept.write(1, HEAD, AT)
    with path.open("ab") as file:
        file.write(b"rubbish\n")
    for read in (kept.read(), kept.last()):
        with pytest.raises(LineUnreadable):
            await read


async def test_without_a_key_or_a_service_nothing_is_written(stack: Stack, path: Path) -> None:
    with pytest.raises(KeyServiceRefused):
        await checkpoints(stack, path, key="conclave-payloads").write(1, HEAD, AT)
    with pytest.raises(KeyServiceUnavailable):
        await checkpoints(stack, path, address="http://127.0.0.1:9").write(1, HEAD, AT)
    assert not path.exists()


@pytest.mark.parametrize("text", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused(text: bytes) -> None:
    with pytest.raises(KeyUnusable):
        public_keys(text)
