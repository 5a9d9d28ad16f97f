"""CUDA graphs: which batch sizes are captured, what capture takes, what vLLM estimates of it beforehand.

Each captured size is as many graphs as the model has pieces between its attention layers, and one of the
whole model for decoding. What FlashAttention splits is derived; what the driver keeps of a graph is measured,
and two clusters, of H100 and of H200, differ by half.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import GIB, MIB
from modelcar_tui.hardware import NVIDIA
from modelcar_tui.memory.kv.widths import number_bytes
from modelcar_tui.memory.start import Start

Part = tuple[str, float, str]
"""A label, bytes, and where they come from."""
_SPLITS = 32
"""Parts of a long context that FlashAttention 3 keeps apart while it captures (vllm config/attention.py
flash_attn_max_num_splits_for_cuda_graph)."""
_WHOLE_GRAPHS = (0, 11)
"""From here on decoding is captured as a whole, too (vllm config/vllm.py)."""
_WIDE_STEPS = (0, 11, 1)
"""From here on sizes above 256 come in steps of 16."""
_SEQUENCES_DECIDE = (0, 10)
"""From here on no more than twice the sequences are captured."""
_MORE_SIZES = (0, 28)
"""From here on Blackwell captures up to 1024."""
_FEWEST = 0.20 * MIB
"""What a driver keeps of a graph at least: 0.20 to 0.25 in logs of seven models on H200."""
_HOPPER, _BEFORE_HOPPER = 0.40 * MIB, 0.60 * MIB
"""And at most: 0.28 to 0.43 in 17 logs of H100; 0.46 to 0.62 in three of L4 and L40S."""
_EXPERTS, _MXFP4_EXPERTS = (0.10 * GIB, 0.46 * GIB), 1.01 * GIB
"""Kernels that experts load for each batch size: the least in seven logs of H200, the most in two of H100;
those of MXFP4 in three of H100."""
_FLASHINFER = 0.385 * GIB
"""Blackwell's FlashInfer takes its buffer when the first graph is captured (vllm envs.py
VLLM_FLASHINFER_WORKSPACE_BUFFER_SIZE)."""
_ADAPTED = 0.5 * GIB
"""Adapters' and bitsandbytes' kernels beside the model's own; two logs."""
_FIRST, _OF_RANKS = 0.10 * GIB, 0.10 * GIB
"""What the estimate's first capture takes beside FlashAttention's splits, and what ranks add; 21 logs."""
_ESTIMATED, _ESTIMATED_IN_8_BITS = 0.30 * MIB, 0.35 * MIB
"""What the estimate's second capture counts for each graph of each size, on H100."""
_ESTIMATED_LEAST = 0.10 * MIB
"""The same on H200: 0.10 to 0.18 in logs of five models."""
_ESTIMATED_EXPERTS, _ESTIMATED_MXFP4 = (0.0, 0.20 * GIB), 0.55 * GIB
_WHOLE_LEAST = 1.0 * MIB
_USUAL = 51
"""Sizes in those logs."""


class Sizes(msgspec.Struct, frozen=True):
    """The batch sizes that are captured."""

    count: int
    largest: int

    @property
    def words(self) -> str:
        """The same in words."""
        return f"{self.count} sizes up to {self.largest}"


