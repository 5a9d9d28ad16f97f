"""Batches, graphs, adapters, tracing: settings that contradict each other or the model's length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.vllm.arguments.engine_args import config_overrides
from modelcar_tui.vllm.arguments.object_rules import object_fault
from modelcar_tui.vllm.context import longest_context
from modelcar_tui.vllm.refused.asked import Asked, Refusal, Refusals, needs

_LENGTH, _SEQUENCES, _BATCHED = "--max-model-len", "--max-num-seqs", "--max-num-batched-tokens"
_THRESHOLD = "--long-prefill-token-threshold"
_SIZES, _LARGEST = "--cudagraph-capture-sizes", "--max-cudagraph-capture-size"
_COMPILATION = "--compilation-config"
_ONE_PREFILL = "0.11.0"
"""Since when the engine refuses to fill several prompts at once (_check_feature_supported)."""
_GRAPHS_CHECKED = "0.11.1"
_LEVEL = "--optimization-level"
_EXCLUSIVE = (
    (_SIZES, _COMPILATION, "cudagraph_capture_sizes", "0.11.1"),
    (_LARGEST, _COMPILATION, "max_cudagraph_capture_size", "0.11.1"),
    ("--attention-backend", "--attention-config", "backend", "0.13.0"),
    ("--enable-flashinfer-autotune", "--kernel-config", "enable_flashinfer_autotune", "0.16.0"),
)
"""Flags that set a key of an object which may not set it, too, and since when (EngineArgs)."""


def running(asked: Asked) -> Refusals:
    """SchedulerConfig, CompilationConfig, LoRAConfig and others, one after the other."""
    yield from _scheduling(asked)
    yield from _graphs(asked)
    yield from _exclusive(asked)
    yield from _adapters(asked)
    yield from _offloading(asked)
    yield from _observing(asked)
    yield from _structured(asked)


def _scheduling(asked: Asked) -> Refusals:
    """SchedulerConfig.verify_max_model_len."""
    threshold = asked.number(_THRESHOLD)
    length = asked.number(_LENGTH) or longest_context(
        asked.facts.config if asked.facts else None,
        config_overrides(asked.arguments, asked.release),
        asked.release,
    )
    if threshold and length and 0 < length < threshold:
        what = f"{_THRESHOLD} {threshold} is more than the context of {length}"
        yield Refusal(code="value-range", flag=_THRESHOLD, what=what)
    active, sequences = asked.number("--max-num-active-seqs"), asked.number(_SEQUENCES)
    if active and sequences and active > sequences:
        what = f"--max-num-active-seqs {active} is more than {_SEQUENCES} {sequences}"
        yield Refusal(code="value-range", flag="--max-num-active-seqs", what=what)
    for flag in ("--max-num-partial-prefills", "--max-long-partial-prefills"):
        if (asked.number(flag) or 1) > 1 and asked.since(_ONE_PREFILL):
            what = f"vLLM {asked.release} fills one long prompt at a time: {flag} above 1 is refused"
            yield Refusal(code="value-range", flag=flag, what=what)


def _graphs(asked: Asked) -> Refusals:
    """VllmConfig._set_cudagraph_sizes, where graphs are captured at all."""
    compiled = asked.object(_COMPILATION)
    if not asked.since(_GRAPHS_CHECKED) or _eager(asked, compiled):
        return
    sizes, largest = _graph_sizes(asked, compiled)
    flag = _COMPILATION if asked.number(_LARGEST) is None else _LARGEST
    if sizes == []:
        what = "an empty list of batch sizes for CUDA graphs: there must be one"
        yield Refusal(code="graph-sizes", flag=_COMPILATION, what=what)
    elif largest is not None and largest < 1:
        what = f"the largest batch of CUDA graphs is {largest}: it must be at least 1"
        yield Refusal(code="graph-sizes", flag=flag, what=what, fix="delete it; --enforce-eager uses none")
    elif largest is not None and sizes and largest != max(sizes) <= (asked.number(_BATCHED) or 2048):
        what = f"the largest batch of CUDA graphs is {largest}, and of the listed ones {max(sizes)}"
        yield Refusal(code="graph-sizes", flag=flag, what=what)


def _eager(asked: Asked, compiled: Mapping[str, Any]) -> bool:
    """Whether no CUDA graph is captured."""
    none = str(compiled.get("cudagraph_mode", "")).upper() == "NONE"
    return none or bool(asked.on("--enforce-eager")) or "0" in (asked.text(_LEVEL), asked.text("-O"))


def _graph_sizes(asked: Asked, compiled: Mapping[str, Any]) -> tuple[list[int] | None, int | None]:
    """The batch sizes that are listed for CUDA graphs, and the largest that is asked for."""
    told = [int(size) for size in asked.text(_SIZES).split() if size.isdigit()]
    sizes = told or compiled.get("cudagraph_capture_sizes")
    whole = isinstance(sizes, list) and all(isinstance(size, int) for size in sizes)
    largest = asked.number(_LARGEST)
    if largest is None and isinstance(compiled.get("max_cudagraph_capture_size"), int):
        largest = compiled["max_cudagraph_capture_size"]
    return sizes if whole else None, largest


def _exclusive(asked: Asked) -> Refusals:
    for flag, other, key, since in _EXCLUSIVE:
        if asked.has(flag) and asked.object(other).get(key) is not None and asked.since(since):
            what = f"{flag} and `{key}` of {other} exclude each other"
            yield Refusal(code="exclusive", flag=flag, what=what, fix="delete one")


def _adapters(asked: Asked) -> Refusals:
    """LoRAConfig._validate_lora_config, and EngineArgs where drafts come on top."""
    if not asked.on("--enable-lora"):
        return
    many, kept = asked.of("--max-loras", 1), asked.number("--max-cpu-loras")
    if kept is not None and 0 < kept < many:
        what = f"--max-cpu-loras {kept} is less than --max-loras {many}"
        more = f"--max-cpu-loras={many}"
        yield Refusal(code="value-range", flag="--max-cpu-loras", what=what, fix=f"write {more}", write=more)


def _offloading(asked: Asked) -> Refusals:
    """OffloadConfig.validate_offload_config."""
    group, inside = asked.of("--offload-group-size", 0), asked.of("--offload-num-in-group", 1)
    if not asked.since("0.17.0") or (group < 1 and asked.text("--offload-backend") != "prefetch"):
        return
    if inside > group:
        flag = "--offload-num-in-group" if asked.has("--offload-num-in-group") else "--offload-backend"
        what = f"--offload-num-in-group {inside} is more than --offload-group-size {group}"
        yield Refusal(code="value-range", flag=flag, what=what)
    elif asked.of("--offload-prefetch-step", 1) < 1:
        what = "--offload-prefetch-step must be at least 1 where layers are prefetched"
        yield Refusal(code="value-range", flag="--offload-prefetch-step", what=what)


def _observing(asked: Asked) -> Refusals:
    """ObservabilityConfig: traces need a receiver, metrics of drafts need drafts."""
    traces = asked.has("--collect-detailed-traces") and asked.since("0.11.1")
    if traces and not asked.text("--otlp-traces-endpoint"):
        yield needs("--collect-detailed-traces", "--otlp-traces-endpoint")
    flag = "--per-request-spec-decode-metrics"
    speculates = any(asked.has(one) for one in ("--speculative-config", "--spec-method", "--spec-model"))
    if asked.text(flag) not in ("", "none") and not speculates and asked.since("0.29.0"):
        yield needs(flag, "--speculative-config")


def _structured(asked: Asked) -> Refusals:
    """StructuredOutputsConfig: some switches are of one backend only."""
    flag = "--structured-outputs-config"
    found = object_fault(flag, asked.object(flag), asked.release)
    if found is not None:
        yield Refusal(
            code="engine-needs", flag=flag, what=f"{flag}: {found.why}", fix="mend it, or delete it"
        )
