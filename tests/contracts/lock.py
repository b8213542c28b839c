"""Write down what is said on the wires: `uv run python -m tests.contracts.lock`.

Additions are written; what breaks stored payloads or clients is refused, each with a line. `--break` writes it all the
same: for what nobody has used yet, with the reason in the commit's message.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.contracts.collect import collected
from tests.contracts.compare import breaks

LOCKED = Path(__file__).parent / "locked"


def read() -> dict[str, Any]:
    """What is locked, by noun."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(LOCKED.glob("*.json"))}


def write(contract: dict[str, Any]) -> None:
    """One file for each noun, and no other."""
    for path in LOCKED.glob("*.json"):
        if path.stem not in contract:
            path.unlink()
    for noun, file in contract.items():
        (LOCKED / f"{noun}.json").write_text(json.dumps(file, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Extend the lock; 1 when that would break something."""
    parser = argparse.ArgumentParser(prog="python -m tests.contracts.lock")
    parser.add_argument("--break", dest="breaking", action="store_true", help="write what breaks something, too")
    allowed = parser.parse_args(arguments).breaking
    now = collected()
    found = breaks(read(), now)
    for line in found:
        print(line, file=sys.stderr)
    if found and not allowed:
        print("Nothing was written; --break writes it all the same.", file=sys.stderr)
        return 1
    write(now)
    print(f"{len(now)} nouns")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
