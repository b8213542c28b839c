"""Models over HTTP: one bounded, pinned request at a time, one file per protocol."""
