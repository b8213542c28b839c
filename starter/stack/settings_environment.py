"""Settings as environment variables, for processes that read them again."""

import json

from pydantic import AliasChoices, BaseModel, SecretStr

from models.settings import Settings


def settings_environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process the settings that were given to this one, defaults left out."""
    found: dict[str, str] = {}
    for name in sorted(settings.model_fields_set):
        value: object = getattr(settings, name)
        if value is not None:
            found[_variable(name)] = _text(value)
    return found


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    # Settings read anything that has parts as JSON.
    return json.dumps(value, default=_plain) if isinstance(value, (tuple, list, dict, bool)) else str(value)


def _plain(value: object) -> object:
    """What JSON has no word for."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case BaseModel():
            return value.model_dump(mode="json")
        case _:
            raise TypeError


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"{Settings.model_config.get('env_prefix', '')}{name}".upper()
