"""The peak of vLLM's profiling run: the larger of the forward pass and the sampler's dummy run, and what
stays.

Derived from v1/worker/gpu_model_runner.py (profile_run); the sampler's run is `sampling`'s. The hidden states
of the forward pass live as long as the sampler runs.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import GIB, Source, Term
from modelcar_tui.memory import expert_kernels, second_runner, sparse_attention
from modelcar_tui.memory.encoder import encoded
from modelcar_tui.memory.sampling import in_words, sampler_bytes, samples, warmup_bytes
from modelcar_tui.memory.start import Start
from modelcar_tui.vllm.arguments import EngineArgs

_LIBRARY = 0.045 * GIB
"""cuBLAS and small buffers during the sampler's run; fitted, 32 MiB of it are cuBLAS's on Hopper."""
_FORWARD_LIBRARY = 0.016 * GIB
_MLA_WORKSPACE = 65536
"""Tokens of context that MLA expands at once while profiling (vllm layers/attention/mla_attention.py)."""


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on one GPU."""

    total: float
    sampler: float
    """The sampler's dummy run."""
    warmup: float
    """What is held when the sampler warms up, after the KV cache is there: its own run and what stays."""
    tables: float
    """Of Model Runner V2's requests, made before the profile and never freed."""
    uncounted: float
    """What of them no figure of vLLM's has."""
    terms: tuple[Term, ...]


def peak_of(start: Start, *, last: bool) -> Peak:
    """The activation peak of one GPU.

    Args:
        last: whether this pipeline rank samples.
    """
    shape, args = start.model.shape, start.args
    batch, width = start.limits.batch, 2
    hidden = batch * shape.hidden * width
    sampling = last and samples(start)
    sampler = sampler_bytes(start) if sampling else 0.0
    beside = hidden + start.rows * shape.hidden * width + _LIBRARY
    logits_stage = sampler + beside if sampling else 0.0
    after = warmup_bytes(start) + beside if sampling else 0.0
    tables = second_runner.tables(start) if start.runner_v2 and sampling else 0.0
    counted = tables if second_runner.counts_tables(start) else 0.0
    forward = max(_forward(start), _experts_call(start)) + _FORWARD_LIBRARY
    media = encoded(start)
    kept = [
        ("experts' workspace", *_workspace(start)),
        ("encoder's outputs and pixels", media.kept, f"{media.note}, {_TOWER_NOTE}"),
        (
            "copies of the encoder's outputs",
            media.copies,
            f"each as large as the whole budget of {media.budget} tokens, in 0.11 and 0.12 ({_TOWER_NOTE})",
        ),
        ("LoRA buffers", _lora(args, batch), "max_num_batched_tokens x rank x 4 B, three slices"),
    ]
    if logits_stage >= forward:
        terms = [
            ("sampler's dummy run", sampler, in_words(start)),
            ("hidden states", logits_stage - sampler, f"{batch} tokens x {shape.hidden} x 2 B, and cuBLAS"),
        ]
    else:
        terms = [("forward pass", forward, f"{batch} tokens x (3 x intermediate/tp + 4 x hidden) x 2 B")]
    warm = kept[0][1] + kept[-1][1]
    total = max(logits_stage, forward) + sum(size for _, size, _ in kept)
    if media.peak > total:  # the encoder runs before the language model
        total, kept = media.peak, []
        terms = [("encoder's run", media.peak, f"{media.note}, {_ENCODER_NOTE}")]
    kept.append(("tables of requests", counted, _TABLES_NOTE))
    shown = tuple(
        Term(label, size / GIB, "GiB", Source.COMPUTED, note)
        for label, size, note in (*terms, *kept)
        if size > 0
    )
    return Peak(
        total=total + counted,
        sampler=max(logits_stage, after),
        warmup=after + warm,
        tables=tables,
        uncounted=tables - counted,
        terms=shown,
    )


_TABLES_NOTE = "Model Runner V2: max_num_seqs x vocabulary x 4.25 B (vllm v1/worker/gpu/sample/penalties.py)"
_KERNELS = "layers/fused_moe"
_ENCODER_NOTE = (
    "with their pixels: 4 x hidden + 2 x (gate and) MLP, or what turning positions takes, x 2 B a row "
    "(found by following the tensors of vLLM's own encoders)"
)
_TOWER_NOTE = "kept through the run (vllm gpu_model_runner.py)"


def _forward(start: Start) -> float:
    shape, tp, scheme = start.model.shape, start.args.tp, start.model.scheme
    batch, context = start.limits.batch, start.limits.context
    moe = shape.moe
    inter = (
        shape.inter if moe is None else (moe.dense_inter if not all(shape.experts_at) else moe.shared_inter)
    )
    size = batch * ((3 if shape.gated else 2) * (inter / tp) + 4 * shape.hidden) * 2.0
    if scheme.name in ("fp8", "int8") and not scheme.group:  # a quantized copy of the inputs beside them
        size += batch * (inter / tp) * 2.0
    if shape.mla is not None:
        tokens = min(max(8 * context, 4 * 16 * 256), _MLA_WORKSPACE)
        expanded = tokens * (shape.heads / tp) * (shape.mla.nope + shape.mla.value) * 2.0
        size = max(size, expanded + batch * 4 * shape.hidden * 2.0)
    return size


def _experts_call(start: Start) -> float:
    """A call of experts that keep no workspace: their buffers, what goes in, what comes out of the shared
    ones, the residual and a quantized copy."""
    passing = expert_kernels.passing(start)
    return passing + 4 * start.limits.batch * start.model.shape.hidden * 2.0 if passing else 0.0


def _workspace(start: Start) -> tuple[float, str]:
    """The one workspace that experts and sparse attention share from 0.13 on, and where it comes from."""
    kind = expert_kernels.workspace(start)
    experts = expert_kernels.kept(start)
    sparse = sparse_attention.workspace(start)
    if sparse > experts:
        return sparse, "sparse attention's (vllm layers/sparse_attn_indexer.py)"
    note = f"{kind.value} of {start.limits.batch} tokens, of all layers in turn (vllm {_KERNELS})"
    return experts, note


def _lora(args: EngineArgs, batch: int) -> float:
    return batch * args.max_lora_rank * 4.0 * 3 if args.enable_lora else 0.0
