"""The command line of promotions, versions and the blacklist: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.options import Json

Reason = Annotated[str, typer.Option(help="Why: one line, kept on the audit chain.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="IDENTITY", help="`second`: as the local stack's second identity, an approver."),
]
PromotionId = Annotated[str, typer.Argument(metavar="PROMOTION", help="Its id, as `conclave promotions` shows it.")]
ExperimentId = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Its id.")]

blacklist = typer.Typer(help="Quarantined configurations: list, release.", invoke_without_command=True)

PROMOTE_HELP = """Ask for an experiment's configuration to become the stable one.

It waits for approvers, none of whom made the experiment or asks here, and expires when nobody decides.

\b
Example, on the local stack:
  conclave promote EXPERIMENT --reason "finds more, costs the same"
  conclave approve PROMOTION --as second
"""


def promote(experiment: ExperimentId, reason: Reason, json_output: Json = False) -> None:
    """`conclave promote`; its help is `PROMOTE_HELP`."""
    from starter.commands import promotion

    raise typer.Exit(promotion.promote(experiment, reason, json_output))


def approve(
    promotion_id: PromotionId,
    reason: Annotated[str | None, typer.Option(help="Why, if there is more to say.")] = None,
    who: As = None,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Show the evidence of a promotion and approve exactly that."""
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
    promotion_id: Annotated[str | None, typer.Argument(metavar="[PROMOTION]", help="One of them, whole.")] = None,
    json_output: Json = False,
) -> None:
    """Promotions, newest first."""
    from starter.commands import promotion

    raise typer.Exit(promotion.promotions(promotion_id, json_output))


def versions(json_output: Json = False) -> None:
    """Configurations that are, or were, in production."""
    from starter.commands import version

    raise typer.Exit(version.list_versions(json_output))


def rollback(reason: Reason, yes: Yes = False, json_output: Json = False) -> None:
    """Make the version before the stable one stable again, at once."""
    from starter.commands import version

    raise typer.Exit(version.roll_back(reason, yes, json_output))


def quarantine(experiment: ExperimentId, reason: Reason, json_output: Json = False) -> None:
    """Put an experiment's configuration on the blacklist: it is neither tried nor used."""
    from starter.commands import version

    raise typer.Exit(version.quarantine(experiment, reason, json_output))


@blacklist.callback()
def blacklist_all(context: typer.Context, json_output: Json = False) -> None:
    """Quarantined configurations: list, release."""
    from starter.commands import version

    if context.invoked_subcommand is None:
        raise typer.Exit(version.list_blacklist(json_output))


@blacklist.command("list")
def blacklist_list(json_output: Json = False) -> None:
    """Quarantined configurations, and those that were released."""
    from starter.commands import version

    raise typer.Exit(version.list_blacklist(json_output))


@blacklist.command("release")
def blacklist_release(
    config_hash: Annotated[str, typer.Argument(metavar="HASH", help="Of the configuration: cfg:v1:sha256:...")],
    reason: Reason,
    who: As = None,
    json_output: Json = False,
) -> None:
    """Let a configuration be tried and used again: by an approver who neither made nor quarantined it."""
    from starter.commands import version

    raise typer.Exit(version.release(config_hash, reason, who, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("promote", help=PROMOTE_HELP)(promote)
    for command in (approve, reject, withdraw, promotions, versions, rollback, quarantine):
        app.command(command.__name__)(command)
    app.add_typer(blacklist, name="blacklist")
