"""Which kernels run a model's experts, by release, scheme and card, and what each of them keeps.

vLLM's modular kernels share one workspace over all layers, which lives on when the sampler runs
(fused_moe/modular_kernel.py; v1/worker/workspace.py from 0.13 on). Others allocate for each call, which
counts in the forward pass alone. The choice is fused_moe/oracle/*.py's, before 0.14 that of `apply` in each
quantization method.
"""

from __future__ import annotations

from enum import Enum

from modelcar_tui.core.rounding import round_up
from modelcar_tui.hardware import NVIDIA
from modelcar_tui.memory.start import Start
from modelcar_tui.models import Moe
from modelcar_tui.models.quantization import Scheme

_ALIGNED = 128
"""DeepGEMM pads each expert's rows to this (deep_gemm_utils.py compute_aligned_M)."""
_NARROW = 512
"""Shards up to here are too narrow for DeepGEMM on Hopper in 0.11.0 (deep_gemm_moe.py _valid_deep_gemm)."""
_WIDE_TP = 8
"""From this many GPUs on 0.12 to 0.14 leave DeepGEMM alone."""
_MODULAR = (0, 14)
"""From here on unquantized and FP8 experts run through modular kernels, whatever the card."""
_MARLIN_PER_CALL = {"gptq": (0, 20), "awq": (0, 22)}
"""Marlin for whole numbers is modular from here on; compressed-tensors' from 0.23 on."""
_PER_TENSOR = ("modelopt-fp8",)
_PER_ROW = ("fp8-ct",)
_WHOLE = frozenset({"w4a16", "w8a16", "gptq", "awq", "inc", "marlin", "moe-wna16"})


class Workspace(Enum):
    """What a kernel keeps while the sampler runs."""

    BOTH = "both intermediate results"
    ALIGNED = "both intermediate results, each expert's rows padded to 128"
    OUTPUT = "the output"
    NOTHING = "nothing"


def kept(start: Start) -> float:
    """Bytes that the experts' kernels still hold when the sampler runs."""
    moe = _experts(start)
    if moe is None:
        return 0.0
    found = workspace(start)
    most = _size(start, moe, found)
    return start.between(0.0 if image_decides(start) else most, most)


def passing(start: Start) -> float:
    """Bytes of a call that are free again after it; beside those `kept`."""
    moe = _experts(start)
    if moe is None or workspace(start) in (Workspace.BOTH, Workspace.ALIGNED):
        return 0.0
    rows, middle, out = _widths(start, moe)
    return rows * (max(out, moe.width) + middle) * 2.0


def image_decides(start: Start) -> bool:
    """Whether the kernel hangs on DeepGEMM, which not every image has, and the other one keeps nothing."""
    return (
        _experts(start) is not None
        and start.profile.release < _MODULAR
        and workspace(start) is Workspace.ALIGNED
    )


def workspace(start: Start) -> Workspace:
    """What is kept by the kernel that an image with FlashInfer and DeepGEMM takes."""
    profile, scheme = start.profile, start.model.scheme.of_role("expert")
    if profile.release < (0, 11):
        return Workspace.NOTHING
    capability = start.gpu.capability
    if start.gpu.vendor != NVIDIA:  # neither CUTLASS nor DeepGEMM is there
        return Workspace.NOTHING if profile.release < _MODULAR else Workspace.BOTH
    asked = start.args.moe_backend.lower()
    if asked not in ("", "auto"):  # whichever it is: none keeps more
        return Workspace.ALIGNED if "deep_gemm" in asked else Workspace.BOTH
    if capability is None or scheme.short_experts:
        return Workspace.BOTH
    if scheme.bits >= 16 and scheme.known:
        return _unquantized(start, capability)
    return _quantized(start, scheme, capability)


def _quantized(start: Start, scheme: Scheme, capability: float) -> Workspace:
    release = start.profile.release
    if scheme.mxfp4:
        return _mxfp4(release, capability)
    if start.args.enable_lora and release >= _MODULAR:
        return Workspace.BOTH
    if scheme.name == "fp8":
        return _in_blocks(start, capability) if scheme.block else _fp8(scheme, release, capability)
    if scheme.name == "nvfp4":
        return _nvfp4(scheme, release, capability)
    if not _WHOLE.isdisjoint(scheme.ids):
        until = next((_MARLIN_PER_CALL[each] for each in scheme.ids if each in _MARLIN_PER_CALL), (0, 23))
        return Workspace.NOTHING if release < until else Workspace.BOTH
    return Workspace.NOTHING if scheme.name == "int8" and release < (0, 20) else Workspace.BOTH


