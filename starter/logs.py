"""What processes write to their standard error: times, levels, codes and ids, never content."""

import logging
import time


def configure() -> None:
    """Own messages from INFO, libraries' from WARNING, in UTC."""
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("conclave").setLevel(logging.INFO)
