"""What changing one argument would buy, and the smallest tensor parallel size that serves the model."""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.estimate import estimate
from modelcar_tui.memory.refusals import number
from modelcar_tui.memory.types import Estimate, Knob, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.engine_args import EngineArgs

_SIZES = (1, 2, 4, 8, 16)


def knobs(model: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None) -> tuple[Knob, ...]:
    """Single changes of `args` and what each gives; those that change nothing are left out."""
    now = estimate(model, gpu, args, vllm=vllm)
    found = (_knob(model, gpu, args, vllm, now, change) for change in _changes(gpu, args, now))
    return tuple(knob for knob in found if knob is not None)


def smallest_tp(
    model: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None, most: int | None = None
) -> int | None:
    """The smallest tensor parallel size that starts with at most `gpu.count` (or `most`) GPUs, if any
    does; each stage of a pipeline and each data parallel rank takes as many."""
    limit = (most or gpu.count) // (args.pp * args.dp)
    for size in _SIZES:
        if size > limit:
            return None
        tried = estimate(model, gpu, msgspec.structs.replace(args, tp=size), vllm=vllm)
        if tried.outcome is Outcome.STARTS:
            return size
    return None


def _changes(gpu: Gpu, args: EngineArgs, now: Estimate) -> list[tuple[str, dict[str, Any], str]]:
    changes: list[tuple[str, dict[str, Any], str]] = []
    seqs = args.max_num_seqs or 1024
    for size in (256, 64):
        if size < seqs:
            changes.append((f"--max-num-seqs={size}", {"max_num_seqs": size}, "fewer requests at once"))
    if (args.max_num_batched_tokens or 8192) > 2048:
        changes.append(("--max-num-batched-tokens=2048", {"max_num_batched_tokens": 2048}, "slower prompts"))
    if not args.enforce_eager:
        changes.append(("--enforce-eager", {"enforce_eager": True}, "slower answers"))
    if (args.gpu_memory_utilization or 0.9) < 0.95:
        changes.append(
            (
                "--gpu-memory-utilization=0.95",
                {"gpu_memory_utilization": 0.95},
                "less room for graphs and warm-up",
            )
        )
    capability = number(gpu.compute_capability)
    if args.kv_cache_dtype == "auto" and capability is not None and capability >= 8.9:
        changes.append(("--kv-cache-dtype=fp8", {"kv_cache_dtype": "fp8"}, "a little accuracy"))
    longest = now.longest_context.value
    if now.outcome is Outcome.REFUSED_KV and longest and longest >= 256:
        rounded = longest // 256 * 256
        changes.append((f"--max-model-len={rounded}", {"max_model_len": rounded}, "shorter contexts"))
    if args.tp * 2 * args.pp * args.dp <= gpu.count:
        changes.append((f"--tensor-parallel-size={args.tp * 2}", {"tp": args.tp * 2}, "twice the GPUs"))
    return changes


def _knob(
    model: ModelFacts,
    gpu: Gpu,
    args: EngineArgs,
    vllm: str | None,
    now: Estimate,
    change: tuple[str, dict[str, Any], str],
) -> Knob | None:
    flag, fields, cost = change
    then = estimate(model, gpu, msgspec.structs.replace(args, **fields), vllm=vllm)
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
