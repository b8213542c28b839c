#!/bin/sh
# Run once by the Postgres image on an empty volume. Passwords go by environment and standard input, never by argument.
set -eu

psql --quiet --set ON_ERROR_STOP=1 --username postgres <<'SQL'
\getenv temporal_password TEMPORAL_DB_PASSWORD
\getenv conclave_password CONCLAVE_DB_PASSWORD
-- Temporal's schema tool makes its two databases itself.
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal_password';
CREATE ROLE conclave LOGIN PASSWORD :'conclave_password';
CREATE DATABASE conclave OWNER conclave;
SQL
