"""The audit chain: what it shows, and what only a checkpoint shows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.audit import GENESIS, AuditEntry, AuditEvent, AuditProblem, Checkpoint, checkpoint_message, entry_hash
from models.audit_check import ChainCheck, is_due, verify_chain

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)


def linked(seq: int, prev: str, **changes: Any) -> AuditEntry:
    said = {"seq": seq, "at": AT, "action": "a", "actor": "anna", "subject": "s", "data": {"n": seq}} | changes
    entry = AuditEntry.model_validate(said | {"prev_hash": prev, "hash": GENESIS})
    return entry.model_copy(update={"hash": entry_hash(entry)})


def chain(size: int, **changes: Any) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    for seq in range(1, size + 1):
        found.append(linked(seq, found[-1].hash if found else GENESIS, **changes))
    return found


def checkpoint(entry: AuditEntry, signature: str = "good") -> Checkpoint:
    return Checkpoint(seq=entry.seq, hash=entry.hash, at=AT, signature=signature)


def signed(each: Checkpoint) -> bool:
    return each.signature == "good"


def test_a_chain_that_nobody_touched_is_intact() -> None:
    entries = chain(9)
    verdict = verify_chain(entries, [checkpoint(entries[2]), checkpoint(entries[8])], signed)
    assert verdict.intact and (verdict.total, verdict.verified, verdict.first_bad_seq) == (9, 9, None)
    assert (verdict.checkpoint_seq, verdict.checkpoint_signature_ok) == (9, True)
    assert verify_chain([]).intact


@given(st.data(), st.integers(1, 12))
def test_every_single_change_is_found_at_its_entry(data: st.DataObject, size: int) -> None:
    entries = chain(size)
    place = data.draw(st.integers(0, size - 1))
    changes = data.draw(
        st.sampled_from(
            [
                {"at": AT + timedelta(microseconds=1)},
                {"action": "b"},
                {"actor": "bob"},
                {"subject": "t"},
                {"data": {"n": -1}},
                {"dedup": "x"},
                {"hash": GENESIS},
            ]
        )
    )
    entries[place] = entries[place].model_copy(update=changes)
    verdict = verify_chain(entries)
    assert (verdict.intact, verdict.first_bad_seq, verdict.problem) == (False, place + 1, AuditProblem.CHANGED)
    assert (verdict.verified, verdict.total) == (place, place + 1)


@pytest.mark.parametrize(
    ("tamper", "bad", "problem"),
    [
        (lambda e: e[:3] + e[4:], 4, AuditProblem.GAP),
        (lambda e: e[1:], 1, AuditProblem.GAP),
        (lambda e: e[:4] + [e[3]] + e[4:], 5, AuditProblem.GAP),
        (lambda e: e[:2] + [e[3], e[2]] + e[4:], 3, AuditProblem.GAP),
        # One entry written anew with a hash that fits: the next one's link tells.
        (lambda e: e[:3] + [linked(4, e[2].hash, actor="bob")] + e[4:], 5, AuditProblem.BROKEN_LINK),
        (lambda e: [linked(1, "1" * 64)] + e[1:], 1, AuditProblem.BROKEN_LINK),
    ],
)
def test_what_was_taken_out_or_put_in_is_found(
    tamper: Callable[[list[AuditEntry]], list[AuditEntry]], bad: int, problem: AuditProblem
) -> None:
    verdict = verify_chain(tamper(chain(6)))
    assert (verdict.intact, verdict.first_bad_seq, verdict.problem) == (False, bad, problem)


def test_a_chain_that_was_cut_off_or_written_anew_is_shown_by_checkpoints_only() -> None:
    entries, anew = chain(9), chain(9, actor="bob")
    points = [checkpoint(entries[3]), checkpoint(entries[6])]
    for forged, bad, problem in ((entries[:5], 6, AuditProblem.TRUNCATED), (anew, 4, AuditProblem.REWRITTEN)):
        assert verify_chain(forged).intact, "by itself it looks whole"
        verdict = verify_chain(forged, points, signed)
        assert (verdict.intact, verdict.first_bad_seq, verdict.problem) == (False, bad, problem)
        assert verify_chain(forged, points).problem is problem, "also without a key"
    assert verify_chain([], points, signed).first_bad_seq == 1


def test_a_checkpoint_that_was_signed_after_the_fact_does_not_hide_it() -> None:
    entries, anew = chain(9), chain(12, actor="bob")
    verdict = verify_chain(anew, [checkpoint(anew[11]), checkpoint(entries[6])], signed)
    assert (verdict.first_bad_seq, verdict.problem) == (7, AuditProblem.REWRITTEN)


def test_a_forged_checkpoint_is_found_by_its_signature() -> None:
    anew = chain(9, actor="bob")
    forged = [checkpoint(anew[3], "forged"), checkpoint(anew[6], "forged")]
    assert verify_chain(anew, forged).intact
    verdict = verify_chain(anew, forged, signed)
    assert (verdict.first_bad_seq, verdict.problem) == (4, AuditProblem.BAD_SIGNATURE)
    assert verdict.checkpoint_signature_ok is False
    beyond = verify_chain(anew[:5], forged[1:], signed)
    assert (beyond.first_bad_seq, beyond.problem) == (6, AuditProblem.BAD_SIGNATURE)


def test_a_check_since_a_checkpoint_reads_the_rest_only() -> None:
    entries = chain(9)

    def since(found: list[AuditEntry]) -> tuple[int, int | None, AuditProblem | None]:
        check = ChainCheck.since(checkpoint(entries[4]), signed)
        for each in found:
            check.follow(each)
        verdict = check.verdict()
        return verdict.verified, verdict.first_bad_seq, verdict.problem

    assert since(entries[4:]) == (5, None, None)
    assert since([]) == (0, 5, AuditProblem.TRUNCATED)
    assert since(chain(9, actor="bob")[4:]) == (0, 5, AuditProblem.REWRITTEN)
    assert since(entries[4:6] + chain(9, actor="bob")[6:]) == (2, 7, AuditProblem.BROKEN_LINK)


def test_a_moment_is_the_same_in_every_zone_and_after_json() -> None:
    [entry] = chain(1)
    elsewhere = entry.model_copy(update={"at": entry.at.astimezone(timezone(timedelta(hours=5)))})
    again = AuditEntry.model_validate_json(entry.model_dump_json())
    assert entry_hash(entry) == entry_hash(elsewhere) == entry_hash(again)
    assert checkpoint_message(1, GENESIS, entry.at) == checkpoint_message(1, GENESIS, again.at)


@pytest.mark.parametrize(
    "data",
    [
        {"n": float("nan")},
        {"n": float("inf")},
        {"n": 2**53},
        {"n": 1e300},
        {"käse": 1},
        {"a": {"b\n": 1}},
        {"a": ["x\0"]},
        {"a": "\ud800"},
        {"a": {1, 2}},
        {"a": b"x"},
        {"a": "x" * 70_000},
        {1: "a"},
    ],
)
def test_what_two_sides_could_write_differently_is_refused(data: dict[Any, Any]) -> None:
    with pytest.raises(ValidationError):
        AuditEvent.model_validate({"action": "experiment_started", "actor": "anna", "subject": "s", "data": data})


def test_a_checkpoint_is_due_after_entries_or_time_but_not_for_nothing() -> None:
    last = checkpoint(chain(5)[4])
    assert not is_due(0, 0, None, 100, 3600)
    assert is_due(1, 0, None, 100, 3600)
    assert not is_due(104, 3599, last, 100, 3600)
    assert is_due(105, 0, last, 100, 3600)
    assert is_due(6, 3600, last, 100, 3600)
    assert not is_due(5, 99_999, last, 100, 3600)
