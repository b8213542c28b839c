"""Why the local stack could not do what was asked. Messages say the way out and carry no secret."""


class StackError(Exception):
    """The local stack cannot do what was asked."""


class PartFailed(StackError):
    """A part ended, or did not come into service, while it was being started.

    Attributes:
        part: name of the part.
    """

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


class SecretExposed(StackError):
    """A file with a secret can be read by other users of the machine."""


class StackBusy(StackError):
    """Another process is starting or stopping this stack and does not finish."""


class NotReady(Exception):
    """A part does not answer as it should yet; asking again may help. The text says what was missing."""
