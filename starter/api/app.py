"""The API's composition: services in, application out."""

import asyncio
import resource
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from models.errors import InvalidInput
from models.settings import Settings
from starter.access_services import access_services
from starter.api import (
    admission,
    alerts,
    audit,
    auth,
    blacklist,
    codec,
    comparisons,
    datasets,
    experiments,
    health,
    key_rotations,
    keys,
    limits,
    metrics,
    openapi,
    problems,
    promotions,
    provider_health,
    providers,
    quotas,
    refusals,
    reviews,
    sources,
    tokens,
    trials,
    usage,
    versions,
)
from starter.api.headers import MAX_HEAD_BYTES, SECURITY_HEADERS, check_head
from starter.api.observed import Observed
from starter.api.reconcile import reconcile_forever
from starter.api.state import ApiState
from starter.composition import services
from starter.connection import SettingMissing
from starter.logs import configure
from starter.schedules import apply_schedules
from starter.telemetry import Telemetry, telemetry_of


def create_app(settings: Settings, telemetry: Telemetry | None = None) -> FastAPI:
    """The application; it connects when it starts.

    Args:
        settings: where things are.
        telemetry: what measures it; None: an own one without the numbers of Temporal's SDK.
    """
    measured = telemetry or telemetry_of(settings, "api")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with services(settings, "api", measured) as parts, access_services(settings, parts.database) as access:
            app.state.conclave = ApiState(services=parts, access=access)
            app.state.standing = metrics.standing_of(parts)
            await parts.providers.catalogue.seed()
            await parts.versions.versions.seed()
            await apply_schedules(parts.temporal, settings.task_queue)
            reconciling = asyncio.create_task(reconcile_forever(parts))
            yield
            reconciling.cancel()
            with suppress(asyncio.CancelledError):
                await reconciling
        measured.close()

    app = FastAPI(
        title="Conclave",
        version=version("conclave"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    openapi.install(app)
    app.state.identities = settings.callers()
    if not app.state.identities:
        raise SettingMissing("CONCLAVE_API_TOKEN")
    app.state.codec_token = settings.codec_token.get_secret_value() if settings.codec_token else None
    for part in (problems, refusals, auth, limits):
        part.install(app)
    for each in (
        sources,
        reviews,
        providers,
        keys,
        key_rotations,
        quotas,
        usage,
        provider_health,
        alerts,
        datasets,
        experiments,
        comparisons,
        promotions,
        versions,
        blacklist,
        trials,
        audit,
        tokens,
        codec,
        health,
        metrics,
    ):
        app.include_router(each.router, dependencies=[auth.DECLARED])
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts), www_redirect=False)

    @app.middleware("http")
    async def secure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:  # pyright: ignore[reportUnusedFunction]
        try:
            check_head(request)
            response = await call_next(request)
        except InvalidInput as error:
            response = problems.answer(error.status, error.problem)
        for name, value in {**SECURITY_HEADERS, **limits.rate_headers(request)}.items():
            response.headers.setdefault(name, value)
        return response

    admission.install(app, settings, SECURITY_HEADERS)
    app.add_middleware(Observed, telemetry=measured)
    return app


def serve(settings: Settings) -> None:
    """Serve until told to stop.

    Raises:
        SettingMissing: a setting is not there.
    """
    import uvicorn

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # keys pass through: no core file may hold one
    configure()
    uvicorn.run(
        create_app(settings, telemetry_of(settings, "api", sdk=True)),
        host=settings.api_host,
        port=settings.api_port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
