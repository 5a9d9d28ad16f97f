"""A manifest's vLLM arguments, read for what they mean to memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from modelcar_tui.core.text import clean

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(i?)[bB]?\s*$")
_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SHORT = {
    "-tp": "--tensor-parallel-size",
    "-pp": "--pipeline-parallel-size",
    "-dp": "--data-parallel-size",
    "-dcp": "--decode-context-parallel-size",
    "-q": "--quantization",
    "-ep": "--enable-expert-parallel",
    "-sc": "--speculative-config",
}
_MAX_TOKENS = 2**31
_POOLING_TASKS = frozenset({"embed", "embedding", "classify", "score", "reward", "pooling"})


class EngineArgs(msgspec.Struct, frozen=True, kw_only=True):
    """The vLLM arguments that decide about memory; None means the version's default."""

    tp: int = 1
    pp: int = 1
    dp: int = 1
    dcp: int = 1
    ep: bool = False
    dtype: str = "auto"
    quantization: str | None = None
    kv_cache_dtype: str = "auto"
    max_model_len: int | None = None
    """-1 is `auto`: the longest context that fits."""
    gpu_memory_utilization: float | None = None
    kv_cache_memory_bytes: int | None = None
    num_gpu_blocks_override: int | None = None
    block_size: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    enforce_eager: bool = False
    max_capture_size: int | None = None
    chunked_prefill: bool | None = None
    prefix_caching: bool | None = None
    hybrid_kv_manager: bool = True
    mamba_cache_mode: str = "none"
    mamba_ssm_dtype: str = "auto"
    enable_lora: bool = False
    max_loras: int = 1
    max_lora_rank: int = 16
    fully_sharded_loras: bool = False
    speculative: bool = False
    num_speculative_tokens: int = 0
    speculative_model: str | None = None
    speculative_method: str | None = None
    cpu_offload_gib: float = 0.0
    pooling: bool = False
    """`--runner pooling`, `--task embed` and the like: no sampler."""
    language_model_only: bool = False
    skip_mm_profiling: bool = False
    encoder_tp_data: bool = False
    """`--mm-encoder-tp-mode data`: the vision tower is whole on every GPU."""
    overrides: dict[str, Any] | None = None
    """`--hf-overrides`."""
    long_context_allowed: bool = False
    """The environment sets VLLM_ALLOW_LONG_MAX_MODEL_LEN."""
    torch_sampler: bool = False
    """The build is known to sample without FlashInfer."""
    problems: tuple[str, ...] = ()
    """Values that vLLM's parser would refuse, one sentence each."""


