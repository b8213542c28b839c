"""Settings as environment variables, for processes that read them again."""

from pydantic import AliasChoices, SecretStr

from models.settings import Settings


def settings_environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process the settings that were given to this one, defaults left out."""
    found: dict[str, str] = {}
    for name in sorted(settings.model_fields_set):
        value: object = getattr(settings, name)
        if value is not None:
            found[_variable(name)] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return found


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"{Settings.model_config.get('env_prefix', '')}{name}".upper()
