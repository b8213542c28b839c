"""What the API and the worker are both made of: settings in, connected services out."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio.client import Client

from activities.idempotency_ports import Answers
from activities.keys.transit import TransitKeys
from activities.payload_keys import CONTEXT, payload_codec
from activities.storage import schema
from activities.storage.database import Database, engine_for
from activities.storage.idempotency import PostgresAnswers
from activities.storage.payload_keys import PostgresPayloadKeys
from activities.storage.reviews import PostgresReviews
from activities.storage.sources import PostgresSources
from activities.storage.standing import PostgresStanding
from activities.storage.statements import Statements
from models.codec import AesGcmCodec, encrypted_converter
from models.settings import Settings
from starter.connection import connect, required
from starter.provider_services import ProviderServices, default_limits, provider_services
from starter.telemetry import QUIET, Telemetry
from starter.version_services import VersionServices, version_services


@dataclass(frozen=True, slots=True)
class Services:
    """Connected and ready."""

    settings: Settings
    database: Database
    sources: PostgresSources
    reviews: PostgresReviews
    answers: Answers
    codec: AesGcmCodec
    temporal: Client
    providers: ProviderServices
    versions: VersionServices
    standing: PostgresStanding
    telemetry: Telemetry = QUIET


@asynccontextmanager
async def statements_over(settings: Settings) -> AsyncGenerator[Statements, None]:
    """Statements over connections of their own, closed at the end.

    Raises:
        SettingMissing: no database is set.
    """
    statements = Statements(required(settings.database_url, "CONCLAVE_DATABASE_URL"))
    try:
        yield statements
    finally:
        await statements.close()


@asynccontextmanager
async def services(settings: Settings, role: str, telemetry: Telemetry = QUIET) -> AsyncGenerator[Services, None]:
    """Connect to everything; disconnect at the end.

    Args:
        settings: where things are.
        role: `api` or `worker`, part of the identity Temporal shows.
        telemetry: what measures it.

    Raises:
        SettingMissing: an address or token is not set.
        KeyServiceUnavailable: payloads cannot be encrypted, so nothing may run.
        SchemaTooOld, SchemaTooNew: the database does not fit this release.
    """
    url, owner = required(settings.database_url, "CONCLAVE_DATABASE_URL"), settings.database_owner_url
    engine = engine_for(url)
    try:
        if settings.migrate:
            await schema.migrate(url, owner.get_secret_value() if owner else None)
        else:
            await schema.check(engine)
        database = Database(engine)
        transit = TransitKeys(
            address=required(settings.vault_address, "CONCLAVE_VAULT_ADDRESS"),
            token=required(settings.vault_token, "CONCLAVE_VAULT_TOKEN"),
            mount=settings.vault_transit_mount,
            key=settings.vault_payload_key,
            context=CONTEXT,
        )
        codec = await payload_codec(transit, PostgresPayloadKeys(database))
        identity = f"conclave-{role}-{secrets.token_hex(4)}"
        temporal = await connect(
            settings, encrypted_converter(codec), identity, telemetry.interceptors, telemetry.runtime
        )
        async with (
            statements_over(settings) as statements,
            provider_services(settings, database, statements, telemetry) as providers,
        ):
            sources = PostgresSources(database)
            yield Services(
                settings=settings,
                database=database,
                sources=sources,
                reviews=PostgresReviews(database, statements),
                answers=PostgresAnswers(statements),
                codec=codec,
                temporal=temporal,
                providers=providers,
                versions=version_services(settings, database, sources),
                standing=PostgresStanding(database, default_limits(settings)),
                telemetry=telemetry,
            )
    finally:
        await engine.dispose()
