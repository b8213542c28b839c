"""Stand-ins for our own programs, and parts that fail in every way a part can."""

import sys
from dataclasses import replace
from pathlib import Path

from typing_extensions import override

from starter.stack.part import Command, Part, Site
from starter.stack.parts.programs import Api, Worker
from starter.stack.parts.redis import Redis

SERVE = """
import http.server, json, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(json.dumps({**os.environ}).encode())
    def log_message(self, *_): pass
http.server.HTTPServer((os.environ["CONCLAVE_API_HOST"], int(os.environ["CONCLAVE_API_PORT"])), Answer).serve_forever()
"""

WORK = "import time; from starter.stack.readiness import announce; announce(); time.sleep(600)"


def python(command: Command, code: str) -> Command:
    """The same process, but running this code."""
    return replace(command, argv=(sys.executable, "-c", code))


class StandInApi(Api):
    @override
    def command(self, site: Site) -> Command:
        return python(super().command(site), SERVE)


class StandInWorker(Worker):
    @override
    def command(self, site: Site) -> Command:
        return replace(python(super().command(site), WORK), cwd=Path(__file__).parents[3])


class Dies(Redis):
    @override
    def command(self, site: Site) -> Command:
        return python(super().command(site), "import sys; print('the disk is on fire'); sys.exit(3)")


class IsKilled(Redis):
    @override
    def command(self, site: Site) -> Command:
        return python(super().command(site), "import os; os.kill(os.getpid(), 9)")


class NeverServes(Redis):
    patience = 0.4

    @override
    def command(self, site: Site) -> Command:
        return python(super().command(site), "import time; time.sleep(600)")


PROGRAMS: tuple[Part, ...] = (StandInApi(), StandInWorker())
