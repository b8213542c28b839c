"""Reading the settings where a process starts."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.settings import Settings

BAD_INPUT = 2
"""Exit code for settings that cannot be used."""

NOT_SETTINGS = frozenset(
    {"CONCLAVE_READY_FILE", "CONCLAVE_STACK_PART", "CONCLAVE_CAMPAIGN_SEED", "CONCLAVE_CODEC_UI_TOKEN"}
)
"""Variables with our prefix that are no settings: the launcher's marks, the tests' seed, the compose file's."""


def settings_or_exit() -> "Settings":
    """The settings of this process; exits with one line when one of them is unknown or cannot be used."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from models.settings import Settings

    unknown = unknown_variables({*os.environ, *_dotenv_names()})
    try:
        if not unknown:
            return Settings()
        wrong = f"{', '.join(unknown)}: no such setting (docs/settings.md lists them)"
    except ValidationError as error:
        # Only where and why: values may be secrets.
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    except SettingsError as error:
        wrong = str(error)
    print(f"conclave: a setting cannot be used: {wrong}", file=sys.stderr)
    raise SystemExit(BAD_INPUT)


def unknown_variables(names: set[str]) -> list[str]:
    """Names with our prefix that mean nothing: a misspelt setting must not be silently without effect."""
    from models.settings import Settings

    # Fields with a name of their own are Temporal's variables.
    ours = {name for name, field in Settings.model_fields.items() if field.validation_alias is None}
    known = {f"CONCLAVE_{name.upper()}" for name in ours} | NOT_SETTINGS
    return sorted(name for name in map(str.upper, names) if name.startswith("CONCLAVE_") and name not in known)


def _dotenv_names() -> set[str]:
    from dotenv import dotenv_values

    return set(dotenv_values(".env"))
