"""Reading the settings where a process starts."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.settings import Settings

BAD_INPUT = 2
"""Exit code for settings that cannot be used."""


def settings_or_exit() -> "Settings":
    """The settings of this process; exits with one line when one of them cannot be used."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from models.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        # Only where and why: values may be secrets.
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    except SettingsError as error:
        wrong = str(error)
    print(f"conclave: a setting cannot be used: {wrong}", file=sys.stderr)
    raise SystemExit(BAD_INPUT)
