"""Metrics and traces through OpenTelemetry, and the wrappers around other ports that feed them."""
