"""What vLLM's flags mean to memory: one reader for each flag that matters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from modelcar_tui.core.text import clean
from modelcar_tui.vllm.arguments.values import tokens_in

_MAX_TOKENS = 2**31
_POOLING_TASKS = frozenset({"embed", "embedding", "classify", "score", "reward", "pooling"})
Found = dict[str, Any]
"""Fields of `EngineArgs` by name."""


def read_flag(found: Found, flag: str, value: str | dict[str, Any] | None) -> str:
    """Put what `flag` says into `found`; what does not touch memory is skipped.

    Args:
        value: as it is written; an object where it was put together from dotted keys.

    Returns:
        One sentence where vLLM's own parser would refuse the value, which is then left at its default.
    """
    reader = _FLAGS.get(flag)
    if reader is None or value in ("", "None"):  # where vLLM takes those at all, they mean the default
        return ""
    try:
        reader(found, json.dumps(value) if isinstance(value, dict) else value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        if value is None:
            return f"{flag} needs a value"
        return f"{flag} {clean(str(value), limit=60)!r} is not a value that vLLM accepts"
    return ""


def _integer(name: str, low: int = 1, high: int = _MAX_TOKENS) -> Callable[[Found, str | None], None]:
    def read(found: Found, value: str | None) -> None:
        automatic = (value or "").strip().lower() == "auto"
        number = -1 if automatic else tokens_in(value)
        if number is None or not low <= number <= high:
            raise ValueError(value)
        found[name] = number

    return read


def _reserved(found: Found, value: str | None) -> None:
    """0 is as good as none (v1/worker/gpu_worker.py determine_available_memory)."""
    _integer("kv_cache_memory_bytes", low=0, high=2**50)(found, value)
    found["kv_cache_memory_bytes"] = found["kv_cache_memory_bytes"] or None


def _number(name: str, high: float) -> Callable[[Found, str | None], None]:
    def read(found: Found, value: str | None) -> None:
        number = float(value or "")
        if not 0 <= number <= high:
            raise ValueError(value)
        found[name] = number

    return read


def _text(name: str) -> Callable[[Found, str | None], None]:
    def read(found: Found, value: str | None) -> None:
        if not value:
            raise ValueError(value)
        found[name] = clean(value, limit=200)

    return read


def _switch(name: str, *, means: object = True) -> Callable[[Found, str | None], None]:
    def read(found: Found, value: str | None) -> None:
        off = value is not None and value.strip().lower() in ("false", "0", "no")
        found[name] = (not means) if off else means

    return read


def _object(text: str | None) -> dict[str, Any]:
    value = json.loads(text or "")
    if not isinstance(value, dict):
        raise ValueError(text)
    return value


def _speculation(found: Found, value: str | None) -> None:
    config = _object(value)
    found["speculative"] = True
    tokens = config.get("num_speculative_tokens", 0)
    found["num_speculative_tokens"] = tokens if isinstance(tokens, int) and 0 <= tokens < 1000 else 0
    for key, name in (("model", "speculative_model"), ("method", "speculative_method")):
        if isinstance(config.get(key), str):
            found[name] = clean(config[key], limit=200)
    found["padded_drafts"] = config.get("disable_padded_drafter_batch") is not True


def _old_speculation(found: Found, value: str | None) -> None:
    found["speculative"] = True
    found["speculative_model"] = clean(value or "", limit=200)


def _compilation(found: Found, value: str | None) -> None:
    text = (value or "").strip()
    if text in ("0", "none"):
        found["enforce_eager"] = True
        return
    if text.isdigit():
        return
    config = _object(text)
    if config.get("level") == 0:  # -O0 before it was a level of its own
        found["enforce_eager"] = True
    level = config.get("level", config.get("mode"))
    if isinstance(level, int) and not isinstance(level, bool):
        found["compilation_level"] = level
    found["cudagraph_mode"] = str(config.get("cudagraph_mode") or "").upper()
    if found["cudagraph_mode"] == "NONE":
        found["enforce_eager"] = True
    sizes, most = config.get("cudagraph_capture_sizes"), config.get("max_cudagraph_capture_size")
    if isinstance(most, int) and not isinstance(most, bool) and 0 <= most < 10**6:
        found["max_capture_size"] = most
    if isinstance(sizes, list):
        _captured(found, sizes)


def _captured(found: Found, sizes: list[Any]) -> None:
    if sizes and all(isinstance(size, int) and 0 < size < 10**6 for size in sizes):
        found["max_capture_size"], found["capture_sizes"] = max(sizes), len(set(sizes))


def _sizes(found: Found, value: str | None) -> None:
    """`--cudagraph-capture-sizes` lists them; of `--cuda-graph-sizes` one alone is the largest."""
    told = re.findall(r"\d{1,6}", value or "")
    _captured(found, [int(size) for size in told])


def _old_sizes(found: Found, value: str | None) -> None:
    _sizes(found, value)
    if found.get("capture_sizes") == 1:
        del found["capture_sizes"]


def _backend(found: Found, value: str | None) -> None:
    found["attention_backend"] = clean((value or "").strip().upper(), limit=80)


def _transfer(found: Found, value: str | None) -> None:
    """A MultiConnector is what its children are (kv_connector/v1/multi_connector.py)."""
    config = _object(value)
    inner = config.get("kv_connector_extra_config")
    children = inner.get("connectors") if isinstance(inner, dict) else None
    parts = [part for part in children if isinstance(part, dict)] if isinstance(children, list) else []
    whole = parts if parts and config.get("kv_connector") == "MultiConnector" else [config]
    found["kv_connectors"] = tuple(clean(str(part.get("kv_connector")), limit=80) for part in whole)
    modules = (part.get("kv_connector_module_path") for part in whole)
    found["kv_connector_module"] = clean(str(next(filter(None, modules), "")), limit=200)


def _events(found: Found, value: str | None) -> None:
    _object(value)
    found["kv_events"] = True


def _overrides(found: Found, value: str | None) -> None:
    found["overrides"] = _object(value)


def _task(found: Found, value: str | None) -> None:
    found["pooling"] = (value or "").strip().lower() in _POOLING_TASKS


def _tower(found: Found, value: str | None) -> None:
    found["encoder_tp_data"] = (value or "").strip() == "data"


_FLAGS: dict[str, Callable[[Found, str | None], None]] = {
    "--tensor-parallel-size": _integer("tp", high=1024),
    "--pipeline-parallel-size": _integer("pp", high=1024),
    "--data-parallel-size": _integer("dp", high=4096),
    "--decode-context-parallel-size": _integer("dcp", high=1024),
    "--enable-expert-parallel": _switch("ep"),
    "--dtype": _text("dtype"),
    "--logprobs-mode": _text("logprobs_mode"),
    "--quantization": _text("quantization"),
    "--kv-transfer-config": _transfer,
    "--kv-offloading-size": _number("kv_offloading_gib", 2.0**20),
    "--kv-offloading-backend": _text("kv_offloading_backend"),
    "--kv-events-config": _events,
    "--async-scheduling": _switch("async_scheduling"),
    "--distributed-executor-backend": _text("executor"),
    "--kv-cache-dtype": _text("kv_cache_dtype"),
    "--max-model-len": _integer("max_model_len", low=-1),
    "--gpu-memory-utilization": _number("gpu_memory_utilization", 1.0),
    "--kv-cache-memory-bytes": _reserved,
    "--num-gpu-blocks-override": _integer("num_gpu_blocks_override"),
    "--block-size": _integer("block_size", high=65536),
    "--max-num-seqs": _integer("max_num_seqs"),
    "--max-num-batched-tokens": _integer("max_num_batched_tokens"),
    "--enforce-eager": _switch("enforce_eager"),
    "--max-cudagraph-capture-size": _integer("max_capture_size", low=0, high=10**6),
    "--cudagraph-capture-sizes": _sizes,
    "--cuda-graph-sizes": _old_sizes,
    "--attention-backend": _backend,
    "--moe-backend": _text("moe_backend"),
    "--enable-chunked-prefill": _switch("chunked_prefill"),
    "--enable-prefix-caching": _switch("prefix_caching"),
    "--disable-hybrid-kv-cache-manager": _switch("hybrid_kv_manager", means=False),
    "--mamba-cache-mode": _text("mamba_cache_mode"),
    "--mamba-cache-dtype": _text("mamba_dtype"),
    "--mamba-ssm-cache-dtype": _text("mamba_ssm_dtype"),
    "--enable-lora": _switch("enable_lora"),
    "--max-loras": _integer("max_loras", high=4096),
    "--max-lora-rank": _integer("max_lora_rank", high=4096),
    "--fully-sharded-loras": _switch("fully_sharded_loras"),
    "--speculative-config": _speculation,
    "--speculative-model": _old_speculation,
    "--spec-model": _old_speculation,
    "--num-speculative-tokens": _integer("num_speculative_tokens", high=1000),
    "--spec-tokens": _integer("num_speculative_tokens", high=1000),
    "--cpu-offload-gb": _number("cpu_offload_gib", 2.0**20),
    "--compilation-config": _compilation,
    "--optimization-level": _compilation,
    "-O": _compilation,
    "--task": _task,
    "--runner": _task,
    "--language-model-only": _switch("language_model_only"),
    "--skip-mm-profiling": _switch("skip_mm_profiling"),
    "--mm-encoder-tp-mode": _tower,
    "--disable-chunked-mm-input": _switch("whole_items"),
    "--hf-overrides": _overrides,
}
MEANT = frozenset(_FLAGS)
"""The flags that touch memory."""
