"""The page of settings, made from the settings: `uv run python -m tests.settings_page > docs/settings.md`."""

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from models.settings import Settings

HEAD = """# Settings

Every process reads these variables once when it starts, from its environment and then from the file `.env` in
`CONCLAVE_HOME` (mode 0600). A `.env` in the working folder is not read: it may belong to the code under review.
A part whose address is not set is the local stack's. This page is made from `models/settings.py`.

| variable | default | meaning |
| --- | --- | --- |
"""


def variable(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"CONCLAVE_{name.upper()}"


def default(name: str, field: FieldInfo) -> str:
    if name == "home":
        return "a folder of the user's"
    return "" if field.default is None else f"`{field.default}`"


def render() -> str:
    rows = [
        f"| `{variable(name, field)}` | {default(name, field)} | {' '.join((field.description or '').split())} |"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(render(), end="")
