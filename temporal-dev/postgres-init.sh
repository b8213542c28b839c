#!/bin/sh
# Run once by the Postgres image on an empty volume. Passwords go by environment and standard input, never by argument.
set -eu

psql --quiet --set ON_ERROR_STOP=1 --username postgres <<'SQL'
\getenv temporal_password TEMPORAL_DB_PASSWORD
\getenv conclave_password CONCLAVE_DB_PASSWORD
\getenv owner_password CONCLAVE_DB_OWNER_PASSWORD
-- Temporal's schema tool makes its two databases itself.
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal_password';
-- `conclave` owns the tables and runs migrations; `conclave_app` works with them and owns nothing, so that whoever
-- takes over the API or a worker cannot change what is on the audit chain.
CREATE ROLE conclave LOGIN PASSWORD :'owner_password';
CREATE ROLE conclave_app LOGIN PASSWORD :'conclave_password';
CREATE DATABASE conclave OWNER conclave;
SQL
