"""The command line of promotions, versions and the blacklist: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.command_tree import PROMOTION, Commands, examples
from starter.completion import named
from starter.options import As, Experiment, Json, Reason, Yes

PROMOTIONS = named("promotion")
PromotionId = Annotated[
    str,
    typer.Argument(metavar="PROMOTION", autocompletion=PROMOTIONS, help="Its id, as `conclave promotions` shows it."),
]

blacklist = typer.Typer(
    cls=Commands,
    help="Quarantined configurations: list, release.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

PROMOTE_HELP = """Ask for a configuration to become the stable one.

It is an experiment's. It waits for approvers, none of whom made the experiment or asks here, and expires when nobody
decides.

Exit codes with --wait: 0 promoted, 1 not promoted, 130 interrupted.
"""
APPROVE_HELP = """Show the evidence of a promotion and approve exactly that."""
ROLLBACK_HELP = """Go back to the version before the stable one, at once."""


def promote(
    experiment: Experiment,
    reason: Reason,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is decided.")] = False,
    json_output: Json = False,
) -> None:
    """`conclave promote`; its help is `PROMOTE_HELP`."""
    from starter.commands import promotion

    raise typer.Exit(promotion.promote(experiment, reason, wait, json_output))


def approve(
    promotion_id: PromotionId,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, if there is more to say.")] = None,
    who: As = None,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """`conclave approve`; its help is `APPROVE_HELP`."""
    from starter.commands import promotion

    raise typer.Exit(promotion.approve(promotion_id, reason, who, yes, json_output))


def reject(promotion_id: PromotionId, reason: Reason, who: As = None, json_output: Json = False) -> None:
    """Reject a promotion; one approver's word ends it."""
    from starter.commands import promotion

    raise typer.Exit(promotion.reject(promotion_id, reason, who, json_output))


def withdraw(promotion_id: PromotionId, json_output: Json = False) -> None:
    """Take back a promotion that you asked for."""
    from starter.commands import promotion

    raise typer.Exit(promotion.withdraw(promotion_id, json_output))


def promotions(
    promotion_id: Annotated[
        str | None, typer.Argument(metavar="PROMOTION", autocompletion=PROMOTIONS, help="One of them, whole.")
    ] = None,
    json_output: Json = False,
) -> None:
    """List promotions, the newest first, or show one."""
    from starter.commands import promotion

    raise typer.Exit(promotion.promotions(promotion_id, json_output))


def versions(json_output: Json = False) -> None:
    """List configurations that are, or were, in production."""
    from starter.commands import version

    raise typer.Exit(version.list_versions(json_output))


def rollback(reason: Reason, yes: Yes = False, json_output: Json = False) -> None:
    """`conclave rollback`; its help is `ROLLBACK_HELP`."""
    from starter.commands import version

    raise typer.Exit(version.roll_back(reason, yes, json_output))


def quarantine(experiment: Experiment, reason: Reason, json_output: Json = False) -> None:
    """Put a configuration on the blacklist: neither tried nor used."""
    from starter.commands import version

    raise typer.Exit(version.quarantine(experiment, reason, json_output))


@blacklist.callback()
def blacklist_all(context: typer.Context, json_output: Json = False) -> None:
    """Quarantined configurations: list, release."""
    from starter.commands import version

    if context.invoked_subcommand is None:
        raise typer.Exit(version.list_blacklist(json_output))


@blacklist.command("list", epilog=examples("conclave blacklist list"))
def blacklist_list(json_output: Json = False) -> None:
    """List quarantined configurations, and those that were."""
    from starter.commands import version

    raise typer.Exit(version.list_blacklist(json_output))


@blacklist.command(
    "release", epilog=examples('conclave blacklist release 41c0ffee --reason "a wrong rule" --as second')
)
def blacklist_release(
    config_hash: Annotated[
        str,
        typer.Argument(
            metavar="HASH",
            autocompletion=named("blacklist"),
            help="Of the configuration: cfg:v1:sha256:..., or as many digits as name one.",
        ),
    ],
    reason: Reason,
    who: As = None,
    json_output: Json = False,
) -> None:
    """Let a configuration be tried and used again.

    By an approver who neither made nor quarantined it.
    """
    from starter.commands import version

    raise typer.Exit(version.release(config_hash, reason, who, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    asking = examples(
        'conclave promote EXPERIMENT --reason "finds more, costs the same"',
        'conclave promote 6f1c22 --reason "finds more" --wait',
    )
    approving = examples(
        "conclave approve PROMOTION --as second  # on the local stack",
        'conclave approve 90ab4e --yes --reason "read the report"',
    )
    rolling = examples('conclave rollback --reason "misses injections" --yes')
    app.command("promote", help=PROMOTE_HELP, epilog=asking, rich_help_panel=PROMOTION)(promote)
    app.command("approve", help=APPROVE_HELP, epilog=approving, rich_help_panel=PROMOTION)(approve)
    for command, told in (
        (reject, 'conclave reject 90ab4e --reason "too few samples" --as second'),
        (withdraw, "conclave withdraw 90ab4e"),
        (promotions, "conclave promotions"),
        (versions, "conclave versions"),
    ):
        app.command(command.__name__, epilog=examples(told), rich_help_panel=PROMOTION)(command)
    app.command("rollback", help=ROLLBACK_HELP, epilog=rolling, rich_help_panel=PROMOTION)(rollback)
    told = examples('conclave quarantine 6f1c22 --reason "leaks code into findings"')
    app.command("quarantine", epilog=told, rich_help_panel=PROMOTION)(quarantine)
    app.add_typer(blacklist, name="blacklist", rich_help_panel=PROMOTION)
