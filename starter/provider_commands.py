"""The command line of providers, quotas, use, health and alerts: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.key_commands import key
from starter.options import Json, Name

Limit = Annotated[str | None, typer.Option(help="A number, or `none` for no limit.")]

provider = typer.Typer(no_args_is_help=True, help="Model providers: list, show, add, update, disable, test.")
quota = typer.Typer(no_args_is_help=True, help="What users may spend on models: show, set.")
alerts = typer.Typer(no_args_is_help=True, help="What people must hear of: list, acknowledge.")

ADD_HELP = """Put a provider into the catalogue.

\b
Examples:
  conclave provider add gpt-mini --kind openai --model gpt-5-mini
  conclave provider add local --kind compatible --model llama --endpoint http://127.0.0.1:8080/v1 \\
      --no-key --price-input 0 --price-output 0
"""


@provider.command("list")
def provider_list(
    everything: Annotated[bool, typer.Option("--all", help="Those that are switched off, too.")] = False,
    json_output: Json = False,
) -> None:
    """The catalogue: models, prices, with which key they can be asked, and how they are."""
    from starter.commands.provider import list_providers

    raise typer.Exit(list_providers(everything, json_output))


@provider.command("show")
def provider_show(name: Name, json_output: Json = False) -> None:
    """One provider, whole."""
    from starter.commands.provider import show_provider

    raise typer.Exit(show_provider(name, json_output))


@provider.command("add", help=ADD_HELP)
def provider_add(
    name: Annotated[str, typer.Argument(help="What to call it: lower case, digits, dot, dash, underscore.")],
    kind: Annotated[str, typer.Option(help="openai, anthropic, huggingface, vllm, tgi or compatible.")],
    model: Annotated[str, typer.Option(help="The model, as the provider calls it.")],
    endpoint: Annotated[str | None, typer.Option(help="Base address; the kind's own if not given.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="openai-responses, openai-chat or anthropic-messages; the kind's if not given.")
    ] = None,
    tier: Annotated[str | None, typer.Option(help="cheap, balanced or powerful.")] = None,
    price_input: Annotated[str | None, typer.Option(help="USD per million input tokens, over the library's.")] = None,
    price_output: Annotated[str | None, typer.Option(help="USD per million output tokens.")] = None,
    context: Annotated[int | None, typer.Option(help="Tokens of question and answer together.")] = None,
    longest_answer: Annotated[int | None, typer.Option(help="Tokens of an answer at most.")] = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds that one call may take.")] = None,
    at_once: Annotated[int | None, typer.Option(help="Calls at once, over all workers.")] = None,
    needs_key: Annotated[bool, typer.Option("--key/--no-key", help="Whether it takes a key.")] = True,
    last_resort: Annotated[bool, typer.Option("--last-resort", help="Ask it only when nobody else is left.")] = False,
    json_output: Json = False,
) -> None:
    """`conclave provider add`; its help is `ADD_HELP`."""
    from starter.commands.provider import add_provider

    code = add_provider(
        name,
        kind,
        model,
        json_output,
        endpoint=endpoint,
        protocol=protocol,
        tier=tier,
        price_input=price_input,
        price_output=price_output,
        context_tokens=context,
        max_output_tokens=longest_answer,
        timeout_seconds=timeout,
        max_concurrency=at_once,
        needs_key=needs_key,
        last_resort=last_resort,
    )
    raise typer.Exit(code)


@provider.command("update")
def provider_update(
    name: Name,
    model: Annotated[str | None, typer.Option(help="The model, as the provider calls it.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Base address; keys have to be given anew.")] = None,
    tier: Annotated[str | None, typer.Option(help="cheap, balanced or powerful.")] = None,
    price_input: Annotated[str | None, typer.Option(help="USD per million input tokens.")] = None,
    price_output: Annotated[str | None, typer.Option(help="USD per million output tokens.")] = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds that one call may take.")] = None,
    at_once: Annotated[int | None, typer.Option(help="Calls at once, over all workers.")] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Switch it on or off.")] = None,
    json_output: Json = False,
) -> None:
    """Change a provider; what is not named stays."""
    from starter.commands.provider import update_provider

    code = update_provider(
        name,
        json_output,
        model=model,
        endpoint=endpoint,
        tier=tier,
        price_input=price_input,
        price_output=price_output,
        timeout_seconds=timeout,
        max_concurrency=at_once,
        is_active=active,
    )
    raise typer.Exit(code)


@provider.command("disable")
def provider_disable(name: Name) -> None:
    """Switch a provider off; its history stays."""
    from starter.commands.provider import disable_provider

    raise typer.Exit(disable_provider(name))


@provider.command("test")
def provider_test(name: Name, json_output: Json = False) -> None:
    """Ask a provider for a sign of life, with your key or the platform's."""
    from starter.commands.provider import test_provider

    raise typer.Exit(test_provider(name, json_output))


@quota.command("show")
def quota_show(json_output: Json = False) -> None:
    """Limits, and what of them is used."""
    from starter.commands.quota import show_quotas

    raise typer.Exit(show_quotas(json_output))


@quota.command("set")
def quota_set(
    user: Annotated[str, typer.Argument(help="Whose limits; `local` on the local stack.")],
    daily: Limit = None,
    monthly: Limit = None,
    daily_calls: Limit = None,
    monthly_calls: Limit = None,
    json_output: Json = False,
) -> None:
    """Set what a user may spend, in USD and in calls; limits that are not named stay."""
    from starter.commands.quota import set_quota

    code = set_quota(
        user,
        json_output,
        daily_micro_usd=daily,
        monthly_micro_usd=monthly,
        daily_requests=daily_calls,
        monthly_requests=monthly_calls,
    )
    raise typer.Exit(code)


def usage(
    by: Annotated[str, typer.Option(help="day, provider or expert.")] = "day",
    since: Annotated[str | None, typer.Option(help="First UTC day, 2026-11-01; this month's if not given.")] = None,
    until: Annotated[str | None, typer.Option(help="Last UTC day; today if not given.")] = None,
    user: Annotated[str | None, typer.Option(help="Whose; yours if not given (administrators).")] = None,
    json_output: Json = False,
) -> None:
    """What models were asked, and what that cost."""
    from starter.commands.quota import show_usage

    raise typer.Exit(show_usage(by, since, until, user, json_output))


def health(json_output: Json = False) -> None:
    """How the model providers are; they are looked at every five minutes."""
    from starter.commands.health import show_health

    raise typer.Exit(show_health(json_output))


@alerts.command("list")
def alerts_list(
    most: Annotated[int, typer.Option(help="How many, the newest first (1 to 100).", min=1, max=100)] = 20,
    json_output: Json = False,
) -> None:
    """The newest alerts: limits at 80, 90 and 100 %, changes of health, refused keys."""
    from starter.commands.health import list_alerts

    raise typer.Exit(list_alerts(most, json_output))


@alerts.command("acknowledge")
def alerts_acknowledge(
    alert_id: Annotated[str, typer.Argument(help="Id of the alert, as `conclave alerts list` shows it.")],
    json_output: Json = False,
) -> None:
    """Note that you have seen an alert; it is not sent again."""
    from starter.commands.health import acknowledge_alert

    raise typer.Exit(acknowledge_alert(alert_id, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(provider, name="provider")
    app.add_typer(key, name="key")
    app.add_typer(quota, name="quota")
    app.add_typer(alerts, name="alerts")
    app.command("usage")(usage)
    app.command("health")(health)
