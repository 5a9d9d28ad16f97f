"""ROCm as a platform: what vLLM counts there that it does not count on CUDA.

Up to 0.20 "Model loading took" is what the device lost, not what PyTorch allocated (platforms/rocm.py
get_current_memory_usage): longer rows, copies and what the allocator keeps of them are in it, and the KV
cache pays. From 0.21 the weights are what is allocated, and what the allocator keeps lies beside the KV cache
unseen; from 0.27 the device counts again, once the allocator's cache was emptied (utils/mem_utils.py).
HIP's own memory and RCCL's are measured, and hang on the image: a start on AMD has a range.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from modelcar_tui.core.facts import GIB, Source, Term
from modelcar_tui.hardware import AMD, Gpu
from modelcar_tui.memory.graphs import Part, sizes_of
from modelcar_tui.memory.residue import Held, held
from modelcar_tui.memory.rocm_layers import Kernels, short_padding, steps_of
from modelcar_tui.memory.split import Split
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.weights import RankWeights
from modelcar_tui.models import Shape
from modelcar_tui.models.quantization import Storage
from modelcar_tui.vllm import Profile

_ALLOCATED_COUNT, _DEVICE_COUNTS = (0, 21), (0, 27)
"""From the first, weights are what is allocated; from the second, the budget is what the device lost
(utils/mem_utils.py MemorySnapshot)."""
_GRAPHS_DEDUCTED = (0, 26)
"""gpu_worker.py determine_available_memory; before, ROCm is left out of it."""
_CONTIGUOUS = (0, 20), (0, 25)
"""Releases that made padded experts contiguous again (fused_moe/oracle/unquantized.py)."""
_COPIED_BACK = (0, 30)
"""From here on padded experts are copied into the old ones."""
_LOADED = 0.0, 0.18 * GIB
"""Kernels that are loaded meanwhile count with the weights: 0.01 to 0.17 GiB beyond the allocator's in eleven
logs of MI300X."""
_ALONE = 1.0 * GIB, 1.4 * GIB
"""HIP's context, hipBLASLt's workspaces and kernels: 1.04 to 1.33 GiB in five logs of one MI300X."""
_RCCL = {2: (0.1 * GIB, 0.5 * GIB), 4: (0.25 * GIB, 0.65 * GIB), 8: (1.7 * GIB, 2.5 * GIB)}
"""RCCL's buffers by the number of GPUs: 0.35 to 0.5 GiB with four and 1.9 to 2.4 with eight MI300X, in two
and four logs; with two they are taken to be at most those of four."""
_CAPTURED = 0.062 * GIB, 0.115 * GIB
"""Of a layer at 51 sizes: HIP keeps 1.25 or 2.3 MiB for each graph of a piece of the model; eleven logs of
MI300X, 40 to 94 layers, 1 to 8 GPUs, dense and not, agree within 5 % in each of two kinds of image."""
_FIRST_GRAPH, _USUAL = 0.1 * GIB, 51
_WIDER = (0, 20)
"""From here on MXFP4 experts are rounded up to 256 on every card (fused_moe/oracle/mxfp4.py)."""
_RESIDUE_NOTE = "rows padded by 256 B, masks and copies (fp8_utils.py, unquantized_fused_moe_method.py)"
_LOST_NOTE = "what the device lost counts since 0.27; the log has it not with the weights"
_BESIDE = "what HIP's libraries and RCCL take beside it (measured on few cards; its own log tells)"
_AITER = (
    "whether the image runs AITER's kernels (VLLM_ROCM_USE_AITER in the runtime says it; so does `--vllm "
    "'RELEASE with AITER'`, or `without`)"
)
_GFX9 = ("gfx90a", "gfx942", "gfx950")
"""Cards that AITER has kernels for."""


def on_rocm(gpu: Gpu) -> bool:
    """Whether vLLM runs there through ROCm."""
    return gpu.vendor == AMD


def runs_aiter(start: Start) -> bool | None:
    """Whether AITER's kernels run (VLLM_ROCM_USE_AITER, off by default); None where the image may say so."""
    card = start.gpu.compute_capability
    return False if card and card not in _GFX9 else start.profile.aiter


def questions(start: Start) -> tuple[str, ...]:
    """What nobody knows of a start on ROCm."""
    if not on_rocm(start.gpu):
        return ()
    return (_BESIDE, _AITER) if runs_aiter(start) is None else (_BESIDE,)


