"""What the launcher needs to know of a part, and what a part needs to know of the stack it is in."""

import hashlib
import json
import os
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from models.settings import Settings
from starter.stack import secret_files
from starter.stack.errors import NotReady
from starter.stack.layout import Layout
from starter.stack.ports import LOOPBACK
from starter.stack.settings_environment import settings_environment
from starter.stack.state import PartRecord, StackState, save
from starter.stack.system_user import SystemUser

PLAIN_ENVIRONMENT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")
"""What a server inherits: not the user's settings of a client of the same name, and no key of theirs."""


@dataclass(frozen=True)
class Command:
    """How a part's process is started."""

    argv: tuple[str, ...]
    """Never with a secret in it: every user of the machine can read it."""
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables besides the inherited ones."""
    files: Mapping[Path, str] = field(default_factory=dict[Path, str])
    """Configuration files, written with mode 0600 before the start."""
    inherit_all: bool = False
    """Whether the process inherits the whole environment: our own programs do, servers do not."""
    user: SystemUser | None = None

    def whole_environment(self) -> dict[str, str]:
        """The environment of the process."""
        inherited = os.environ if self.inherit_all else {k: os.environ[k] for k in PLAIN_ENVIRONMENT if k in os.environ}
        return {**inherited, **self.env}

    def fingerprint(self) -> str:
        """Digest that changes when the process would be started differently."""
        files = {str(path): text for path, text in self.files.items()}
        return hashlib.sha256(json.dumps([self.argv, dict(self.env), files], sort_keys=True).encode()).hexdigest()


@dataclass
class Site:
    """The stack a part is in: its settings, folders and remembered state."""

    settings: Settings
    layout: Layout
    state: StackState
    parts: "tuple[Part, ...]" = ()
    """The parts that this stack runs itself."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def address(self, listener: str) -> str:
        """host:port of one listener."""
        return f"{LOOPBACK}:{self.state.ports[listener]}"

    def secret(self, name: str) -> str:
        """A generated secret, made on first use."""
        return secret_files.read_or_create(self.layout.secrets / name)

    def codec_token(self) -> str:
        """The codec endpoint's token: the one in the settings, or this stack's own."""
        given = self.settings.codec_token
        return given.get_secret_value() if given else self.secret(secret_files.CODEC_TOKEN)

    def environment(self) -> dict[str, str]:
        """Everything our programs must know: the settings that were given, and where the parts are."""
        found = settings_environment(self.settings) | {"CONCLAVE_HOME": str(self.layout.home)}
        for part in self.parts:
            found |= part.environment(self)
        return found

    def record(self, part: str, record: PartRecord | None) -> None:
        """Remember a part's process, or forget it."""
        with self._changing:
            if record is None:
                self.state.parts.pop(part, None)
            else:
                self.state.parts[part] = record
            save(self.layout, self.state)

    def keep_socket_dir(self, folder: Path | None) -> None:
        """Remember a folder outside `home`, so that it goes away with the stack."""
        with self._changing:
            self.state.socket_dir = folder
            save(self.layout, self.state)


class Part(ABC):
    """One server or program of the stack. Parts hold no state of their own."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    """Parts and steps that must be in service first; those that run elsewhere are not waited for."""
    wave: ClassVar[int] = 0
    """Later waves are stopped first."""
    stop_signal: ClassVar[int] = signal.SIGTERM
    """Signal that makes it end gracefully."""
    patience: ClassVar[float] = 60.0
    """Seconds until a part that is running but does not answer is given up."""

    def ports(self, settings: Settings) -> dict[str, int]:
        """Default port of each listener by name."""
        del settings
        return {}

    def outside(self, settings: Settings) -> str | None:
        """Address of this part when the settings name one elsewhere; such a part is not started."""
        del settings
        return None

    def prepare(self, site: Site) -> None:
        """Make ready what the process expects to find; called each time before it is started."""
        del site

    @abstractmethod
    def command(self, site: Site) -> Command:
        """How to start the process."""

    @abstractmethod
    def check(self, site: Site) -> None:
        """Ask the part for a sign of service, changing nothing.

        Raises:
            NotReady: it answers, but not as it should.
            OSError: it does not answer.
        """

    def advance(self, site: Site) -> None:
        """One step towards service, the last one being a good `check`. Raises as `check` does."""
        self.check(site)

    @abstractmethod
    def address(self, site: Site) -> str:
        """Where a person or a client finds it."""

    def environment(self, site: Site) -> dict[str, str]:
        """What our programs must know to use it."""
        del site
        return {}

    def healthy(self, site: Site) -> bool:
        """Whether it is in service now."""
        try:
            self.check(site)
        except (NotReady, OSError):
            return False
        return True
