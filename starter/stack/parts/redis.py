"""Redis: counters and short-lived state."""

import socket

from typing_extensions import override

from models.settings import Settings
from starter.stack import binaries, secret_files
from starter.stack.errors import NotReady
from starter.stack.part import Command, Part, Site
from starter.stack.ports import LOOPBACK


class Redis(Part):
    """A redis-server with a password and an append-only file."""

    name = "redis"

    @override
    def ports(self, settings: Settings) -> dict[str, int]:
        return {"redis": 6390}

    @override
    def outside(self, settings: Settings) -> str | None:
        return _host(settings.redis_url.get_secret_value()) if settings.redis_url else None

    @override
    def prepare(self, site: Site) -> None:
        (site.layout.data / "redis").mkdir(mode=0o700, exist_ok=True)

    @override
    def command(self, site: Site) -> Command:
        config = site.layout.run / "redis.conf"
        return Command(
            argv=(str(binaries.redis()), str(config)),
            cwd=site.layout.run,
            files={config: self._config(site)},
        )

    def _config(self, site: Site) -> str:
        folder = str(site.layout.data / "redis").replace("\\", "\\\\").replace('"', '\\"')
        # The title would overwrite the environment, and with it the mark by which a lost process is found.
        lines = (
            f"bind {LOOPBACK}",
            f"port {site.state.ports['redis']}",
            f"requirepass {site.secret(secret_files.REDIS_PASSWORD)}",
            f'dir "{folder}"',
            "appendonly yes",
            "daemonize no",
            "set-proc-title no",
        )
        return "\n".join(lines) + "\n"

    @override
    def check(self, site: Site) -> None:
        password = site.secret(secret_files.REDIS_PASSWORD)
        with socket.create_connection((LOOPBACK, site.state.ports["redis"]), timeout=2.0) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                received = connection.recv(256)
                if not received:
                    break
                answer += received
        if answer != b"+OK\r\n+PONG\r\n":
            raise NotReady("redis refuses the password or is still loading its data")

    @override
    def address(self, site: Site) -> str:
        return site.address("redis")

    @override
    def environment(self, site: Site) -> dict[str, str]:
        return {"CONCLAVE_REDIS_URL": f"redis://:{site.secret(secret_files.REDIS_PASSWORD)}@{site.address('redis')}/0"}


def _host(url: str) -> str:
    """The address part of a URL, without user and password."""
    return url.rpartition("@")[2] if "@" in url else url.partition("://")[2]