def parse_args(args: tuple[str, ...], gpu_count: int | None, *, vllm: str | None = None) -> EngineArgs:
    """The arguments of one manifest item as `EngineArgs`.

    `--flag=value`, `--flag value` and an item that holds both are read; what does not touch memory is
    skipped. As in the QA suite, `gpu_count` wins over `--tensor-parallel-size`. Values that vLLM's own
    parser would refuse are named in `problems` and left at their default.
    """
    del vllm  # the flags that matter here mean the same in every release that has them
    found: dict[str, Any] = {}
    problems: list[str] = []
    for flag, value in _pairs(args):
        reader = _FLAGS.get(flag)
        if reader is None:
            continue
        try:
            reader(found, value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            problems.append(f"{flag} {clean(str(value), limit=60)!r} is not a value that vLLM accepts")
    if found.get("num_speculative_tokens"):
        found["speculative"] = True
    if gpu_count is not None and gpu_count > 0:
        found["tp"] = gpu_count
    return EngineArgs(**found, problems=tuple(problems))


def _pairs(args: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    items = [part for arg in args for part in _split(str(arg))]
    at = 0
    while at < len(items):
        item = items[at]
        at += 1
        if not item.startswith("-") or item == "-":
            continue
        flag, equals, value = item.partition("=")
        flag = _SHORT.get(flag, flag.replace("_", "-"))
        if equals:
            yield flag, value
        elif at < len(items) and not _is_flag(items[at]):
            yield flag, items[at]
            at += 1
        else:
            yield flag, None


def _split(item: str) -> list[str]:
    """One item; `--flag value` in one string counts as two."""
    item = item.strip()
    if item.startswith("-") and "=" not in item.split(" ", 1)[0] and " " in item:
        flag, value = item.split(" ", 1)
        return [flag, value.strip()]
    return [item]


def _is_flag(text: str) -> bool:
    return text.startswith("-") and not re.fullmatch(r"-\d+(\.\d+)?", text)


def human_int(text: str) -> int:
    """`8192`, `8k` (8000), `8K` (8192), `1.5M`: as vLLM reads lengths.

    Raises:
        ValueError: not such a number.
    """
    if text.strip() in ("-1", "auto"):
        return -1
    match = _SIZE.match(text)
    if not match:
        raise ValueError(text)
    number, unit, binary = match.groups()
    factor = _BINARY[unit.upper()] if unit.isupper() or binary else _DECIMAL[unit]
    value = float(number) * factor
    if not value.is_integer() or value > 2**50:
        raise ValueError(text)
    return int(value)


def _integer(
    name: str, low: int = 1, high: int = _MAX_TOKENS
) -> Callable[[dict[str, Any], str | None], None]:
    def read(found: dict[str, Any], value: str | None) -> None:
        number = human_int(value or "")
        if not low <= number <= high:
            raise ValueError(value)
        found[name] = number

    return read


def _number(name: str, high: float) -> Callable[[dict[str, Any], str | None], None]:
    def read(found: dict[str, Any], value: str | None) -> None:
        number = float(value or "")
        if not 0 <= number <= high:
            raise ValueError(value)
        found[name] = number

    return read


def _text(name: str) -> Callable[[dict[str, Any], str | None], None]:
    def read(found: dict[str, Any], value: str | None) -> None:
        if not value:
            raise ValueError(value)
        found[name] = clean(value, limit=200)

    return read


def _switch(name: str, *, means: object = True) -> Callable[[dict[str, Any], str | None], None]:
    def read(found: dict[str, Any], value: str | None) -> None:
        off = value is not None and value.strip().lower() in ("false", "0", "no")
        found[name] = (not means) if off else means

    return read


def _object(text: str | None) -> dict[str, Any]:
    value = json.loads(text or "")
    if not isinstance(value, dict):
        raise ValueError(text)
    return value


def _speculation(found: dict[str, Any], value: str | None) -> None:
    config = _object(value)
    found["speculative"] = True
    tokens = config.get("num_speculative_tokens", 0)
    found["num_speculative_tokens"] = tokens if isinstance(tokens, int) and 0 <= tokens < 1000 else 0
    for key, name in (("model", "speculative_model"), ("method", "speculative_method")):
        if isinstance(config.get(key), str):
            found[name] = clean(config[key], limit=200)


def _old_speculation(found: dict[str, Any], value: str | None) -> None:
    found["speculative"] = True
    found["speculative_model"] = clean(value or "", limit=200)


def _compilation(found: dict[str, Any], value: str | None) -> None:
    text = (value or "").strip()
    if text in ("0", "none"):
        found["enforce_eager"] = True
        return
    if text.isdigit():
        return
    config = _object(text)
    if str(config.get("cudagraph_mode", "")).upper() == "NONE":
        found["enforce_eager"] = True
    sizes = config.get("cudagraph_capture_sizes")
    if (
        isinstance(sizes, list)
        and sizes
        and all(isinstance(size, int) and 0 < size < 10**6 for size in sizes)
    ):
        found["max_capture_size"] = max(sizes)


def _overrides(found: dict[str, Any], value: str | None) -> None:
    found["overrides"] = _object(value)


def _task(found: dict[str, Any], value: str | None) -> None:
    found["pooling"] = (value or "").strip().lower() in _POOLING_TASKS


def _tower(found: dict[str, Any], value: str | None) -> None:
    found["encoder_tp_data"] = (value or "").strip() == "data"


_FLAGS: dict[str, Callable[[dict[str, Any], str | None], None]] = {
    "--tensor-parallel-size": _integer("tp", high=1024),
    "--pipeline-parallel-size": _integer("pp", high=1024),
    "--data-parallel-size": _integer("dp", high=4096),
    "--decode-context-parallel-size": _integer("dcp", high=1024),
    "--enable-expert-parallel": _switch("ep"),
    "--dtype": _text("dtype"),
    "--quantization": _text("quantization"),
    "--kv-cache-dtype": _text("kv_cache_dtype"),
    "--max-model-len": _integer("max_model_len", low=-1),
    "--gpu-memory-utilization": _number("gpu_memory_utilization", 1.0),
    "--kv-cache-memory-bytes": _integer("kv_cache_memory_bytes", high=2**50),
    "--num-gpu-blocks-override": _integer("num_gpu_blocks_override"),
    "--block-size": _integer("block_size", high=65536),
    "--max-num-seqs": _integer("max_num_seqs"),
    "--max-num-batched-tokens": _integer("max_num_batched_tokens"),
    "--enforce-eager": _switch("enforce_eager"),
    "--no-enforce-eager": _switch("enforce_eager", means=False),
    "--max-cudagraph-capture-size": _integer("max_capture_size", low=0, high=10**6),
    "--enable-chunked-prefill": _switch("chunked_prefill"),
    "--no-enable-chunked-prefill": _switch("chunked_prefill", means=False),
    "--enable-prefix-caching": _switch("prefix_caching"),
    "--no-enable-prefix-caching": _switch("prefix_caching", means=False),
    "--disable-hybrid-kv-cache-manager": _switch("hybrid_kv_manager", means=False),
    "--mamba-cache-mode": _text("mamba_cache_mode"),
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
    "-O": _compilation,
    "--task": _task,
    "--runner": _task,
    "--language-model-only": _switch("language_model_only"),
    "--skip-mm-profiling": _switch("skip_mm_profiling"),
    "--mm-encoder-tp-mode": _tower,
    "--hf-overrides": _overrides,
}
