"""How long each activity may take and how it is retried, with the reason."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig

# Analysers bound their own time (two minutes of wall clock each, several per expert, waiting for a free processor), so
# a quarter of an hour is a hang. A worker that dies is missed after five seconds without a heartbeat; three failures of
# living workers are a defect that a fourth try will not cure, while dead workers may be many (deploys, kills).
ANALYSE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=15),
    schedule_to_close_timeout=timedelta(minutes=45),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=1.5, maximum_interval=timedelta(seconds=5)
    ),
)

# One question to one model. The workflow decides about asking again, so that each attempt is seen and counted;
# Temporal only repeats what a dead worker left undone, and must not take a busy one for dead: that would pay twice.
CONSULT = ActivityConfig(
    # The longest deadline that a provider may have, and what comes before and after.
    start_to_close_timeout=timedelta(minutes=12),
    schedule_to_close_timeout=timedelta(minutes=40),
    heartbeat_timeout=timedelta(seconds=12),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
)

# Reading and writing our own store: quick, and worth repeating for as long as a database may be down. A worker that
# dies meanwhile is missed after ten seconds.
STORE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)),
)

# A pass over all open reservations: a page of queries each, usually a second. It beats with every entry; a tick that
# does not come through is dropped, because the next one does the same.
SWEEP = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=10),
    schedule_to_close_timeout=timedelta(minutes=20),
    heartbeat_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30), maximum_attempts=5
    ),
)

# One page of keys wrapped anew, or one question to the key service. A sealed key service is opened by people, who may
# sleep; what was done until then stays done.
REWRAP = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=20),
    schedule_to_close_timeout=timedelta(hours=24),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(minutes=1)),
)

# A probe that takes ten seconds has failed, and up to three keys may be tried; the next tick comes in five minutes, so
# a check that does not come through by then is left to it.
PROBE = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=60),
    schedule_to_close_timeout=timedelta(minutes=4),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10), maximum_attempts=3
    ),
)

# A tick of the delivery: each alert may wait twenty seconds for a silent target. What it leaves, the next tick sends.
DELIVER = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=45),
    schedule_to_close_timeout=timedelta(minutes=50),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30), maximum_attempts=5
    ),
)

# The static analysis of a batch of samples: each analyser bounds its own time, a batch runs dozens of them.
PREPARE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=45),
    schedule_to_close_timeout=timedelta(hours=3),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
)

# As STORE, but an experiment of hours is not given up because a database is down for one.
EXPERIMENT_STORE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5),
    schedule_to_close_timeout=timedelta(days=7),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)),
)

# Thousands of results are read, matched and resampled, and a model may be asked for its word.
EVALUATE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=20),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
)

# The policy engine may be starting anew; one that stays away fails the experiment, which can be evaluated again.
GATE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=20)),
)

# A look at a promotion: it has days, and must not be lost to a database that is down for some of them.
PROMOTE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=2),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(minutes=1)),
)

# Usually a hundred entries; a first look at a long chain takes minutes, and beats meanwhile. A sealed key service
# leaves the tick to the next one.
VOUCH = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=20),
    schedule_to_close_timeout=timedelta(minutes=25),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)),
)


# A tick of the monitor: hundreds of pairs of reports are read and compared. What it leaves, the next tick does.
MONITOR = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5),
    schedule_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30), maximum_attempts=5
    ),
)


def described(config: ActivityConfig, summary: str, task_queue: str | None = None) -> ActivityConfig:
    """The same options with the line that the Temporal UI shows for this call, and where it runs."""
    options: ActivityConfig = {**config, "summary": summary}
    if task_queue is not None:
        options["task_queue"] = task_queue
    return options