def deducts_graphs(profile: Profile) -> bool:
    """Whether an estimate of the graphs is taken from the KV budget on ROCm."""
    return profile.graphs_deducted and profile.release >= _GRAPHS_DEDUCTED


def with_residue(weights: RankWeights, start: Start, split: Split) -> RankWeights:
    """The weights with what the allocator keeps beside them, where this release counts it."""
    least, most = _residue(start, split, (weights.first, weights.last))
    release, wider = start.profile.release, _short_experts(start, split, (weights.first, weights.last))
    weights = msgspec.structs.replace(weights, relaid=0.0)
    if _ALLOCATED_COUNT <= release < _DEVICE_COUNTS:
        kept = start.between(least.kept, most.kept)
        weights = msgspec.structs.replace(weights, relaid=kept)
        beside = loaded = 0.0
        note = ""
    elif release >= _DEVICE_COUNTS:
        beside, note = start.between(least.kept, most.kept), _LOST_NOTE
        loaded = 0.0
    else:
        beside, note = start.between(least.cached, most.cached), _RESIDUE_NOTE
        loaded = start.between(*_LOADED)
    parts = (
        ("wider MXFP4 experts", wider, "both widths rounded up (vllm mxfp4_utils.py)"),
        ("kept by PyTorch's allocator", beside, note),
        ("kernels loaded meanwhile", loaded, "measured, eleven logs of MI300X"),
    )
    terms = (Term(label, size / GIB, "GiB", Source.COMPUTED, said) for label, size, said in parts if size)
    return msgspec.structs.replace(
        weights, total=weights.total + wider + beside + loaded, terms=(*weights.terms, *terms)
    )


def outside_parts(start: Start) -> tuple[Part, ...]:
    """What grows outside PyTorch until the profile ends."""
    own = ("HIP's context and libraries", start.between(*_ALONE), "measured, five logs of one MI300X")
    ranks = start.args.tp
    if ranks == 1:
        return (own,)
    return own, (
        "RCCL's buffers",
        start.between(*_of_ranks(ranks)),
        f"of {ranks} GPUs; measured, six logs of MI300X",
    )


def graph_parts(start: Start) -> tuple[Part, ...]:
    """What capture takes."""
    sizes, layers = sizes_of(start), start.model.shape.layers
    share, each = sizes.count / _USUAL, start.between(*_CAPTURED)
    note = f"{share:.2f} x {each / GIB:.3f} GiB x {layers} layers, measured at {_USUAL} sizes on MI300X"
    return (
        ("first capture", _FIRST_GRAPH, "whatever is captured; measured"),
        (f"graphs of {sizes.words}", share * each * layers, note),
    )


def _of_ranks(ranks: int) -> tuple[float, float]:
    """Bounds by the number of GPUs, those of the next larger number that was measured."""
    known = next((count for count in _RCCL if count >= ranks), max(_RCCL))
    return _RCCL[known]


def _residue(start: Start, split: Split, rank: tuple[int, int]) -> tuple[Held, Held]:
    """The least and the most that is kept, of what the image may run."""
    known = runs_aiter(start)
    found = [_held(start, split, rank, shuffles=on) for on in ((False, True) if known is None else (known,))]
    cached, kept = [one.cached for one in found], [one.kept for one in found]
    return Held(min(cached), min(kept)), Held(max(cached), max(kept))


def _short_experts(start: Start, split: Split, rank: tuple[int, int]) -> float:
    model = start.model
    if not model.scheme.mxfp4:
        return 0.0
    wide = start.profile.release >= _WIDER or start.gpu.compute_capability == "gfx950"
    return short_padding(model.shape, model.storage, split, rank, 256 if wide else 128)


def _held(start: Start, split: Split, rank: tuple[int, int], *, shuffles: bool) -> Held:
    release, model = start.profile.release, start.model
    kernels = Kernels(
        converts=(start.gpu.compute_capability or "").startswith("gfx94"),
        shuffles=shuffles,
        contiguous=_CONTIGUOUS[0] <= release < _CONTIGUOUS[1],
        copied_back=release >= _COPIED_BACK,
        quantizes=model.unquantized and model.scheme.name == "fp8",
    )
    return _played(model.shape, model.storage, model.width, split, rank, kernels)


@lru_cache(maxsize=256)
def _played(
    shape: Shape, storage: Storage, width: int, split: Split, rank: tuple[int, int], kernels: Kernels
) -> Held:
    return held(steps_of(shape, storage, width, split, rank, kernels))
