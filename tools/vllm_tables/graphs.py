"""The batch sizes for which vLLM captures CUDA graphs by default, asked of its own lines."""

from __future__ import annotations

import contextlib

from vllm_judge.source import Source
from vllm_tables.lenient import Given, Platform, function, runnable
from vllm_tables.stores import Groups, ValueTable

_CONFIG = ("vllm/config/vllm.py", "vllm/config/__init__.py", "vllm/config.py")
_SCHEDULER = ("vllm/config/scheduler.py", *_CONFIG)
POINTS = ((8, 2048), (64, 2048), (256, 2048), (256, 8192), (1024, 8192), (1024, 16384))
"""Sequences at once and tokens a step for which the list is asked."""
_FIELD = "cudagraph_capture_sizes"


def capture_sizes(source: Source) -> Groups:
    """Ranges `[first, last, step]` by `capability 9.0, 256 sequences, 2048 tokens`."""
    found = {}
    for capability in (90, 100):
        for sequences, tokens in POINTS:
            with contextlib.suppress(Exception):
                sizes = _asked(source, Platform(capability), sequences, tokens)
                key = f"capability {capability / 10}, {sequences} sequences, {tokens} tokens"
                if sizes:
                    found[key] = ranges(sorted(sizes))
    return {"sizes": found}


def ranges(sizes: list[int]) -> list[list[int]]:
    """Rising numbers as `[first, last, step]`."""
    found: list[list[int]] = []
    for size in sizes:
        last = found[-1] if found else None
        if last is not None and last[0] == last[1]:
            last[1:] = [size, size - last[0]]
        elif last is not None and size - last[1] == last[2]:
            last[1] = size
        else:
            found.append([size, size, 1])
    return found


def _asked(source: Source, platform: Platform, sequences: int, tokens: int) -> list[int]:
    method = function(source, _CONFIG, "VllmConfig._set_cudagraph_sizes")
    if method is None:
        return []
    kept: list[list[int]] = []
    scheduler = Given(max_num_seqs=sequences, max_num_batched_tokens=tokens)
    _sizes_of_the_scheduler(source, scheduler)
    graphs = Given(
        **{_FIELD: None, "max_cudagraph_capture_size": None, "init_with_cudagraph_sizes": kept.append}
    )
    engine = Given(
        scheduler_config=scheduler,
        compilation_config=graphs,
        parallel_config=Given(tensor_parallel_size=1),
        uniform_decode_query_len=1,
        num_speculative_tokens=0,
        speculative_config=None,
        lora_config=None,
    )
    switches = Given(VLLM_USE_V1=True)
    runnable(method, {"current_platform": platform, "envs": switches})(engine)
    return kept[-1] if kept else list(getattr(graphs, _FIELD) or ())


def _sizes_of_the_scheduler(source: Source, scheduler: Given) -> None:
    """Up to 0.11.0 the scheduler's configuration held the largest size, some releases by the number of
    sequences."""
    method = function(source, _SCHEDULER, "SchedulerConfig.__post_init__")
    if method is None:
        return
    scheduler.cuda_graph_sizes = []
    before = vars(scheduler).copy()
    with contextlib.suppress(Exception):
        runnable(method, {})(scheduler)
    sizes = scheduler.cuda_graph_sizes
    vars(scheduler).update(before)
    scheduler.cuda_graph_sizes = sizes or [512]


TABLE = ValueTable(
    name="graphs",
    file="capture_sizes.json",
    about="Batch sizes of vLLM's CUDA graphs by default: what VllmConfig._set_cudagraph_sizes "
    "sets for a capability, "
    "a number of sequences and of tokens a step, as ranges [first, last, step].",
    reader=capture_sizes,
)
