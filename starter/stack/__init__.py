"""The local stack: the servers, the API and a worker on one machine, started, watched over and stopped.

`launcher.up` starts what is not running and is safe to call again; `launcher.down` stops what it started;
`launcher.status` and `doctor.doctor` look without changing anything. The same functions serve the command line and the
test fixtures. Data, logs and secrets live in one folder (`Settings.home`); everything listens on the loopback only.
"""
