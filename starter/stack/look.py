"""A look at the local stack that changes nothing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.settings import Settings
from starter.stack import processes, state
from starter.stack.launcher import ALL
from starter.stack.layout import Layout
from starter.stack.part import Part, Site


class PartStatus(BaseModel):
    """One part as it is now."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    state: Literal["running", "unhealthy", "stopped", "outside"]
    """`unhealthy`: the process runs but does not answer as it should; `outside`: the settings name one elsewhere."""
    address: str | None = None
    pid: int | None = None
    since: datetime | None = None
    log: str | None = None


def status(settings: Settings, *, parts: Sequence[Part] = ALL) -> list[PartStatus]:
    """How each part does, in the order in which they start.

    Raises:
        SecretExposed: a secret that is needed to ask can be read by other users.
    """
    layout = Layout(settings.home.expanduser().absolute())
    site = Site(settings, layout, state.load(layout))
    with ThreadPoolExecutor(max_workers=len(parts)) as pool:
        asked = [pool.submit(_status, part, site) for part in parts]
    return [each.result() for each in asked]


def _status(part: Part, site: Site) -> PartStatus:
    outside = part.outside(site.settings)
    if outside is not None:
        return PartStatus(name=part.name, state="outside", address=outside)
    record = site.state.parts.get(part.name)
    log = site.layout.log(part.name)
    shown = str(log) if log.exists() else None
    if record is None or not processes.is_alive(record.pid, record.create_time):
        return PartStatus(name=part.name, state="stopped", log=shown)
    return PartStatus(
        name=part.name,
        state="running" if part.healthy(site) else "unhealthy",
        address=part.address(site),
        pid=record.pid,
        since=datetime.fromtimestamp(record.create_time, UTC),
        log=shown,
    )
