"""Source intake: what a client collects and sends, and what the service accepts."""
