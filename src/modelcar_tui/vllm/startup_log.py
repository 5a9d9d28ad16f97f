"""vLLM's own figures in its start-up log: the one reader of them.

The forms were collected from the log calls in vLLM's sources, releases 0.6.0 to 0.33.0 (58 of them):

- weights, load (worker/model_runner.py, v1/worker/gpu_model_runner.py):
  0.6.0 to 0.9.2 `Loading model weights took 15.0 GB` (`GiB` on XPU from 0.8.3),
  0.8.0 to 0.8.2 `Model loading took 15.0 GB and 9.4 seconds`,
  0.8.3 to 0.27.1 `Model loading took 15.0 GiB and 9.4 seconds`,
  from 0.11.1 `Model loading took 15.0 GiB memory and 9.4 seconds`
- KV cache (worker/worker.py of the V0 engine, v1/worker/gpu_worker.py):
  0.6.6 to 0.10.2 `the rest of the memory reserved for KV Cache is 54.1GiB`,
  from 0.9.1 `Available KV cache memory: 54.1 GiB`
- blocks (executor/gpu_executor.py, executor/executor_base.py), V0 alone:
  0.6.0 to 0.11.0 `# GPU blocks: 5, # CPU blocks: 6` (`# cuda blocks` from 0.7.0)
- tokens, concurrency (v1/core/kv_cache_utils.py, executor/executor_base.py):
  0.8.0 to 0.27.1 `GPU KV cache size: 354,624 tokens`,
  0.6.3 to 0.27.1 `Maximum concurrency for 2,048 tokens per request: 17.1x`,
  from 0.28.0 both in one line, from 0.30.0 with the platform's name instead of `GPU`
- graphs (worker/model_runner.py, v1/worker/gpu_model_runner.py):
  from 0.6.0 `Graph capturing finished in 9 secs`, from 0.6.6 with `, took 0.9 GiB`
- engine (engine/llm_engine.py, v1/engine/core.py):
  from 0.6.6 `init engine (...) took 31.2 seconds` (`s` from 0.20.0)

- what a start takes (worker/worker.py; utils/mem_utils.py; v1/worker/gpu_worker.py):
  0.6.6 to 0.10.2, V0 `model weights take 2.89GiB; non_torch_memory takes 0.02GiB; PyTorch activation peak
  memory takes 1.39GiB; ...` after `the current vLLM instance can use total_gpu_memory (23.64GiB) x
  gpu_memory_utilization (0.90) = 21.28GiB`,
  from 0.10.1 `Actual usage is 15.27 GiB for weight, 1.42 GiB for peak activation, 0.12 GiB for non-torch
  memory` (0.10.2 and 0.26 said at INFO, between them at DEBUG),
  from 0.27 `16.1 GiB for consumed memory (weights + non-torch), 2.3 GiB for peak activation`: the peak
  holds the estimate of the CUDA graphs where that is taken off the cache,
  from 0.9 at DEBUG `Memory profiling takes 3.10 seconds. Total non KV cache memory: ...`
- estimated graphs (v1/worker/gpu_model_runner.py): from 0.18 `Estimated CUDA graph memory: 0.88 GiB total`
- a cache of a given size (v1/worker/gpu_worker.py, cpu_worker.py): from 0.10.1 `Initial free memory 78.7 GiB,
  reserved 20.0 GiB memory for KV Cache as specified`, on a CPU `Explicitly set (1.0/23.54) GiB for KV cache`
  or `Auto set (...`, 0.13 to 0.19 `VLLM_CPU_KVCACHE_SPACE not set. Using 4.0 GiB for KV cache`
- context (config/model.py, v1/core/kv_cache_utils.py): from 0.10 `Using max model len 8192`,
  from 0.14 `Auto-fit max_model_len: reduced from 8192 to 4096`

"GB" of the oldest ones is 2**30 bytes, too. The V0 engine gives blocks, not tokens, and not their size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_N = r"-?[\d.]+"
_WEIGHTS = r"(?:Loading model weights|Model loading) took (?P<weights_gib>[\d.]+) Gi?B"
_LOAD = r"(?: (?:memory )?and (?P<load_s>[\d.]+) seconds)?"
_AT_ONCE = r"Maximum concurrency for (?P<max_model_len>[\d,]+) tokens per request: (?P<concurrency>[\d.]+)x"
_DEVICE = rf"Free memory on device (?:[\w:]+ )?\((?P<free_gib>{_N})/(?P<total_gib>{_N}) GiB\) on startup"
_WISH = rf"\([\d.]+(?:, (?P<requested_gib>{_N}) GiB)?\)"
_USED = (
    rf"(?: Actual usage is (?:{_N} GiB for weight, (?P<activation_gib>{_N}) GiB for peak activation, "
    rf"(?P<non_torch_gib>{_N}) GiB for non-torch memory"
    rf"|(?P<consumed_gib>{_N}) GiB for consumed memory \(weights \+ non-torch\), "
    rf"(?P<peak_gib>{_N}) GiB for peak activation))?"
)
_OF_LOG: Final = (
    ("took", _WEIGHTS + _LOAD),
    ("Available KV cache memory", rf"Available KV cache memory: (?P<kv_cache_gib>{_N}) ?GiB"),
    (
        "reserved for KV Cache",
        rf"(?:model weights take {_N}GiB; ?non_torch_memory takes (?P<non_torch_gib>{_N})GiB; ?"
        rf"PyTorch activation peak memory takes (?P<activation_gib>{_N})GiB; ?the rest of the )?"
        rf"memory reserved for KV Cache is (?P<kv_cache_gib>{_N}) ?GiB",
    ),
    (
        "total_gpu_memory",
        rf"the current vLLM instance can use total_gpu_memory \((?P<total_gib>{_N})GiB\)"
        rf" x gpu_memory_utilization \([\d.]+\) = (?P<requested_gib>{_N})GiB",
    ),
    ("blocks: ", r"# (?!CPU)\w+ blocks: (?P<kv_blocks>\d+)"),
    ("KV cache size: ", rf"(?:\w+ )?KV cache size: (?P<kv_tokens>[\d,]+) tokens(?:, {_AT_ONCE})?"),
    ("Maximum concurrency", _AT_ONCE),
    (
        "Graph capturing",
        rf"Graph capturing finished in (?P<graphs_s>\d+) secs(?:, took (?P<graphs_gib>{_N}) GiB)?",
    ),
    ("init engine (", r"init engine \([^)]*\) took (?P<init_s>[\d.]+) s"),
    ("Estimated CUDA", rf"Estimated CUDA graph memory: (?P<graphs_estimated_gib>{_N}) GiB total"),
    ("on startup", rf"{_DEVICE}\. Desired GPU memory utilization is {_WISH}\.{_USED}"),
    (
        "Memory profiling takes",
        rf"Memory profiling takes (?P<profile_s>[\d.]+) seconds"
        rf"(?:\. Total non KV cache memory: {_N} ?GiB; "
        rf"torch peak memory increase: (?P<activation_gib>{_N}) ?GiB"
        rf"(?:; non-torch forward increase memory: (?P<non_torch_gib>{_N}) ?GiB)?)?",
    ),
    (
        "Requested memory: ",
        rf"Initial free memory: (?P<free_gib>{_N}) GiB; Requested memory: [\d.]+ \(util\), "
        rf"(?P<requested_gib>{_N}) GiB",
    ),
    (
        "memory for KV Cache",
        rf"Initial free memory (?P<free_gib>{_N}) GiB, "
        rf"reserved (?P<kv_cache_gib>{_N}) ?GiB memory for KV Cache",
    ),
    (
        "for KV cache on node",
        r"(?:Explicitly|Auto) set \((?P<kv_cache_gib>[\d.]+)/[\d.]+\) GiB for KV cache on node",
    ),
    (
        "_KVCACHE_SPACE not set",
        rf"VLLM_CPU_KVCACHE_SPACE not set\. Using (?P<kv_cache_gib>{_N}) GiB for KV cache",
    ),
    ("max model len", r"Using max model len (?P<max_model_len>\d+)"),
    (
        "Auto-fit max_model_len",
        r"Auto-fit max_model_len: (?:reduced from \d+ to|full model context length) "
        r"(?P<max_model_len>\d+)",
    ),
)
_OF_ERRORS: Final = (
    (
        "larger than the available",
        rf"max seq len \((?P<max_model_len>\d+)\).*KV cache memory \((?P<kv_cache_gib>{_N}) Gi?B\)",
    ),
    (
        "can be stored in KV cache",
        r"max seq len \((?P<max_model_len>\d+)\).*stored in KV cache \((?P<kv_tokens>\d+)\)",
    ),
    ("total capacity of", rf"GPU \d+ has a total capacity of (?P<total_gib>{_N}) GiB"),
    ("on startup", rf"{_DEVICE} is less than desired GPU memory utilization {_WISH}"),
)
_LOGGED: Final = tuple((near, re.compile(form)) for near, form in _OF_LOG)
"""What stands in every line of the form, a cheap first look; and the form, from the text's beginning."""
_REFUSED: Final = tuple((near, re.compile(form)) for near, form in _OF_ERRORS)
"""The same of the words of an exception, anywhere in them."""
_MOST = 1e15


