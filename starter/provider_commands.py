"""The command line of providers, quotas, use, health and alerts: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.command_tree import PROVIDERS, examples, group
from starter.completion import KINDS, PROTOCOLS, TIERS, named, words
from starter.key_commands import key
from starter.options import Json, Name

Limit = Annotated[str | None, typer.Option(metavar="NUMBER", help="A number, or `none` for no limit.")]
Model = typer.Option(metavar="MODEL", help="The model, as the provider calls it.")
Tier = Annotated[
    str | None, typer.Option(metavar="TIER", autocompletion=words(*TIERS), help="cheap, balanced or powerful.")
]
PriceInput = Annotated[
    str | None, typer.Option(metavar="USD", help="Per million input tokens, over the library's price.")
]
PriceOutput = Annotated[str | None, typer.Option(metavar="USD", help="Per million output tokens.")]
Timeout = Annotated[int | None, typer.Option(metavar="SECONDS", help="That one call may take.")]
AtOnce = Annotated[int | None, typer.Option(metavar="NUMBER", help="Calls at once, over all workers.")]

provider = group("Model providers: list, show, add, update, disable, test.")
quota = group("What users may spend on models: show, set.")
alerts = group("What people must hear of: list, acknowledge.")


@provider.command("list", epilog=examples("conclave provider list", "conclave provider list --all --json"))
def provider_list(
    everything: Annotated[bool, typer.Option("--all", help="Those that are switched off, too.")] = False,
    json_output: Json = False,
) -> None:
    """List the catalogue: models, prices, keys and health."""
    from starter.commands.provider import list_providers

    raise typer.Exit(list_providers(everything, json_output))


@provider.command("show", epilog=examples("conclave provider show gpt-mini"))
def provider_show(name: Name, json_output: Json = False) -> None:
    """Show all that is known of a provider."""
    from starter.commands.provider import show_provider

    raise typer.Exit(show_provider(name, json_output))


@provider.command(
    "add",
    epilog=examples(
        "conclave provider add gpt-mini --kind openai --model gpt-5-mini",
        "conclave provider add local --kind compatible --model llama --no-key \\\n"
        "      --endpoint http://127.0.0.1:8080/v1 --price-input 0 --price-output 0",
    ),
)
def provider_add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to call it: lower case, digits, dot, dash, underscore.")
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            autocompletion=words(*KINDS),
            help="openai, anthropic, huggingface, vllm, tgi or compatible.",
        ),
    ],
    model: Annotated[str, Model],
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Base address; the kind's own if not given.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="PROTOCOL",
            autocompletion=words(*PROTOCOLS),
            help="openai-responses, openai-chat or anthropic-messages; the kind's if not given.",
        ),
    ] = None,
    tier: Tier = None,
    price_input: PriceInput = None,
    price_output: PriceOutput = None,
    context: Annotated[int | None, typer.Option(metavar="TOKENS", help="Of question and answer together.")] = None,
    longest_answer: Annotated[int | None, typer.Option(metavar="TOKENS", help="Of an answer at most.")] = None,
    timeout: Timeout = None,
    at_once: AtOnce = None,
    needs_key: Annotated[bool, typer.Option("--key/--no-key", help="Whether it takes a key.")] = True,
    last_resort: Annotated[bool, typer.Option("--last-resort", help="Ask it only when nobody else is left.")] = False,
    json_output: Json = False,
) -> None:
    """Put a provider into the catalogue."""
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


@provider.command("update", epilog=examples("conclave provider update gpt-mini --tier cheap --timeout 30"))
def provider_update(
    name: Name,
    model: Annotated[str | None, Model] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Base address; keys have to be given anew.")
    ] = None,
    tier: Tier = None,
    price_input: PriceInput = None,
    price_output: PriceOutput = None,
    timeout: Timeout = None,
    at_once: AtOnce = None,
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


@provider.command("disable", epilog=examples("conclave provider disable gpt-mini"))
def provider_disable(name: Name, json_output: Json = False) -> None:
    """Switch a provider off; its history stays."""
    from starter.commands.provider import disable_provider

    raise typer.Exit(disable_provider(name, json_output))


@provider.command("test", epilog=examples("conclave provider test gpt-mini"))
def provider_test(name: Name, json_output: Json = False) -> None:
    """Ask a provider for a sign of life, with a stored key."""
    from starter.commands.provider import test_provider

    raise typer.Exit(test_provider(name, json_output))


@quota.command("show", epilog=examples("conclave quota show"))
def quota_show(json_output: Json = False) -> None:
    """Show limits, and what of them is used."""
    from starter.commands.quota import show_quotas

    raise typer.Exit(show_quotas(json_output))


@quota.command(
    "set",
    epilog=examples(
        "conclave quota set local --daily 5 --monthly 100      # USD",
        "conclave quota set ada --daily-calls none",
    ),
)
def quota_set(
    user: Annotated[
        str,
        typer.Argument(metavar="USER", autocompletion=named("quota"), help="Whose limits; `local` on the local stack."),
    ],
    daily: Limit = None,
    monthly: Limit = None,
    daily_calls: Limit = None,
    monthly_calls: Limit = None,
    json_output: Json = False,
) -> None:
    """Set what a user may spend, in USD and in calls.

    Limits that are not named stay.
    """
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
    by: Annotated[
        str,
        typer.Option(
            metavar="WHAT", autocompletion=words("day", "provider", "expert"), help="day, provider or expert."
        ),
    ] = "day",
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="First UTC day, 2026-11-01; this month's if not given.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last UTC day; today if not given.")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="Whose; yours if not given (administrators).")
    ] = None,
    json_output: Json = False,
) -> None:
    """Show what models were asked, and what that cost."""
    from starter.commands.quota import show_usage

    raise typer.Exit(show_usage(by, since, until, user, json_output))


def health(json_output: Json = False) -> None:
    """Show how the model providers are.

    They are looked at every five minutes.
    """
    from starter.commands.health import show_health

    raise typer.Exit(show_health(json_output))


@alerts.command("list", epilog=examples("conclave alerts list --limit 5"))
def alerts_list(
    most: Annotated[int, typer.Option("--limit", "--most", min=1, max=100, help="The newest so many.")] = 20,
    json_output: Json = False,
) -> None:
    """List alerts, the newest first.

    Limits at 80, 90 and 100 %, changes of health, refused keys.
    """
    from starter.commands.health import list_alerts

    raise typer.Exit(list_alerts(most, json_output))


@alerts.command("acknowledge", epilog=examples("conclave alerts acknowledge 7be210"))
def alerts_acknowledge(
    alert_id: Annotated[
        str,
        typer.Argument(
            metavar="ALERT", autocompletion=named("alert"), help="Its id, as `conclave alerts list` shows it."
        ),
    ],
    json_output: Json = False,
) -> None:
    """Note that you have seen an alert; it is not sent again."""
    from starter.commands.health import acknowledge_alert

    raise typer.Exit(acknowledge_alert(alert_id, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for each, name in ((provider, "provider"), (key, "key"), (quota, "quota"), (alerts, "alerts")):
        app.add_typer(each, name=name, rich_help_panel=PROVIDERS)
    told = examples("conclave usage", "conclave usage --by provider --since 2026-11-01 --json")
    app.command("usage", epilog=told, rich_help_panel=PROVIDERS)(usage)
    app.command("health", epilog=examples("conclave health"), rich_help_panel=PROVIDERS)(health)
