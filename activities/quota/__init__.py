"""Quotas: counters in Redis before the ledger in Postgres."""
