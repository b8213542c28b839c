"""Adapters that carry messages to people."""
