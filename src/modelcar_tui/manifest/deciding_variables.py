"""Variables of vLLM's that may decide how it starts."""

from __future__ import annotations

from collections.abc import Iterable

from modelcar_tui.manifest.types import LONG_CONTEXT

_PREFIX = "VLLM_"
_OF_NO_ACCOUNT = frozenset(
    {
        LONG_CONTEXT,  # a field of its own: `long_context`
        "VLLM_API_KEY",
        "VLLM_ASSETS_CACHE",
        "VLLM_CACHE_ROOT",
        "VLLM_CONFIG_ROOT",
        "VLLM_CONFIGURE_LOGGING",
        "VLLM_DO_NOT_TRACK",
        "VLLM_ENGINE_READY_TIMEOUT_S",
        "VLLM_HOST_IP",
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE",
        "VLLM_LOG_STATS_INTERVAL",
        "VLLM_NO_USAGE_STATS",
        "VLLM_PORT",
        "VLLM_RPC_BASE_PATH",
        "VLLM_RPC_TIMEOUT",
        "VLLM_RUNTIME_IMAGE",
        "VLLM_USAGE_SOURCE",
        "VLLM_USAGE_STATS_SERVER",
    }
)
"""What it is called by, listens on, writes and waits for (vllm envs.py)."""


def engine_variables(environment: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of an environment, each once, sorted; not `VLLM_ALLOW_LONG_MAX_MODEL_LEN`, which has a field of
    its own."""
    told = dict(environment)
    return tuple(
        (name, told[name])
        for name in sorted(told)
        if name.startswith(_PREFIX)
        and name not in _OF_NO_ACCOUNT
        and not name.startswith(("VLLM_LOGGING_", "VLLM_DEBUG_"))
    )
