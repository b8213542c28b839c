"""Everything about datasets, experiments and versions that the API and the worker are both made of."""

from dataclasses import dataclass

from activities.keys.checkpoints import SignedCheckpoints
from activities.policy.choose import policy_engine
from activities.policy.engine import RegoEngine
from activities.storage.audit import PostgresAudit
from activities.storage.blacklist import PostgresBlacklist
from activities.storage.comparisons import PostgresComparisons
from activities.storage.database import Database
from activities.storage.datasets import PostgresDatasets
from activities.storage.experiments import PostgresExperiments
from activities.storage.promotions import PostgresPromotions
from activities.storage.sources import PostgresSources
from activities.storage.stable_errors import PostgresWatch
from activities.storage.trials import PostgresTrials
from activities.storage.versions import PostgresVersions
from models.settings import Settings
from starter.connection import required


@dataclass(frozen=True, slots=True)
class VersionServices:
    """Connected and ready."""

    audit: PostgresAudit
    checkpoints: SignedCheckpoints
    datasets: PostgresDatasets
    experiments: PostgresExperiments
    comparisons: PostgresComparisons
    policies: RegoEngine
    versions: PostgresVersions
    blacklist: PostgresBlacklist
    promotions: PostgresPromotions
    trials: PostgresTrials
    watch: PostgresWatch


def version_services(settings: Settings, database: Database, sources: PostgresSources) -> VersionServices:
    """Everything over given connections.

    Raises:
        SettingMissing: an address or token is not set.
    """
    datasets = PostgresDatasets(database, sources)
    experiments = PostgresExperiments(database, datasets, settings.task_queue)
    return VersionServices(
        audit=PostgresAudit(database),
        checkpoints=SignedCheckpoints(
            address=required(settings.vault_address, "CONCLAVE_VAULT_ADDRESS"),
            token=required(settings.vault_token, "CONCLAVE_VAULT_TOKEN"),
            mount=settings.vault_transit_mount,
            key=settings.vault_audit_key,
            path=settings.checkpoints_file,
        ),
        datasets=datasets,
        experiments=experiments,
        comparisons=PostgresComparisons(database, experiments),
        policies=policy_engine(settings),
        versions=PostgresVersions(database),
        blacklist=PostgresBlacklist(database),
        promotions=PostgresPromotions(database),
        trials=PostgresTrials(database),
        watch=PostgresWatch(database),
    )
