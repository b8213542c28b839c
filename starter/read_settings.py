"""Reading the settings where a process starts."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from starter.complaints import complain
from starter.exit_codes import USAGE

if TYPE_CHECKING:
    from models.settings import Settings

NOT_SETTINGS = frozenset(
    {"CONCLAVE_READY_FILE", "CONCLAVE_STACK_PART", "CONCLAVE_CAMPAIGN_SEED", "CONCLAVE_CODEC_UI_TOKEN"}
)
"""Variables with our prefix that are no settings: the launcher's marks, the tests' seed, the compose file's."""


class FileExposed(Exception):
    """A file of settings that somebody else could have written or read."""


def settings_or_exit() -> "Settings":
    """The settings of this process; exits with one line when one of them is unknown or cannot be used."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from models.settings import Settings

    try:
        file = settings_file()
        unknown = unknown_variables({*os.environ, *_names_in(file)})
        if not unknown:
            return Settings(_env_file=file)  # pyright: ignore[reportCallIssue]
        wrong = f"{', '.join(unknown)}: no such setting (docs/settings.md lists them)"
    except ValidationError as error:
        # Only where and why: values may be secrets.
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    except (SettingsError, FileExposed) as error:
        wrong = str(error)
    except (OSError, UnicodeDecodeError):
        wrong = "`.env` in CONCLAVE_HOME cannot be read"
    complain("", "config_invalid", f"a setting cannot be used: {wrong}", shown=False)
    raise SystemExit(USAGE)


def unknown_variables(names: set[str]) -> list[str]:
    """Names with our prefix that mean nothing: a misspelt setting must not be silently without effect."""
    from models.settings import Settings

    # Fields with a name of their own are Temporal's variables.
    ours = {name for name, field in Settings.model_fields.items() if field.validation_alias is None}
    known = {f"CONCLAVE_{name.upper()}" for name in ours} | NOT_SETTINGS
    return sorted(name for name in map(str.upper, names) if name.startswith("CONCLAVE_") and name not in known)


def _names_in(file: Path | None) -> set[str]:
    from dotenv import dotenv_values

    return set(dotenv_values(file)) if file is not None else set()


def settings_file() -> Path | None:
    """`.env` in the stack's folder, if it is there.

    Never the one in the working folder: that is often the code under review, which must not configure its reviewer.

    Raises:
        FileExposed: others may read or change it, or it is no plain file.
    """
    from platformdirs import user_data_path

    given = os.environ.get("CONCLAVE_HOME")
    file = (Path(given).expanduser() if given else user_data_path("conclave")) / ".env"
    try:
        info = file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(info.st_mode):
        raise FileExposed(f"{file} is not a plain file")
    if info.st_mode & 0o077:
        raise FileExposed(f"{file} can be read by other users. Run `chmod 600` on it")
    return file
