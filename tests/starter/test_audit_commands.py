"""`conclave audit`: offline on an export, as somebody without any server verifies it."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from models.audit import AuditEntry, Checkpoint, checkpoint_message
from models.audit_signature import pem_of
from starter.cli import app
from tests.models.test_audit import chain

AT = datetime(2026, 11, 26, tzinfo=UTC)


@dataclass
class Folder:
    """An export, its checkpoints and the key, as files."""

    path: Path
    key: Ed25519PrivateKey

    def write(self, entries: list[AuditEntry], *signed: AuditEntry) -> None:
        self.lines("audit.jsonl", entries)
        self.lines("checkpoints.jsonl", [self._checkpoint(entry) for entry in signed])
        (self.path / "key.pem").write_text(pem_of(self.key.public_key()))

    def lines(self, name: str, rows: list[Any]) -> None:
        (self.path / name).write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")

    def _checkpoint(self, entry: AuditEntry) -> Checkpoint:
        signature = base64.b64encode(self.key.sign(checkpoint_message(entry.seq, entry.hash, AT))).decode()
        return Checkpoint(seq=entry.seq, hash=entry.hash, at=AT, signature=f"vault:v1:{signature}")

    def verify(self, *options: str, code: int) -> str:
        """What the command prints; it has no setting that would name a server."""
        home = {"CONCLAVE_HOME": str(self.path), "CONCLAVE_API_URL": "http://127.0.0.1:9"}
        done = CliRunner().invoke(app, ["audit", "verify", str(self.path / "audit.jsonl"), *options], env=home)
        assert done.exit_code == code, done.output
        return done.stdout if code < 2 else done.stderr

    def compared(self, code: int) -> str:
        options = ("--checkpoints", str(self.path / "checkpoints.jsonl"), "--public-key", str(self.path / "key.pem"))
        return self.verify(*options, code=code)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, Ed25519PrivateKey.generate())


def test_an_intact_export_says_how_far_it_is_vouched_for(folder: Folder) -> None:
    entries = chain(1234)
    folder.write(entries, entries[999])
    assert folder.verify(code=0).splitlines() == [
        "Intact: 1,234 entries, each linked to the one before.",
        "No checkpoint was compared: an end that was cut off, or a chain written anew as a whole, looks the same.",
    ]
    assert "vouch for it up to entry 1,000 (signatures verified)" in folder.compared(0)
    unsigned = folder.verify("--checkpoints", str(folder.path / "checkpoints.jsonl"), code=0)
    assert "(signatures not verified, for want of the key)" in unsigned
    verdict = json.loads(folder.verify("--json", code=0))
    assert (verdict["intact"], verdict["total"], verdict["checkpoint_seq"]) == (True, 1234, None)


def test_the_first_bad_entry_is_named_with_what_is_wrong(folder: Folder) -> None:
    entries, anew = chain(9), chain(9, actor="bob")
    for export, first in (
        (entries[:2] + [entries[2].model_copy(update={"actor": "bob"})] + entries[3:], "entry is 3; its hash does"),
        (entries[:4] + entries[5:], "entry is 5; its number is missing"),
        (entries[:6] + anew[6:], "entry is 7; it is not linked"),
        (entries[:5], "entry is 6; it is missing, and a checkpoint says"),
        (anew, "entry is 7; a checkpoint has another hash"),
    ):
        folder.write(export, entries[6])
        assert f"Not intact: the first bad {first}" in folder.compared(1)
    folder.write(anew, anew[6])
    assert "up to entry 7" in folder.compared(0), "signed with the key that is trusted"
    (folder.path / "key.pem").write_text(pem_of(Ed25519PrivateKey.generate().public_key()))
    assert "the first bad entry is 7; the signature of its checkpoint" in folder.compared(1)


def test_lines_that_cannot_be_read_are_no_intact_chain(folder: Folder) -> None:
    entries = chain(3)
    folder.write(entries, entries[2])
    file = folder.path / "audit.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    assert "the first bad entry is 3; its line cannot be read" in folder.compared(1)
    folder.write(entries)
    (folder.path / "checkpoints.jsonl").write_text("{}\n")
    assert "a line that is no checkpoint" in folder.compared(1)


def test_files_that_cannot_be_used_are_named(folder: Folder) -> None:
    assert "audit.jsonl cannot be read: No such file" in folder.verify(code=2)
    folder.write(chain(1))
    (folder.path / "key.pem").write_text("no key")
    assert "holds no Ed25519 or ECDSA public key in PEM [key_unusable]" in folder.compared(2)
    done = CliRunner().invoke(app, ["audit", "verify", "--checkpoints", "x"])
    assert (done.exit_code, "[file_required]" in done.stderr) == (2, True)
