"""Another open gateway for models, in an environment of its own: Conclave neither has nor imports it."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from platformdirs import user_cache_path

from starter.stack.ports import assign

PACKAGE = "litellm[proxy]==1.108.7"
"""Its proxy is the most used gateway in Python. The version is fixed, so that figures can be compared."""
INSTALL_SECONDS, START_SECONDS = 600.0, 120.0


class GatewayMissing(Exception):
    """It could not be installed or started; says why."""


def installed() -> Path:
    """The gateway's program; installed at the first use into a cache folder.

    Raises:
        GatewayMissing: it could not be installed.
    """
    folder = user_cache_path("conclave-benchmarks") / PACKAGE.replace("[proxy]==", "-")
    program = folder / "bin" / "litellm"
    done = folder / "installed"
    if done.exists():
        return program
    make = ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)]
    fill = ["uv", "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), PACKAGE]
    try:
        for argv in (make, fill):
            subprocess.run(argv, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        raise GatewayMissing(f"{PACKAGE} cannot be installed: {error.stderr.strip()[-300:]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GatewayMissing(f"{PACKAGE} cannot be installed: {error}") from None
    done.touch()
    return program


@contextmanager
def gateway(provider_url: str, model: str) -> Generator[tuple[str, str], None, None]:
    """One worker process of the gateway before a provider: neither database nor cache nor log of calls.

    Yields:
        Its address for OpenAI's protocol, and the key that it takes.

    Raises:
        GatewayMissing: it cannot be installed, or does not come into service.
    """
    program, key = installed(), f"sk-{secrets.token_hex(16)}"
    port = assign({"gateway": 4000}, {}, set(), scatter=True)["gateway"]
    with TemporaryDirectory(prefix="conclave-gateway-") as folder:
        config = Path(folder, "config.yaml")
        config.write_text(
            "model_list:\n"
            f"  - model_name: {model}\n"
            f"    litellm_params: {{model: openai/{model}, api_base: {provider_url}/v1, api_key: sk-loopback}}\n"
            f"general_settings: {{master_key: {key}}}\n",
            encoding="utf-8",
        )
        argv = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        argv += ["--num_workers", "1", "--telemetry", "False"]
        quiet = {
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "DISABLE_ADMIN_UI": "True",
        }
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("LITELLM", "CONCLAVE"))}
        with subprocess.Popen(
            argv, env=plain | quiet, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                _await_service(f"http://127.0.0.1:{port}", process)
                yield f"http://127.0.0.1:{port}/v1", key
            finally:
                process.terminate()


def _await_service(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/health/liveliness", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise GatewayMissing("the gateway does not come into service")
