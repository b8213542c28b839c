"""Everything about model providers that the API and the worker are both made of."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from activities.key_ports import KeyService
from activities.key_rotation import KeyRing
from activities.keys.sealer import EnvelopeSealer
from activities.keys.transit import TransitOperator, TransitService
from activities.llm.client import HttpModelWire
from activities.llm.prices import LibraryPrices
from activities.price_table import PriceTable
from activities.provider_ports import ModelWire, Quota
from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.counters import RedisCounters
from activities.quota.gate import QuotaGate
from activities.quota.health_marks import RedisHealthMarks
from activities.quota.limiter import RedisLimiter
from activities.routing import Router
from activities.storage.alerts import PostgresAlerts
from activities.storage.database import Database
from activities.storage.health import PostgresHealth
from activities.storage.key_wraps import PayloadKeyWraps, ProviderKeyWraps
from activities.storage.ledger import PostgresLedger
from activities.storage.providers import PostgresProviders
from activities.storage.quotas import PostgresQuotas
from activities.storage.routes import PostgresRoutes
from activities.storage.statements import Statements
from activities.storage.usage import PostgresUsage
from activities.storage.user_keys import PostgresKeys
from activities.telemetry.measured import MeasuredQuota, MeasuredRoutes, MeasuredWire
from activities.telemetry_ports import Meters
from models.key_rotation import Ring
from models.quota import QuotaLimits
from models.reservation import MICRO
from models.settings import Settings
from starter.connection import required
from starter.telemetry import QUIET, Telemetry


@dataclass(frozen=True, slots=True)
class ProviderServices:
    """Connected and ready."""

    catalogue: PostgresProviders
    keys: PostgresKeys
    wire: ModelWire
    prices: LibraryPrices
    counters: RedisCounters
    ledger: PostgresLedger
    quota: Quota
    quotas: PostgresQuotas
    usage: PostgresUsage
    alerts: PostgresAlerts
    health: PostgresHealth
    limiter: RedisLimiter
    routes: PostgresRoutes
    router: Router
    meters: Meters


def price_table(parts: ProviderServices) -> PriceTable:
    """What everything costs just now."""
    return PriceTable(parts.catalogue, parts.prices)


@asynccontextmanager
async def provider_services(
    settings: Settings, database: Database, statements: Statements, telemetry: Telemetry = QUIET
) -> AsyncGenerator[ProviderServices, None]:
    """Put the provider service together; connections are closed at the end.

    Raises:
        SettingMissing: an address or token is not set.
    """
    redis = impatient_client(required(settings.redis_url, "CONCLAVE_REDIS_URL"))
    wire = HttpModelWire(loopback_allowed=settings.allow_loopback_providers)
    try:
        yield put_together(settings, database, statements, redis, wire, telemetry)
    finally:
        await wire.aclose()
        await redis.aclose()


def put_together(
    settings: Settings,
    database: Database,
    statements: Statements,
    redis: Redis,
    wire: ModelWire,
    telemetry: Telemetry = QUIET,
) -> ProviderServices:
    """Everything over given connections."""
    catalogue = PostgresProviders(database)
    keys = PostgresKeys(database, EnvelopeSealer(key_service(settings)))
    prices = LibraryPrices()
    counters = RedisCounters(BestEffortRedis(redis))
    ledger = PostgresLedger(statements, default_limits(settings))
    meters = telemetry.meters
    quota = MeasuredQuota(QuotaGate(counters, ledger), meters, catalogue)
    shared = BestEffortRedis(redis)
    limiter = RedisLimiter(shared)
    health = PostgresHealth(database, RedisHealthMarks(shared))
    routes = PostgresRoutes(database, statements)
    return ProviderServices(
        catalogue=catalogue,
        keys=keys,
        wire=MeasuredWire(wire, meters, telemetry.tracer),
        prices=prices,
        counters=counters,
        ledger=ledger,
        quota=quota,
        quotas=PostgresQuotas(database, ledger),
        usage=PostgresUsage(database),
        alerts=PostgresAlerts(database),
        health=health,
        limiter=limiter,
        routes=routes,
        router=Router(catalogue, keys, prices, quota, limiter, health, MeasuredRoutes(routes, meters)),
        meters=meters,
    )


def key_service(settings: Settings) -> KeyService:
    """What wraps the data keys of provider keys."""
    if settings.key_service == "aws-kms":
        from activities.keys.aws_kms import KmsService, kms_client

        key = required(settings.aws_kms_key, "CONCLAVE_AWS_KMS_KEY")
        return KmsService(kms_client(endpoint=settings.aws_endpoint_url), key)
    return TransitService(**_transit(settings), key=settings.vault_provider_key)


def key_rings(settings: Settings, database: Database) -> dict[Ring, KeyRing]:
    """What a key rotation works on: with an operator's token it may also rotate, else the operator does."""
    service = key_service(settings)
    payloads = TransitService(**_transit(settings), key=settings.vault_payload_key)
    return {
        Ring.PROVIDER_KEYS: KeyRing(
            service, ProviderKeyWraps(database, service.name), _operator(settings, settings.vault_provider_key)
        ),
        Ring.PAYLOAD_KEYS: KeyRing(
            payloads, PayloadKeyWraps(database), _operator(settings, settings.vault_payload_key)
        ),
    }


def _operator(settings: Settings, key: str) -> TransitOperator | None:
    token = settings.vault_operator_token
    if token is None or (key == settings.vault_provider_key and settings.key_service != "transit"):
        return None
    return TransitOperator(**_transit(settings) | {"token": token.get_secret_value()}, key=key)


def _transit(settings: Settings) -> dict[str, str]:
    return {
        "address": required(settings.vault_address, "CONCLAVE_VAULT_ADDRESS"),
        "token": required(settings.vault_token, "CONCLAVE_VAULT_TOKEN"),
        "mount": settings.vault_transit_mount,
    }


def default_limits(settings: Settings) -> QuotaLimits:
    """Limits of users who were given none of their own."""
    daily, monthly = settings.default_daily_usd, settings.default_monthly_usd
    return QuotaLimits(
        daily_requests=settings.default_daily_requests,
        monthly_requests=settings.default_monthly_requests,
        daily_micro_usd=None if daily is None else int(daily * MICRO),
        monthly_micro_usd=None if monthly is None else int(monthly * MICRO),
    )
