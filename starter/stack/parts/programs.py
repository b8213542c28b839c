"""Our own processes in the stack: the HTTP API and a worker."""

from typing_extensions import override

from models.settings import Settings
from starter.stack import binaries, readiness, scratch, secret_files, wire
from starter.stack.errors import NotReady
from starter.stack.part import Command, Part, Site
from starter.stack.ports import LOOPBACK

MIGRATIONS = "migrations"
"""Name of the step that brings the database to the version of the code."""


class Api(Part):
    """`conclave serve`."""

    name = "api"
    needs = ("temporal", "postgres", "redis", "openbao", MIGRATIONS)
    wave = 1

    @override
    def ports(self, settings: Settings) -> dict[str, int]:
        return {"api": settings.api_port}

    @override
    def outside(self, settings: Settings) -> str | None:
        return settings.api_url

    @override
    def command(self, site: Site) -> Command:
        return _conclave(site, "serve")

    @override
    def check(self, site: Site) -> None:
        answer = wire.call(site.address("api"), "/readyz", timeout=5.0)
        if answer.status != 200:
            raise NotReady(f"/readyz answers HTTP {answer.status}")

    @override
    def address(self, site: Site) -> str:
        return f"http://{site.address('api')}"

    @override
    def environment(self, site: Site) -> dict[str, str]:
        given = site.settings
        api_token = given.local_token or site.secret(secret_files.API_TOKEN)
        second = given.second_token.get_secret_value() if given.second_token else site.secret(secret_files.SECOND_TOKEN)
        # One person and two identities, of which one asks.
        needed = given.approvals_needed if "approvals_needed" in given.model_fields_set else 1
        return {
            "CONCLAVE_API_HOST": LOOPBACK,
            "CONCLAVE_API_PORT": str(site.state.ports["api"]),
            "CONCLAVE_API_TOKEN": api_token,
            "CONCLAVE_SECOND_TOKEN": second,
            "CONCLAVE_APPROVALS_NEEDED": str(needed),
            "CONCLAVE_CODEC_TOKEN": site.codec_token(),
            # Nobody else looks after this database.
            "CONCLAVE_MIGRATE": "true",
        }


METRICS = "worker-metrics"
"""The worker's only listener: what it measures."""
METRICS_PORT = 8310


class Worker(Part):
    """`conclave worker`. It says by a file that it takes work (`readiness.announce`)."""

    name = "worker"
    needs = Api.needs
    wave = 1

    @override
    def ports(self, settings: Settings) -> dict[str, int]:
        return {METRICS: settings.metrics_port or METRICS_PORT}

    @override
    def outside(self, settings: Settings) -> str | None:
        """Somebody else's API has somebody else's workers."""
        return settings.api_url

    @override
    def prepare(self, site: Site) -> None:
        readiness.path(site.layout.run, self.name).unlink(missing_ok=True)
        scratch.make(site.layout)

    @override
    def command(self, site: Site) -> Command:
        ready = readiness.path(site.layout.run, self.name)
        shown = {"CONCLAVE_METRICS_HOST": LOOPBACK, "CONCLAVE_METRICS_PORT": str(site.state.ports[METRICS])}
        own = {readiness.VARIABLE: str(ready), "TMPDIR": str(scratch.place(site.layout))}
        return _conclave(site, "worker", own | shown)

    @override
    def check(self, site: Site) -> None:
        record = site.state.parts.get(self.name)
        if record is None or not readiness.announced(readiness.path(site.layout.run, self.name), record.pid):
            raise NotReady("the worker does not take work yet")

    @override
    def address(self, site: Site) -> str:
        return f"task queues {site.settings.task_queue}*"


def _conclave(site: Site, command: str, also: dict[str, str] | None = None) -> Command:
    # A home for compiled modules: where installed packages are not to be written to, every start would compile them
    # all again, which takes twice as long as running them.
    compiled = {"PYTHONPYCACHEPREFIX": str(site.layout.bytecode), "PYTHONDONTWRITEBYTECODE": ""}
    return Command(
        argv=(str(binaries.script("conclave")), command),
        # Not the caller's folder, which may go away.
        cwd=site.layout.home,
        env={**site.environment(), **compiled, **(also or {})},
        inherit_all=True,
    )
