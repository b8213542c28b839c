"""`conclave audit`: what happened, and whether the record of it is what it was."""

import json
from pathlib import Path

from models.audit import AuditEntry, AuditProblem, AuditVerdict
from models.audit_check import ChainCheck
from models.audit_lines import LineUnreadable, checkpoints_in, entries_in
from models.audit_signature import KeyUnusable, public_keys, verifier
from starter.audit_client import AuditClient
from starter.commands.asking import ask_audit, print_json, print_table
from starter.complaints import complain
from starter.exit_codes import DONE, FOUND, USAGE

COLUMNS = ("Entry", "When, UTC", "Action", "By", "About", "Data")
SHOWN_DIGITS = 12
"""Of an id or a hash."""
MOST_TOLD = 40
"""Characters of a value that the table shows."""

FAULTS = {
    AuditProblem.GAP: "its number is missing or comes twice: an entry was taken out or put in",
    AuditProblem.BROKEN_LINK: "it is not linked to the entry before: that one was replaced",
    AuditProblem.CHANGED: "its hash does not fit what it says: it was changed",
    AuditProblem.TRUNCATED: "it is missing, and a checkpoint says that it was there: the end was cut off",
    AuditProblem.REWRITTEN: "a checkpoint has another hash for it: entries up to it were written anew",
    AuditProblem.BAD_SIGNATURE: "the signature of its checkpoint does not verify: the checkpoint is forged or changed",
    AuditProblem.UNREADABLE: "its line cannot be read",
}


def list_entries(most: int, action: str | None, subject: str | None, actor: str | None, as_json: bool) -> int:
    """The newest entries."""

    def work(client: AuditClient) -> None:
        page = client.page(most, action, subject, actor)
        if as_json:
            print_json(page.entries)
        else:
            print_table(COLUMNS, map(_row, page.entries), "There are no such entries.")

    return ask_audit("audit list", work)


def verify(file: Path | None, checkpoints: Path | None, public_key: Path | None, as_json: bool) -> int:
    """Verify the service's chain, or an export; 0: intact, 1: not."""
    from starter.render.working import working

    if file is None:
        if checkpoints or public_key:
            complain("audit verify", "file_required", "name the export that the checkpoints belong to")
            return USAGE

        def work(client: AuditClient) -> int:
            with working("Verifying the service's chain"):
                verdict = client.verify()
            return _shown(verdict, as_json)

        return ask_audit("audit verify", work)
    try:
        with working(f"Verifying {file.name}"):
            verdict = _verified(file, checkpoints, public_key)
        return _shown(verdict, as_json)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        complain("audit verify", "file_unreadable", f"{error.filename} cannot be read: {reason}")
    except KeyUnusable:
        wanted = "Ed25519 or ECDSA public key in PEM"
        complain("audit verify", "key_unusable", f"{public_key} holds no {wanted}")
    return USAGE


def export(file: Path, as_json: bool) -> int:
    """Write the chain into a file; one that cannot be written whole is not left there."""
    from starter.render.working import working

    draft = file.with_name(f"{file.name}.part")

    def work(client: AuditClient) -> int | None:
        count = 0
        try:
            with working("Exporting the chain"), draft.open("w", encoding="utf-8", newline="\n") as out:
                for line in client.export():
                    out.write(line + "\n")
                    count += 1
            draft.replace(file)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            complain("audit export", "file_unwritable", f"{file} cannot be written: {reason}")
            return USAGE
        finally:
            draft.unlink(missing_ok=True)
        print(json.dumps({"file": str(file), "entries": count}) if as_json else f"{count:,} entries in {file}.")
        return None

    return ask_audit("audit export", work)


def checkpoint(as_json: bool) -> int:
    """Have the head signed."""

    def work(client: AuditClient) -> None:
        report = client.checkpoint()
        if as_json:
            print_json(report)
        elif report.written is None:
            print("Every entry is vouched for already.")
        else:
            print(f"Entry {report.written.seq:,} is signed, and with it every entry before.")

    return ask_audit("audit checkpoint", work)


def _verified(file: Path, checkpoints: Path | None, public_key: Path | None) -> AuditVerdict:
    """Follow an export, line by line."""
    try:
        known = checkpoints_in(checkpoints.read_bytes()) if checkpoints else []
    except LineUnreadable:
        return AuditVerdict(intact=False, total=0, verified=0, problem=AuditProblem.BAD_CHECKPOINT)
    check = ChainCheck(known, verifier(public_keys(public_key.read_bytes())) if public_key else None)
    with file.open("rb") as lines:
        try:
            for entry in entries_in(lines):
                if not check.follow(entry):
                    break
        except LineUnreadable:
            return check.unreadable()
    return check.verdict()


def _shown(verdict: AuditVerdict, as_json: bool) -> int:
    if as_json:
        print_json(verdict)
    else:
        print("\n".join(_lines(verdict)))
    return DONE if verdict.intact else FOUND


def _lines(verdict: AuditVerdict) -> list[str]:
    if verdict.problem is AuditProblem.BAD_CHECKPOINT:
        return ["Not intact: the file of checkpoints holds a line that is no checkpoint."]
    if verdict.problem is not None:
        fault = f"Not intact: the first bad entry is {verdict.first_bad_seq:,}; {FAULTS[verdict.problem]}."
        return [fault, f"{verdict.verified:,} entries before it fit."]
    return [f"Intact: {verdict.total:,} entries, each linked to the one before.", _vouched(verdict)]


def _vouched(verdict: AuditVerdict) -> str:
    if verdict.checkpoint_seq is None:
        return (
            "No checkpoint was compared: an end that was cut off, or a chain written anew as a whole, looks the same."
        )
    key = "signatures verified" if verdict.checkpoint_signature_ok else "signatures not verified, for want of the key"
    return f"Checkpoints vouch for it up to entry {verdict.checkpoint_seq:,} ({key})."


def _row(entry: AuditEntry) -> tuple[str, ...]:
    when = entry.at.isoformat(sep=" ", timespec="seconds")[:19]
    # What has parts, and hashes, are for `--json`.
    words = {name: str(value) for name, value in entry.data.items() if isinstance(value, (str, int, float))}
    told = ", ".join(f"{name} {value}" for name, value in sorted(words.items()) if len(value) <= MOST_TOLD)
    about = entry.subject.rpartition(":")[2][:SHOWN_DIGITS]
    return (str(entry.seq), when, entry.action.replace("_", " "), entry.actor, about, told)
