"""What changing one argument would buy, and the smallest tensor parallel size that serves the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from modelcar_tui.hardware import Gpu
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Knob, Outcome
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import EngineArgs

_MOST_GPUS = 64
_SAME_GIB = 0.005
"""Gains that look alike with two decimals."""


Hear = Callable[[str, Estimate], Estimate]
"""What else is said of a changed start: the flag that is added, and its estimate."""


def _nothing_else(_: str, then: Estimate) -> Estimate:
    return then


def knobs(
    model: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None, hear: Hear = _nothing_else
) -> tuple[Knob, ...]:
    """Single changes of `args` and what each gives; those that change nothing are left out, and so are those
    that give no more than a milder value of the same flag."""
    now = estimate(model, gpu, args, vllm=vllm)
    found: list[Knob] = []
    for change in _changes(gpu, args, now):
        knob = _knob(model, gpu, args, vllm, now, change, hear)
        if knob is not None and not any(_no_more(knob, milder) for milder in found):
            found.append(knob)
    return tuple(found)


def _no_more(knob: Knob, milder: Knob) -> bool:
    alike = knob.flag.partition("=")[0] == milder.flag.partition("=")[0] and knob.outcome is milder.outcome
    return alike and abs((knob.gained_gib or 0.0) - (milder.gained_gib or 0.0)) < _SAME_GIB


def smallest_tp(
    model: ModelFacts,
    gpu: Gpu,
    args: EngineArgs,
    *,
    vllm: str | None,
    most: int | None = None,
    hear: Hear = _nothing_else,
) -> int | None:
    """The smallest tensor parallel size whose verdict is `starts`, with at most `gpu.count` (or `most`) GPUs,
    if any is; each stage of a pipeline and each data parallel rank takes as many."""
    limit = min((most or gpu.count) // (args.pp * args.dp), _MOST_GPUS)
    for size in range(1, limit + 1):
        tried = estimate(model, gpu, msgspec.structs.replace(args, tp=size), vllm=vllm, derive=False)
        if tried.outcome is Outcome.STARTS:
            tried = hear(f"--tensor-parallel-size={size}", tried)
        if tried.outcome is Outcome.STARTS:
            return size
    return None


def _changes(gpu: Gpu, args: EngineArgs, now: Estimate) -> list[tuple[str, dict[str, Any], str]]:
    """Flags, what they set, and what is given up for them."""
    seqs, refused = args.max_num_seqs or 1024, now.outcome is Outcome.REFUSED_KV
    length = (now.longest_context.value or 0) // 256 * 256 if refused else 0
    share, batch = args.gpu_memory_utilization or 0.9, args.max_num_batched_tokens or 8192
    fp8 = args.kv_cache_dtype == "auto" and (gpu.capability or 0.0) >= 8.9
    rows: tuple[tuple[bool, str, Any, str], ...] = (
        (seqs > 256, "max_num_seqs", 256, "fewer requests at once"),
        (seqs > 64, "max_num_seqs", 64, "fewer requests at once"),
        (batch > 2048, "max_num_batched_tokens", 2048, "slower prompts"),
        (not args.enforce_eager, "enforce_eager", True, "slower answers"),
        (share < 0.95, "gpu_memory_utilization", 0.95, "less room for graphs and warm-up"),
        (fp8, "kv_cache_dtype", "fp8", "a little accuracy"),
        (length > 0, "max_model_len", length, "shorter contexts"),
        (args.tp * 2 * args.pp * args.dp <= gpu.count, "tp", args.tp * 2, "twice the GPUs"),
    )
    return [(_flag(field, value), {field: value}, cost) for helps, field, value, cost in rows if helps]


def _flag(field: str, value: Any) -> str:
    name = "--tensor-parallel-size" if field == "tp" else f"--{field.replace('_', '-')}"
    return name if value is True else f"{name}={value}"


def _knob(
    model: ModelFacts,
    gpu: Gpu,
    args: EngineArgs,
    vllm: str | None,
    now: Estimate,
    change: tuple[str, dict[str, Any], str],
    hear: Hear,
) -> Knob | None:
    flag, fields, cost = change
    then = estimate(model, gpu, msgspec.structs.replace(args, **fields), vllm=vllm, derive=False)
    then = hear(flag, then)
    before, after = now.kv_available_gib.value, then.kv_available_gib.value
    gained = after - before if before is not None and after is not None else None
    if then.outcome is now.outcome and then.kv_tokens.value == now.kv_tokens.value and not gained:
        return None
    tokens = then.kv_tokens
    between = (tokens.low, tokens.high) if tokens.low is not None and tokens.high is not None else None
    return Knob(
        flag=flag,
        outcome=then.outcome,
        kv_tokens=tokens.value,
        kv_tokens_between=between,
        gained_gib=gained,
        cost=cost,
    )
