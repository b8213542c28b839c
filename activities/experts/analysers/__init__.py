"""Adapters, one per analyser: what it is told, what it may say, and what that means in our words."""
