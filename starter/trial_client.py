"""Trials: the API as the command line sees it."""

from models.errors import InvalidInput
from models.trial import StopRequest, Trial, TrialPage, TrialRequest
from starter.client import Client
from starter.version_client import body, part


class TrialClient:
    """Calls of one service. Every method raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def start(self, request: TrialRequest) -> Trial:
        """Start a trial; asking again for the one that runs gives that."""
        return self._client.call(Trial, "POST", "/trials", body(request))

    def trials(self) -> tuple[Trial, ...]:
        """The newest trials, without what they show."""
        return self._client.call(TrialPage, "GET", "/trials").trials

    def trial(self, trial_id: str) -> Trial:
        """One trial with what it shows so far."""
        return self._client.call(Trial, "GET", f"/trials/{part(trial_id)}")

    def stop(self, trial_id: str, reason: str) -> Trial:
        path = f"/trials/{part(trial_id)}/stop"
        return self._client.call(Trial, "POST", path, body(StopRequest(reason=reason)))

    def newest(self) -> str:
        """Id of the newest trial: the running one, if there is one.

        Raises:
            InvalidInput: there is none.
        """
        found = self.trials()
        if not found:
            raise InvalidInput("trial_unknown", "There is no trial; `conclave trial start` starts one.", 404)
        return found[0].id
