"""The HTTP API: thin routes over the stores and Temporal."""
