"""What the routes work with."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from starter.access_services import AccessServices
from starter.composition import Services


@dataclass(frozen=True, slots=True)
class ApiState:
    """What is there while the process lives."""

    services: Services
    access: AccessServices


def state_of(request: Request) -> ApiState:
    """The state that the application was made with."""
    return cast(ApiState, request.app.state.conclave)


State = Annotated[ApiState, Depends(state_of)]