def sizes_of(start: Start) -> Sizes:
    """1, 2, 4, then in steps of 8 and 16 up to the largest (vllm config/vllm.py _set_cudagraph_sizes)."""
    args, number_of = start.args, start.profile.number
    most = args.max_capture_size or _most(start)
    if args.capture_sizes:
        return Sizes(args.capture_sizes, most)
    wide = 256 if number_of >= _WIDE_STEPS else most
    few = sum(size <= most for size in (1, 2, 4))
    return Sizes(few + min(most, wide) // 8 + max(0, most - wide) // 16, most)


def _most(start: Start) -> int:
    blackwell = 10 <= (start.gpu.capability or 0.0) < 11
    most = 1024 if blackwell and start.profile.release >= _MORE_SIZES else 512
    if start.profile.release < _SEQUENCES_DECIDE:
        return most
    return min(2 * start.limits.seqs, most, start.limits.batch)


def captured(start: Start, *, least: bool) -> tuple[Part, ...]:
    """What capture takes, at least or at most."""
    sizes, capability = sizes_of(start), start.gpu.capability or 0.0
    each = _FEWEST if least else _most_of_a_graph(start)
    many = sizes.count * (_pieces(start) + 1)
    note = f"{sizes.count} sizes x {_pieces(start) + 1} pieces x {each / MIB:.2f} MiB; measured"
    parts = [_splits(start), (f"graphs of {sizes.words}", many * each, note)]
    if any(start.model.shape.experts_at):
        experts = _MXFP4_EXPERTS if start.model.scheme.mxfp4 else _EXPERTS[0 if least else 1]
        experts *= min(1.0, sizes.count / _USUAL)
        parts.append(("graphs of experts", experts, "kernels loaded for each batch size; measured"))
    if 10 <= capability < 12 and not least:
        parts.append(("FlashInfer's buffer", _FLASHINFER, "VLLM_FLASHINFER_WORKSPACE_BUFFER_SIZE"))
    if (start.args.enable_lora or start.model.scheme.name == "bitsandbytes") and not least:
        parts.append(("graphs of adapters", _ADAPTED, "their own kernels in each graph; measured"))
    return tuple(part for part in parts if part[1] > 0)


def estimated(start: Start, *, least: bool) -> tuple[Part, ...]:
    """What vLLM takes for them from the KV budget, at least or at most: the first capture, and the second for
    each other size (v1/worker/gpu_model_runner.py profile_cudagraph_memory)."""
    if start.runner_v2:
        return _measured_by_v2(start, least=least)
    sizes, scheme = sizes_of(start), start.model.scheme
    label, splits, note = _splits(start)
    first = _FIRST + (_OF_RANKS if start.args.tp > 1 and not least else 0.0)
    each = _ESTIMATED_IN_8_BITS if scheme.name in ("fp8", "int8") else _ESTIMATED
    each = _ESTIMATED_LEAST if least else each
    many = (sizes.count - 1) * (_pieces(start) + 1)
    parts = [
        (label, splits, note),
        ("first capture", first, "measured"),
        (
            f"graphs of {sizes.words}",
            many * each,
            f"{sizes.count - 1} more sizes x {_pieces(start) + 1} pieces x {each / MIB:.2f} MiB; measured",
        ),
    ]
    if any(start.model.shape.experts_at):
        experts = _ESTIMATED_MXFP4 if scheme.mxfp4 else _ESTIMATED_EXPERTS[0 if least else 1]
        share = min(1.0, sizes.count / _USUAL)
        parts.append(("graphs of experts", experts * share, "experts' kernels; measured"))
    return tuple(part for part in parts if part[1] > 0)


def _measured_by_v2(start: Start, *, least: bool) -> tuple[Part, ...]:
    """Model Runner V2 captures all pieces on trial; of the graphs of whole steps two, and counts each further
    one with 1 MiB at least (v1/worker/gpu/cudagraph_utils.py profile_cudagraph_memory)."""
    further = sizes_of(start).count - 1
    short = max(0.0, _WHOLE_LEAST - (_FEWEST if least else _most_of_a_graph(start)))
    note = f"{further} x what they lack of 1 MiB (vllm v1/worker/gpu/cudagraph_utils.py)"
    return *captured(start, least=least), ("graphs of whole steps", further * short, note)


def _most_of_a_graph(start: Start) -> float:
    return _BEFORE_HOPPER if 0 < (start.gpu.capability or 0.0) < 9 else _HOPPER


def _pieces(start: Start) -> int:
    """Attention and state layers, at which the graphs of a step are cut."""
    kinds = start.model.shape.kinds
    return len(kinds) - kinds.count("none") or start.model.shape.layers


def _splits(start: Start) -> Part:
    """FlashAttention 3's partial results in 32 bits, for the largest batch that is captured as a whole."""
    shape, args = start.model.shape, start.args
    tokens = min(sizes_of(start).largest, start.limits.seqs) if _splits_contexts(start) else 0
    heads, width = shape.heads / args.tp, shape.v_head_dim or shape.head_dim
    if shape.mla is not None:
        width = shape.mla.kv_rank
    note = f"{_SPLITS} x {tokens} tokens x {heads:g} heads x {width} x 4 B (vllm v1/attention flash_attn.py)"
    return "FlashAttention's splits", _SPLITS * tokens * heads * width * 4.0, note


def _splits_contexts(start: Start) -> bool:
    shape, args = start.model.shape, start.args
    capability = start.gpu.capability or 0.0
    if start.gpu.vendor != NVIDIA or int(capability) != 9 or start.profile.release < _WHOLE_GRAPHS:
        return False
    if args.cudagraph_mode == "PIECEWISE" or shape.encoder_only or args.pooling or shape.indexer is not None:
        return False
    if args.attention_backend and "FLASH_ATTN" not in args.attention_backend:
        return False
    latent = shape.mla is not None and number_bytes(args.kv_cache_dtype, start.model) < 2
    return not latent and shape.kinds.count("state") + shape.kinds.count("none") < len(shape.kinds)
