"""`conclave provider`: the catalogue of model providers."""

from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from models.errors import InvalidInput
from models.provider import ModelTier, ProviderKind, WireProtocol
from models.provider_requests import ProviderChange, ProviderRequest
from models.provider_views import ProviderView
from starter.commands.asking import ask, print_json, print_table
from starter.commands.choices import choice
from starter.provider_client import ProviderClient

COLUMNS = ("Name", "Model", "Tier", "$ in / out", "Access", "Health")
"""Prices are USD per million tokens."""


def list_providers(everything: bool, as_json: bool) -> int:
    """Those that are switched on, or all."""

    def work(client: ProviderClient) -> None:
        found = [each for each in client.providers() if everything or each.is_active]
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "No provider is switched on; see `conclave provider list --all`.")

    return ask("provider list", work)


def show_provider(name: str, as_json: bool) -> int:
    """One provider, whole."""
    return ask("provider show", lambda client: _shown(client.provider(name), as_json))


def add_provider(name: str, kind: str, model: str, as_json: bool, **options: Any) -> int:
    """Put a provider into the catalogue."""

    def work(client: ProviderClient) -> None:
        choice(kind, ProviderKind, "--kind")
        request = _checked(ProviderRequest, {"name": name, "kind": kind, "model": model, **_fields(options)})
        _shown(client.add_provider(request), as_json)

    return ask("provider add", work)


def update_provider(name: str, as_json: bool, **options: Any) -> int:
    """Change a provider; what is not named stays."""

    def work(client: ProviderClient) -> None:
        change = _checked(ProviderChange, _fields(options))
        _shown(client.change_provider(client.provider(name).id, change), as_json)

    return ask("provider update", work)


def disable_provider(name: str, as_json: bool) -> int:
    """Switch a provider off."""

    def work(client: ProviderClient) -> None:
        client.disable_provider(client.provider(name).id)
        if as_json:
            print_json(client.provider(name))
        else:
            print(f"{name} is switched off; `conclave provider update {name} --active` switches it on again.")

    return ask("provider disable", work)


def test_provider(name: str, as_json: bool) -> int:
    """Ask a provider for a sign of life."""

    def work(client: ProviderClient) -> None:
        seen = client.test_provider(client.provider(name).id)
        if as_json:
            print_json(seen)
        elif seen.good:
            print(f"{name} answers in {seen.latency_ms} ms.")
        else:
            status = f", HTTP {seen.http_status}" if seen.http_status else ""
            raise InvalidInput(seen.failure or "bad_probe", f"{name} does not answer as it should{status}.", 409)

    return ask("provider test", work)


def _fields(options: dict[str, Any]) -> dict[str, Any]:
    """Options that were given, as fields of a request."""
    given = {name: value for name, value in options.items() if value is not None}
    if "protocol" in given:
        given["protocol"] = choice(given["protocol"], WireProtocol, "--protocol")
    if "tier" in given:
        given["tier"] = choice(given["tier"], ModelTier, "--tier")
    price_in, price_out = given.pop("price_input", None), given.pop("price_output", None)
    if (price_in is None) != (price_out is None):
        raise InvalidInput("invalid_option", "--price-input and --price-output go together, in USD per million tokens.")
    if price_in is not None:
        given["price"] = {"input": _usd(price_in), "output": _usd(price_out)}
    return given


def _usd(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidInput("invalid_option", "A price is a number of USD per million tokens, such as 0.25.") from None


def _checked(model: Any, values: dict[str, Any]) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "options"
        raise InvalidInput("invalid_option", f"--{field.replace('_', '-')} is not valid: {first['msg']}.") from None


def _row(each: ProviderView) -> tuple[str, ...]:
    price = f"{each.price.input} / {each.price.output}" if each.price else "unknown: never asked"
    name = each.name if each.is_active else f"{each.name} (off)"
    return (name, each.model, each.tier, price, each.access.replace("_", " "), _health(each))


def _health(each: ProviderView) -> str:
    if each.health.last_check_at is None:
        return "unknown"
    return (
        "healthy"
        if each.health.is_healthy
        else f"unhealthy ({(each.health.last_error or 'bad probe').replace('_', ' ')})"
    )


def _shown(each: ProviderView, as_json: bool) -> None:
    if as_json:
        print_json(each)
        return
    values = each.model_dump(mode="json", exclude={"health", "price", "price_override"})
    rows = [(name.replace("_", " "), "none" if value is None else str(value)) for name, value in values.items()]
    rows += [("price, USD per million in / out", _row(each)[3]), ("health", _health(each))]
    print_table(("Field", "Value"), rows, "")
