"""A gateway of another project before the same model provider, for comparison: LiteLLM's proxy, if it is installed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from bench_lambda import Broken, Cost, clean_environment, cpu_ms, peak_megabytes
from bench_openai import Client
from bench_world import MODEL

NAME = "litellm"
WHAT = "POST /v1/chat/completions of LiteLLM's proxy, not streamed, 20 tokens; it stores nothing"
_KEY = "sk-of-the-benchmark"
# It imports for many seconds on a busy machine.
_PATIENCE_SECONDS = 180


class Gateway:
    """The proxy in one process, without a database. It answers when the constructor returns."""

    def __init__(self, program: Path, provider: str, scratch: Path) -> None:
        config = scratch / "litellm.json"
        parameters = {
            "model": f"openai/{MODEL}",
            "api_base": provider,
            "api_key": "of-no-use",
        }
        # JSON is YAML too.
        config.write_text(
            json.dumps(
                {
                    "model_list": [
                        {"model_name": MODEL, "litellm_params": parameters},
                    ],
                    "general_settings": {"master_key": _KEY},
                    "litellm_settings": {"telemetry": False},
                }
            )
        )
        self._log = scratch / "litellm.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [
            str(program),
            *("--config", str(config)),
            *("--host", "127.0.0.1", "--port", str(port)),
        ]
        # The table of prices that it brings; it would look for a newer one first.
        environment = clean_environment() | {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HOME": str(scratch),
        }
        with self._log.open("wb") as output:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._address = f"127.0.0.1:{port}"
        self._client = self.client()
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        self.start = Cost(
            (time.perf_counter() - started) * 1e3, cpu_ms(self._process.pid)
        )

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._client.close()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def client(self) -> Client:
        return Client(self._address, _KEY)

    def ask(self) -> Cost:
        before = cpu_ms(self.pid)
        wall_ms = self._client.ask().whole_ms
        return Cost(wall_ms, cpu_ms(self.pid) - before)

    def peak_megabytes(self) -> float:
        return peak_megabytes(self._process.pid)

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self._client.get("/health/liveliness") == 200:
                    return
            except OSError:
                self._client.close()
            time.sleep(0.02)
        log = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
        raise Broken(f"{NAME} does not answer:\n{log}")
