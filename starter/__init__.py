"""The client side: HTTP API, command line, local stack."""
