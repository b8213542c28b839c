"""How commands end: the same numbers everywhere."""

DONE = 0
FOUND = 1
"""The answer is no: findings at or above `--fail-on`, a gate that fails, a chain that is not intact."""
USAGE = 2
"""Bad usage or input; the line on standard error says what to change."""
INCOMPLETE = 3
"""The work could not be finished, or decides nothing."""
UNREACHABLE = 4
"""A service is not there."""
INTERRUPTED = 130
"""Ctrl-C; what was started in the service goes on."""
PIPE_CLOSED = 141
"""Whoever read the output went away: as a program that is killed by SIGPIPE."""
