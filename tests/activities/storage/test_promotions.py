"""Promotions on the real database: who may say what, what makes it void, and that the chain has every attempt."""

import asyncio
from collections.abc import Awaitable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.experiment_ports import ChangeRefused, ConfigQuarantined, ExperimentUnknown, PromotionUnknown
from activities.promotion_ports import Word
from activities.storage.alerts import PostgresAlerts
from activities.storage.blacklist import PostgresBlacklist
from activities.storage.database import Database
from activities.storage.promotions import PostgresPromotions
from activities.storage.versions import PostgresVersions
from models.alert import AlertType
from models.gate import Outcome, PolicyHash, PolicyName
from models.promotion import Evidence, Promotion, PromotionStatus, Vote
from models.promotion_rules import Refusal
from models.reviewer_config import ReviewerConfig, config_hash
from models.verdict import Verdict
from models.version import VersionStatus
from tests.activities.passed import AUTHOR, a_config, chain, change, decision, hash_of, other, passed, terms


class Office:
    """Everything promotions are made of, over one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.promotions = PostgresPromotions(database)
        self.versions = PostgresVersions(database)
        self.blacklist = PostgresBlacklist(database)

    async def asked(self, needed: int = 1, config: ReviewerConfig | None = None, by: str = "oscar") -> Promotion:
        experiment = await passed(self.database, config)
        return (await self.promotions.request(experiment, "it is better", by, terms(needed), hash_of)).promotion

    async def approve(self, asked: Promotion, by: str, seen: Evidence | None = None) -> Promotion:
        return await self.promotions.vote(Word(asked.id, by, Vote.APPROVE, seen or asked.evidence))

    async def settle(
        self, asked: Promotion, expired: bool = False, gate: Outcome | None = Outcome.PASS
    ) -> tuple[PromotionStatus, str | None]:
        gated = None if gate is None else decision(gate)
        state = await self.promotions.settle(asked.id, hash_of, expired=expired, gated=gated)
        return state.status, state.refusal

    async def promoted(self, config: ReviewerConfig | None = None) -> Promotion:
        asked = await self.asked(config=config)
        await self.approve(asked, "eve")
        assert await self.settle(asked) == (PromotionStatus.APPLIED, None)
        return await self.promotions.get(asked.id)


@pytest.fixture
async def office(database: Database) -> Office:
    made = Office(database)
    await made.versions.seed()
    return made


async def refused(work: Awaitable[object]) -> Refusal:
    with pytest.raises(ChangeRefused) as caught:
        await work
    return caught.value.refusal


async def test_two_approvers_make_a_version_stable_in_one_step(office: Office) -> None:
    shipped = await office.versions.stable()
    config = a_config()
    asked = await office.asked(needed=2, config=config)
    await office.approve(asked, "eve")
    assert await office.settle(asked) == (PromotionStatus.AWAITING, None)
    assert await office.versions.stable() == shipped
    await office.approve(asked, "adam")
    for _ in range(2):
        assert await office.settle(asked) == (PromotionStatus.APPLIED, None)
    stable, done = await office.versions.stable(), await office.promotions.get(asked.id)
    assert (stable.number, stable.config, stable.promotion_id) == (2, config, asked.id)
    assert (done.status, done.to_version_id) == (PromotionStatus.APPLIED, stable.id)
    assert (await office.versions.find(shipped.id)).status is VersionStatus.RETIRED
    assert await chain(office.database, asked.id) == [
        ("promotion_requested", "oscar", None),
        ("promotion_approved", "eve", None),
        ("promotion_approved", "adam", None),
        ("promotion_applied", "conclave", None),
    ]


async def test_neither_author_nor_who_asked_nor_anybody_twice(office: Office) -> None:
    asked = await office.asked(needed=2)
    assert await refused(office.approve(asked, AUTHOR)) is Refusal.OWN_EXPERIMENT
    assert await refused(office.approve(asked, "oscar")) is Refusal.OWN_REQUEST
    assert await refused(office.approve(asked, "eve", other(asked.evidence))) is Refusal.EVIDENCE_CHANGED
    await office.approve(asked, "eve")
    assert (await office.approve(asked, "eve")).status is PromotionStatus.AWAITING
    assert await office.settle(asked) == (PromotionStatus.AWAITING, None)
    assert (await chain(office.database, asked.id))[1:] == [
        ("promotion_refused", AUTHOR, "own_experiment"),
        ("promotion_refused", "oscar", "own_request"),
        ("promotion_refused", "eve", "evidence_changed"),
        ("promotion_approved", "eve", None),
    ]


async def test_a_row_that_the_audit_chain_does_not_know_is_no_approval(office: Office) -> None:
    asked = await office.asked()
    await change(
        office.database,
        "INSERT INTO approvals SELECT id, 'mallory', 'approve', evidence, NULL, now() FROM promotions WHERE id = :id",
        id=asked.id,
    )
    assert await office.settle(asked) == (PromotionStatus.AWAITING, None)


CHANGES = {
    Refusal.REPORT_CHANGED: "UPDATE evaluations SET metrics = jsonb_set(metrics, '{cost_micro_usd}', '1') "
    "WHERE experiment_id = :id",
    Refusal.NOT_PASSED: "UPDATE experiments SET status = 'quarantined' WHERE id = :id",
    Refusal.CONFIG_CHANGED: "UPDATE experiments SET config = jsonb_set(config, '{rule_pack}', '\"x\"') WHERE id = :id",
    Refusal.DATASET_CHANGED: "UPDATE experiments e SET dataset_id = "
    "(SELECT d.id FROM datasets d WHERE d.id <> e.dataset_id LIMIT 1) WHERE e.id = :id",
}


@pytest.mark.parametrize("refusal", CHANGES)
async def test_an_approved_promotion_is_refused_when_what_it_rests_on_has_changed(
    office: Office, refusal: Refusal
) -> None:
    await passed(office.database)
    asked = await office.asked()
    await office.approve(asked, "eve")
    await change(office.database, CHANGES[refusal], id=asked.experiment_id)
    assert await office.settle(asked) == (PromotionStatus.REFUSED, refusal)
    assert (await office.versions.stable()).number == 1
    assert (await chain(office.database, asked.id))[-1] == ("promotion_refused", "conclave", refusal.value)


async def test_another_policy_another_stable_version_or_the_blacklist_void_approvals(office: Office) -> None:
    def changed(_policy: PolicyName) -> PolicyHash:
        return f"policy:v1:sha256:{'2' * 64}"

    three = [await office.asked() for _ in range(3)]
    for each in three:
        await office.approve(each, "eve")
    by_policy, by_blacklist, by_stable = three
    state = await office.promotions.settle(by_policy.id, changed, expired=False, gated=decision(Outcome.PASS))
    assert (state.status, state.refusal) == (PromotionStatus.REFUSED, Refusal.POLICY_CHANGED)
    await office.blacklist.quarantine(by_blacklist.evidence.config_hash, "leaks", {}, "oscar")
    assert await office.settle(by_blacklist) == (PromotionStatus.REFUSED, Refusal.CONFIG_QUARANTINED)
    await office.promoted()
    assert await office.settle(by_stable) == (PromotionStatus.REFUSED, Refusal.STABLE_CHANGED)
    assert (await office.versions.stable()).number == 2


async def test_the_gate_has_the_last_word(office: Office) -> None:
    asked = await office.asked()
    assert await office.promotions.approved(asked.id) is None
    await office.approve(asked, "eve")
    assert await office.promotions.approved(asked.id) == asked.experiment_id
    assert await office.settle(asked, gate=None) == (PromotionStatus.AWAITING, None)
    assert await office.settle(asked, gate=Outcome.INCONCLUSIVE) == (PromotionStatus.REFUSED, Refusal.GATE_FAILED)
    assert await office.promotions.approved(asked.id) is None
    assert (await office.versions.stable()).number == 1


async def test_what_expired_is_never_applied(office: Office) -> None:
    asked = await office.asked()
    await office.approve(asked, "eve")
    assert await office.settle(asked, expired=True) == (PromotionStatus.EXPIRED, None)
    late = await office.asked()
    await change(office.database, "UPDATE promotions SET expires_at = now() WHERE id = :id", id=late.id)
    assert await refused(office.approve(late, "eve")) is Refusal.EXPIRED
    assert await office.settle(late) == (PromotionStatus.EXPIRED, None)
    assert await refused(office.approve(asked, "adam")) is Refusal.DECIDED
    assert (await office.versions.stable()).number == 1


async def test_one_rejection_ends_it_even_by_who_had_approved(office: Office) -> None:
    asked = await office.asked(needed=2)
    await office.approve(asked, "eve")
    done = await office.promotions.vote(Word(asked.id, "eve", Vote.REJECT, reason="on second thoughts"))
    assert done.status is PromotionStatus.REJECTED
    assert await refused(office.approve(asked, "adam")) is Refusal.DECIDED
    assert await office.settle(asked) == (PromotionStatus.REJECTED, None)


async def test_who_asked_takes_it_back_and_nobody_else(office: Office) -> None:
    asked = await office.asked()
    assert await refused(office.promotions.withdraw(asked.id, "eve")) is Refusal.NOT_YOURS
    assert (await office.promotions.withdraw(asked.id, "oscar")).status is PromotionStatus.WITHDRAWN
    assert await refused(office.promotions.withdraw(asked.id, "oscar")) is Refusal.DECIDED
    other = await office.asked()
    assert (await office.promotions.withdraw(other.id, "eve", anyones=True)).status is PromotionStatus.WITHDRAWN


async def test_what_may_not_be_asked(office: Office) -> None:
    async def ask(experiment: str) -> Refusal:
        said = await refused(office.promotions.request(experiment, "because", "oscar", terms(), hash_of))
        assert (await chain(office.database, experiment))[-1] == ("promotion_refused", "oscar", said.value)
        return said

    for outcome, status in ((Outcome.FAIL, "passed"), (Outcome.INCONCLUSIVE, "passed"), (Outcome.PASS, "failed")):
        assert await ask(await passed(office.database, outcome=outcome, status=status)) is Refusal.NOT_PASSED
    assert await ask(await passed(office.database, override=Verdict.FAIL)) is Refusal.OVERRIDDEN
    assert await ask(await passed(office.database, ReviewerConfig())) is Refusal.ALREADY_STABLE
    assert await ask((await office.asked()).experiment_id) is Refusal.ALREADY_ASKED
    with pytest.raises(ExperimentUnknown):
        await office.promotions.request("0" * 32, "because", "oscar", terms(), hash_of)
    with pytest.raises(PromotionUnknown):
        await office.promotions.settle("0" * 32, hash_of, expired=False)


async def test_the_same_key_asks_once(office: Office) -> None:
    experiment = await passed(office.database)

    async def ask() -> tuple[str, bool]:
        found = await office.promotions.request(experiment, "because", "oscar", terms(key="k"), hash_of)
        return found.promotion.id, found.fresh

    answers = await asyncio.gather(*(ask() for _ in range(4)))
    assert len({each for each, _ in answers}) == 1 and sum(fresh for _, fresh in answers) == 1


async def test_promotions_at_once_leave_one_stable_version_and_one_winner(office: Office) -> None:
    both = [await office.asked() for _ in range(3)]
    for each in both:
        await office.approve(each, "eve")
    ended = await asyncio.gather(*(office.settle(each) for each in both))
    assert sorted(ended) == [
        (PromotionStatus.APPLIED, None),
        *[(PromotionStatus.REFUSED, Refusal.STABLE_CHANGED)] * 2,
    ]
    versions = await office.versions.page(None, 10)
    assert [each.status for each in versions] == [VersionStatus.STABLE, VersionStatus.RETIRED]


async def test_a_reminder_is_an_alert_that_stops_when_it_is_decided(office: Office) -> None:
    asked = await office.asked()
    for percent in (14, 14, 28):
        await office.promotions.remind(asked.id, percent)
    await office.promotions.withdraw(asked.id, "oscar")
    await office.promotions.remind(asked.id, 42)
    alerts = await PostgresAlerts(office.database).page(None, 10)
    assert sorted(each.threshold_percentage for each in alerts if each.subject == asked.id) == [14, 28]


async def test_rollback_goes_back_one_version_at_a_time(office: Office) -> None:
    for _ in range(2):
        await office.promoted()
    third = await office.versions.stable()
    again = [await office.versions.rollback("errors", "oscar", third.id, "key") for _ in range(2)]
    assert [each.number for each in again] == [2, 2]
    assert await refused(office.versions.rollback("errors", "oscar", third.id)) is Refusal.STABLE_CHANGED
    assert (await office.versions.rollback("errors", "conclave")).number == 1
    assert await refused(office.versions.rollback("errors", "oscar")) is Refusal.NO_PREVIOUS
    assert [each.status for each in await office.versions.page(None, 10)] == [
        VersionStatus.ROLLED_BACK,
        VersionStatus.ROLLED_BACK,
        VersionStatus.STABLE,
    ]
    assert [each[0] for each in await chain(office.database, third.id)] == ["version_rolled_back"]
    await office.promoted()
    assert (await office.versions.rollback("errors", "oscar")).number == 1


async def test_no_way_back_to_a_quarantined_version_and_no_use_of_one(office: Office) -> None:
    first = await office.promoted()
    await office.promoted()
    await office.blacklist.quarantine(first.evidence.config_hash, "leaks", {"accuracy": 0.1}, "oscar")
    assert await refused(office.versions.rollback("errors", "oscar")) is Refusal.PREVIOUS_QUARANTINED
    stable = await office.versions.stable()
    await office.blacklist.quarantine(stable.config_hash, "leaks", {}, "oscar")
    with pytest.raises(ConfigQuarantined):
        await office.versions.stable()
    alerts = await PostgresAlerts(office.database).page(None, 10)
    assert [(each.alert_type, each.subject) for each in alerts] == [(AlertType.STABLE_QUARANTINED, stable.config_hash)]
    await office.blacklist.release(stable.config_hash, "was a mistake", "eve")
    assert (await office.versions.stable()).id == stable.id


async def test_release_takes_somebody_who_neither_made_it_nor_put_it_there(office: Office) -> None:
    config = a_config()
    name = config_hash(config)
    await passed(office.database, config)
    first = await office.blacklist.quarantine(name, "gate failed", {"denials": ["accuracy_below"]}, "oscar")
    assert await office.blacklist.quarantine(name, "another reason", {}, "conclave") == first
    assert await refused(office.blacklist.release(name, "please", "oscar")) is Refusal.OWN_QUARANTINE
    assert await refused(office.blacklist.release(name, "please", AUTHOR)) is Refusal.OWN_CONFIG
    with pytest.raises(ConfigQuarantined):
        await office.blacklist.check(name)
    freed = await office.blacklist.release(name, "labels were wrong", "eve")
    await office.blacklist.check(name)
    assert (freed.id, freed.reason, freed.reviewed_by) == (first.id, "gate failed", "eve")
    assert await refused(office.blacklist.release(name, "again", "eve")) is Refusal.NOT_QUARANTINED
    back = await office.blacklist.quarantine(name, "failed again", {}, "conclave")
    assert (back.id, back.reason, back.reviewed_by) == (first.id, "failed again", None)
    assert [(action, refusal) for action, _, refusal in await chain(office.database, name)] == [
        ("config_quarantined", None),
        ("release_refused", "own_quarantine"),
        ("release_refused", "own_config"),
        ("config_released", None),
        ("release_refused", "not_quarantined"),
        ("config_quarantined", None),
    ]


async def test_a_person_quarantines_what_an_experiment_tried(office: Office) -> None:
    async def status(experiment: str) -> str:
        async with office.database.statements() as session:
            query = text("SELECT status FROM experiments WHERE id = :id")
            return str((await session.execute(query, {"id": experiment})).scalar_one())

    for before, after in (("passed", "quarantined"), ("promoted", "promoted"), ("running", "running")):
        config = a_config()
        experiment = await passed(office.database, config, status=before)
        row = await office.blacklist.quarantine_experiment(experiment, "leaks names", "oscar")
        assert (row.config_hash, row.quarantined_by) == (config_hash(config), "oscar")
        assert await status(experiment) == after
        with pytest.raises(ConfigQuarantined):
            await office.blacklist.check(config_hash(config))
    with pytest.raises(ExperimentUnknown):
        await office.blacklist.quarantine_experiment("0" * 32, "leaks names", "oscar")


async def test_the_shipped_version_is_made_once(engine: AsyncEngine) -> None:
    versions = PostgresVersions(Database(engine))
    await asyncio.gather(*(versions.seed() for _ in range(4)))
    (shipped,) = await versions.page(None, 10)
    assert (shipped.number, shipped.config, shipped.promoted_by) == (1, ReviewerConfig(), "conclave")
    assert await versions.find("1") == await versions.find(shipped.id) == await versions.stable()