def _unquantized(start: Start, capability: float) -> Workspace:
    release, args = start.profile.release, start.args
    if release < _MODULAR:
        return Workspace.BOTH if args.ep and args.dp > 1 else Workspace.NOTHING
    flashinfer = release >= (0, 20) and capability >= 9 and args.dp == 1 and not args.enable_lora
    if release >= (0, 23) and capability < 10:
        flashinfer = False
    if start.model.shape.arch.startswith("Gemma"):  # its activation is not among FlashInfer's
        flashinfer = False
    return Workspace.OUTPUT if flashinfer else Workspace.BOTH


def _in_blocks(start: Start, capability: float) -> Workspace:
    release, args = start.profile.release, start.args
    hopper, blackwell = 9 <= capability < 10, 10 <= capability < 12
    if capability < 8.9 or not (hopper or blackwell):
        return Workspace.NOTHING if release < _MODULAR else Workspace.BOTH
    if release < (0, 15):
        return _deep_gemm(start, hopper=hopper)
    if blackwell:
        return Workspace.NOTHING
    if release < (0, 17) or (args.ep and args.tp * args.dp > 1):
        return Workspace.OUTPUT
    return Workspace.BOTH


def _deep_gemm(start: Start, *, hopper: bool) -> Workspace:
    """0.11.0 asks for a wide shard on Hopper; 0.11.1 takes DeepGEMM always, 0.12 not with many GPUs."""
    release, args, moe = start.profile.number, start.args, start.model.shape.moe
    if release < (0, 11, 1):
        shard = (moe.inter or 0) / args.expert_shards if moe else 0
        return Workspace.NOTHING if hopper and shard <= _NARROW else Workspace.ALIGNED
    if release >= (0, 12) and not args.ep and args.tp >= _WIDE_TP:
        return Workspace.NOTHING if release < _MODULAR else Workspace.BOTH
    return Workspace.ALIGNED


def _fp8(scheme: Scheme, release: tuple[int, int], capability: float) -> Workspace:
    """One scale for a matrix, for each of its rows, or made while loading."""
    rows = not set(_PER_ROW).isdisjoint(scheme.ids)
    tensor = not set(_PER_TENSOR).isdisjoint(scheme.ids) or (rows and not scheme.scale_bytes)
    if release < _MODULAR:
        return Workspace.BOTH if rows and capability >= 9 else Workspace.NOTHING
    if tensor and release >= (0, 15) and capability >= 9:
        return Workspace.OUTPUT
    return Workspace.BOTH


def _nvfp4(scheme: Scheme, release: tuple[int, int], capability: float) -> Workspace:
    if capability < 10 or "nvfp4-w4a16" in scheme.ids:
        return Workspace.NOTHING if release < _MODULAR else Workspace.BOTH
    if release < (0, 15):
        return Workspace.BOTH
    return Workspace.NOTHING if capability < 12 else Workspace.OUTPUT


def _mxfp4(release: tuple[int, int], capability: float) -> Workspace:
    """Marlin before Hopper; OpenAI's Triton kernels and TRT-LLM's allocate for each call."""
    return Workspace.BOTH if capability < 9 and release >= (0, 17) else Workspace.NOTHING


def _experts(start: Start) -> Moe | None:
    shape = start.model.shape
    return shape.moe if shape.moe is not None and any(shape.experts_at) and shape.moe.inter else None


def _widths(start: Start, moe: Moe) -> tuple[int, float, float]:
    """Rows of a call, the width between both multiplications, and what the first one gives."""
    inter = (moe.inter or 0) / start.args.expert_shards
    tokens = min(start.limits.batch, _chunk(start.profile.release))
    return tokens * (moe.top_k or 1), inter, inter * (2 if start.model.shape.gated else 1)


def _chunk(release: tuple[int, int]) -> int:
    """Tokens of a call at most (VLLM_FUSED_MOE_CHUNK_SIZE, until 0.17)."""
    return 32768 if release < (0, 12) else 16384 if release < (0, 18) else 2**31


def _size(start: Start, moe: Moe, kind: Workspace) -> float:
    """Bytes of a workspace (each kernel's `workspace_shapes`); the output lies in it where it fits."""
    batch, number_of = start.limits.batch, start.profile.number
    if kind is Workspace.NOTHING:
        return 0.0
    if kind is Workspace.OUTPUT:
        return batch * moe.width * 2.0
    rows, middle, out = _widths(start, moe)
    if kind is Workspace.ALIGNED:
        own = moe.experts / (start.args.tp * start.args.dp if start.args.ep else 1)
        rows = round_up(int(rows + own * (_ALIGNED - 1)), _ALIGNED)
        if (0, 11, 1) <= number_of < (0, 13):
            beside = batch * moe.width if rows * out < batch * moe.width else 0
            return (rows * (out + max(middle, moe.width)) + beside) * 2.0
    return rows * (max(middle, moe.width) + max(out, moe.width)) * 2.0
