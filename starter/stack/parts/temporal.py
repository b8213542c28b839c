"""The Temporal development server with its web UI, on a file."""

import json
from importlib.resources import files
from typing import Any

from typing_extensions import override

from models.settings import Settings
from starter.codec_token import web_ui_token
from starter.stack import binaries, wire
from starter.stack.errors import NotReady
from starter.stack.part import Command, Part, Site
from starter.stack.ports import LOOPBACK

DATABASE = "temporal.db"
"""File of the server's data, in the folder of all data."""
DEFAULT_NAMESPACE = "default"
"""The namespace that every Temporal server has."""


def server_settings(name: str) -> dict[str, Any]:
    """One of the JSON files beside the launcher that the compose file of a team uses too."""
    return json.loads(files("starter.stack").joinpath("server", name).read_text(encoding="utf-8"))


def search_attributes() -> dict[str, str]:
    """Name and type of the search attributes of our workflows."""
    return server_settings("search-attributes.json")


def dynamic_config() -> dict[str, Any]:
    """Server options. The file has the server's own shape: a list of constrained values for each key."""
    return {key: values[0]["value"] for key, values in server_settings("dynamic-config.json").items()}


class Temporal(Part):
    """Server, web UI and HTTP API in one process."""

    name = "temporal"

    @override
    def ports(self, settings: Settings) -> dict[str, int]:
        return {"temporal": 7233, "temporal-ui": 8233, "temporal-http": 7243}

    @override
    def outside(self, settings: Settings) -> str | None:
        return settings.temporal_address

    @override
    def command(self, site: Site) -> Command:
        ports = site.state.ports
        argv = [
            *(str(binaries.temporal()), "server", "start-dev", "--ip", LOOPBACK, "--log-level", "warn"),
            *("--port", str(ports["temporal"]), "--ui-port", str(ports["temporal-ui"])),
            *("--http-port", str(ports["temporal-http"]), "--ui-disable-news-fetch"),
            # Relative: the server makes a URL of it, in which `?`, `#` and `%` of a folder's name mean something else.
            # Its default journal is half as fast.
            *("--db-filename", DATABASE),
            *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=NORMAL"),
        ]
        if "api" in ports:
            # The UI of this server sends no credentials, so its token is in the address (see `starter.codec_token`).
            token = web_ui_token(site.codec_token())
            argv += ["--ui-codec-endpoint", f"http://{site.address('api')}/codec/{token}"]
        if site.settings.temporal_namespace != DEFAULT_NAMESPACE:
            argv += ["--namespace", site.settings.temporal_namespace]
        for name, kind in search_attributes().items():
            argv += ["--search-attribute", f"{name}={kind}"]
        for key, value in dynamic_config().items():
            argv += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
        # HOME: the program would read the user's own client profiles.
        return Command(argv=tuple(argv), cwd=site.layout.data, env={"HOME": str(site.layout.run)})

    @override
    def check(self, site: Site) -> None:
        # Not through the UI's port: its proxy takes a second longer to find the server.
        answer = wire.call(site.address("temporal-http"), f"/api/v1/namespaces/{site.settings.temporal_namespace}")
        if answer.status != 200:
            raise NotReady(f"the namespace is not there yet (HTTP {answer.status})")

    @override
    def address(self, site: Site) -> str:
        return site.address("temporal")

    @override
    def environment(self, site: Site) -> dict[str, str]:
        return {
            "TEMPORAL_ADDRESS": site.address("temporal"),
            "CONCLAVE_TEMPORAL_UI_URL": f"http://{site.address('temporal-ui')}",
        }
