"""Words of the command line that stand for one of several values."""

from enum import StrEnum
from typing import TypeVar

from models.errors import InvalidInput

Choice = TypeVar("Choice", bound=StrEnum)


def choice(value: str, kind: type[Choice], option: str) -> Choice:
    """What was typed, as one of the values that there are.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return kind(value.strip().lower())
    except ValueError:
        raise InvalidInput("invalid_option", f"{option} takes one of {', '.join(kind)}.") from None


def choices(value: str, kind: type[Choice], option: str) -> tuple[Choice, ...]:
    """Values separated by commas, each once.

    Raises:
        InvalidInput: one of them is none.
    """
    return tuple(dict.fromkeys(choice(word, kind, option) for word in listed(value)))


def listed(value: str) -> list[str]:
    """What is separated by commas."""
    return [word.strip() for word in value.split(",") if word.strip()]
