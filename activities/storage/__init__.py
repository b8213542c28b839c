"""Postgres through SQLAlchemy and asyncpg."""