class Figure(NamedTuple):
    """One figure: of what, in the unit that its name ends with (`_gib` is GiB per GPU, `_s` seconds)."""

    what: str
    value: float


def startup_figures(line: str) -> Iterator[Figure]:
    """The figures of one line of the log, wherever in it they stand; nothing for any other line."""
    told: set[str] = set()
    for near, form in _LOGGED:
        if near in line and (match := form.search(line)):
            for one in _found(match):
                if one.what not in told:
                    told.add(one.what)
                    yield one


def logged_figures(text: str) -> Iterator[Figure]:
    """The figures of a line without its head, which must begin as vLLM's own does: a name that holds such
    words is none. Besides the names of `startup_figures`: `consumed_gib`, `peak_gib`."""
    for near, form in _LOGGED:
        if near in text and (match := form.match(text)):
            yield from _found(match)


def error_figures(words: str) -> Iterator[Figure]:
    """The figures in the words of a refusal or of PyTorch's `OutOfMemoryError`."""
    for near, form in _REFUSED:
        if near in words and (match := form.search(words)):
            yield from _found(match)


def _found(match: re.Match[str]) -> Iterator[Figure]:
    for what, value in match.groupdict().items():
        if value is not None and (number := _number(value)) is not None:
            yield Figure(what, number)


def _number(text: str) -> float | None:
    """A number as vLLM writes it; None for what only looks like one (`1.2.3`)."""
    try:
        number = float(text.replace(",", "").rstrip("."))
    except ValueError:
        return None
    return number if abs(number) < _MOST else None
