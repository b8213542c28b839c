"""Refusals of promotions, rollbacks and releases: what they say."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from activities.experiment_ports import ChangeRefused
from models.errors import Problem
from models.promotion_rules import Refusal
from starter.api.problems import answer

SOMEBODY_ELSE = "somebody else with the role approver has to do it"
ASK_AGAIN = "Ask for a promotion again, so that people approve what is there now."

FORBIDDEN: dict[Refusal, str] = {
    Refusal.OWN_EXPERIMENT: f"You made the experiment: {SOMEBODY_ELSE}.",
    Refusal.OWN_REQUEST: f"You asked for the promotion: {SOMEBODY_ELSE}.",
    Refusal.NOT_YOURS: "Only who asked for a promotion, the experiment's author or an administrator takes it back.",
    Refusal.OWN_CONFIG: f"You made or tried this configuration: {SOMEBODY_ELSE}.",
    Refusal.OWN_QUARANTINE: f"You quarantined this configuration: {SOMEBODY_ELSE}.",
}
"""What this caller may not do: 403."""

CONFLICTS: dict[Refusal, str] = {
    Refusal.NOT_PASSED: "The experiment did not pass its gate; only one that did is promoted.",
    Refusal.GATE_FAILED: "Held against the present stable version it does not pass its gate; run the experiment again.",
    Refusal.OVERRIDDEN: "A person's verdict on the experiment is `fail`; only another verdict changes that.",
    Refusal.CONFIG_QUARANTINED: "The configuration is quarantined; `conclave blacklist` says why.",
    Refusal.ALREADY_STABLE: "This configuration is the stable one already.",
    Refusal.ALREADY_ASKED: "A promotion of this experiment waits already; see `conclave promotions`.",
    Refusal.STABLE_CHANGED: f"Another version has become the stable one meanwhile. {ASK_AGAIN}",
    Refusal.REPORT_CHANGED: f"The experiment was evaluated anew meanwhile. {ASK_AGAIN}",
    Refusal.CONFIG_CHANGED: "The stored configuration is not the one that was measured; run the experiment again.",
    Refusal.DATASET_CHANGED: "The dataset is not the one that was measured on; run the experiment again.",
    Refusal.POLICY_CHANGED: "The gate's policy has changed since the experiment began; run the experiment again.",
    Refusal.DECIDED: "The promotion is decided, or was taken back.",
    Refusal.EXPIRED: "The promotion has expired; ask for it again.",
    Refusal.EVIDENCE_CHANGED: "What you approve is not what is asked: look at the promotion again.",
    Refusal.ALREADY_VOTED: "Your approval is stored already; it counts once.",
    Refusal.NO_PREVIOUS: "There is no version to go back to.",
    Refusal.PREVIOUS_QUARANTINED: "The version before this one is quarantined; it must be released first.",
    Refusal.NOT_QUARANTINED: "The configuration is not quarantined, or was released already.",
}
"""What nobody may do as things stand: 409."""


def install(app: FastAPI) -> None:
    """Give every refusal the envelope."""

    @app.exception_handler(ChangeRefused)
    async def refused(_request: Request, error: ChangeRefused) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        refusal = error.refusal
        if refusal in FORBIDDEN:
            return answer(403, Problem(code=refusal, message=FORBIDDEN[refusal]))
        return answer(409, Problem(code=refusal, message=CONFLICTS[refusal]))
