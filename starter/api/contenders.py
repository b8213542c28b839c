"""Who is compared: what a request names, looked up."""

from activities.comparison_ports import Contender
from activities.experiment_ports import VersionUnknown
from models.comparison import ComparedSide
from models.errors import InvalidInput
from models.ids import ID
from models.reviewer_config import RULE_PACK, ReviewerConfig, config_hash
from models.version import Version
from starter.api.state import ApiState

CONFIG = "config"
"""What a configuration is called that is neither a version nor an experiment."""


async def contender(ref: str, state: ApiState, *, recorded: bool) -> Contender:
    """A version or an experiment by what a request calls it.

    Args:
        ref: `stable`, a number or id of a version, or the id of an experiment.
        state: where they are.
        recorded: whether results are compared that are there already: then only an experiment will do.

    Raises:
        VersionUnknown, ExperimentUnknown: there is none.
        InvalidInput: `experiment_needed`.
    """
    version = await _version(ref, state)
    if version is not None:
        if recorded:
            raise InvalidInput(
                "experiment_needed",
                "Without `dataset_id` both sides must be ids of experiments; with it versions are run on that dataset.",
            )
        side = ComparedSide(ref=ref, version_id=version.id, number=version.number, config_hash=version.config_hash)
        return Contender(side, version.config)
    found = await state.services.versions.experiments.get(ref)
    side = ComparedSide(ref=ref, config_hash=found.config_hash)
    return Contender(side, found.config, found.id if recorded else None)


def candidate(config: ReviewerConfig) -> Contender:
    """A configuration that is given whole.

    Raises:
        InvalidInput: `rule_pack_unknown`.
    """
    if config.rule_pack != RULE_PACK:
        raise InvalidInput("rule_pack_unknown", f"`config.rule_pack` is not installed; this release has {RULE_PACK}.")
    return Contender(ComparedSide(ref=CONFIG, config_hash=config_hash(config)), config)


async def id_of(ref: str, state: ApiState) -> str:
    """The id under which a comparison knows a version or an experiment.

    Raises:
        VersionUnknown: nothing can be called that.
    """
    version = await _version(ref, state)
    if version is not None:
        return version.id
    if not ID.match(ref):
        raise VersionUnknown
    return ref


async def _version(ref: str, state: ApiState) -> Version | None:
    """None: it is the id of no version."""
    versions = state.services.versions.versions
    if ref == "stable":
        return await versions.current()
    try:
        return await versions.find(ref)
    except VersionUnknown:
        if not ID.match(ref):
            raise
        return None
