"""What a server is told beside memory, as far as it may keep it from starting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelcar_tui.manifest import is_secret_flag
from modelcar_tui.vllm.arguments.meanings import MEANT

_READ_IN_PART = frozenset(
    {
        "--compilation-config",
        "--optimization-level",
        "-O",
        "--speculative-config",
        "--kv-transfer-config",
        "--kv-events-config",
        "--mm-processor-kwargs",
        "--limit-mm-per-prompt",
    }
)
"""Objects of which `EngineArgs` holds only what the estimate counts."""
_OF_NO_ACCOUNT = frozenset(
    {
        "--model",
        "--served-model-name",
        "--host",
        "--port",
        "--uds",
        "--root-path",
        "--uvicorn-log-level",
        "--disable-uvicorn-access-log",
        "--disable-access-log-for-endpoints",
        "--disable-log-requests",
        "--enable-log-requests",
        "--disable-log-stats",
        "--enable-log-outputs",
        "--enable-log-deltas",
        "--log-error-stack",
        "--log-config-file",
        "--max-log-len",
        "--enable-request-id-headers",
        "--enable-server-load-tracking",
        "--enable-prompt-tokens-details",
        "--disable-fastapi-docs",
        "--allow-credentials",
        "--allowed-headers",
        "--allowed-methods",
        "--allowed-origins",
        "--otlp-traces-endpoint",
        "--collect-detailed-traces",
        "--show-hidden-metrics-for-version",
        "--return-tokens-as-token-ids",
        "--h11-max-header-count",
        "--h11-max-incomplete-event-size",
        "--seed",
    }
)
"""What it is called by, listens on, logs and answers with (vllm entrypoints/openai/cli_args.py)."""


def is_of_account(flag: str) -> bool:
    """Whether a flag may decide how a server starts: no name, no port, no secret, nothing of its log."""
    return flag not in _OF_NO_ACCOUNT and not flag.startswith("--ssl-") and not is_secret_flag(flag)


def beside(told: Mapping[str, str | dict[str, Any] | None]) -> tuple[tuple[str, str], ...]:
    """By full names, sorted, of what counts (`engine_args.given`); an object as canonical JSON."""
    return tuple(
        sorted(
            (flag, _text(value))
            for flag, value in told.items()
            if flag.startswith("-") and (flag not in MEANT or flag in _READ_IN_PART) and is_of_account(flag)
        )
    )


def _text(value: str | dict[str, Any] | None) -> str:
    if value is None:
        return ""
    try:
        found = json.loads(value) if isinstance(value, str) else value
        return json.dumps(found, sort_keys=True) if isinstance(found, dict) else str(value)
    except (ValueError, RecursionError):
        return str(value)
