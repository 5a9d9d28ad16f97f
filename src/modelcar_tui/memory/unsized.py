"""What is not modelled, so that an answer would be a lie."""

from __future__ import annotations

from modelcar_tui.core.facts import GIB, Source
from modelcar_tui.hardware import NVIDIA, Gpu
from modelcar_tui.memory import encoder
from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.draft_heads import draft_kind
from modelcar_tui.memory.other_code import other_code, runs_other_code
from modelcar_tui.memory.outcome import state_blocks, text
from modelcar_tui.memory.refusals import backend_unsure, short_cache_unsure
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.towers import absent_modalities
from modelcar_tui.models import Model
from modelcar_tui.vllm import architecture_unsure, why_unmodelled
from modelcar_tui.vllm.arguments import EngineArgs

_LAID_OUT = 9.0, 12.0
"""Capabilities whose backend for compressed attention was read (vllm models/deepseek_v4/nvidia)."""
_COMPRESSED_SINCE = (0, 24)
"""The first release whose caches of compressed attention were held against vLLM's own plan."""
_ENCODER = 4 * GIB
"""More than any encoder of images that was read takes at 8,192 tokens a step (Gemma 3: 3.4 GiB)."""
_SEEN, _HEARD = frozenset({"image", "video"}), frozenset({"audio"})
_STATE_SINCE = (0, 10)
_CAPPED_SINCE = (0, 18)


def reason(start: Start, budget: Budget) -> str:
    """Why the verdict must stay UNKNOWN although the sum can be made; the empty text when it need not."""
    model, args, profile = start.model, start.args, start.profile
    if start.parts is not None and start.parts.settled:
        return next(iter((*args.unknown, *args.doubts)), "") or cache_unsure(start) or _states(start, budget)
    return (
        next(iter((*args.unknown, *args.doubts)), "")
        or cache_unsure(start)
        or why_unmodelled(model.shape.arch, measured=model.source is not Source.MODEL_CONFIG)
        or _undescribed(model, args)
        or _unprofiled(start, budget)
        or architecture_unsure(model.shape.arch, profile, own_code=model.own_code)
        or _draft(args)
        or _cache(start)
        or _scheme(model)
        or _states(start, budget)
    )


def _draft(args: EngineArgs) -> str:
    what = "the draft model of --speculative-config takes memory that is not known here"
    return what if draft_kind(args) == "model" else ""


def _scheme(model: Model) -> str:
    known = model.scheme.known or model.source is Source.HEADERS
    return "" if known else f"the quantization `{model.scheme.name}` is not known"


def _states(start: Start, budget: Budget) -> str:
    """What of the states of state-space layers, and of graphs over them, was not modelled."""
    profile, blocks, seqs = start.profile, state_blocks(budget), start.limits.seqs
    if blocks is not None and runs_other_code(start.gpu):
        return other_code(start.gpu)
    if blocks is not None and seqs > blocks and profile.release < _CAPPED_SINCE and not profile.bound:
        return f"graphs of {seqs} sequences over {blocks} state blocks crashed before vLLM 0.18 (issue 34094)"
    if "state" in start.model.shape.kinds and profile.release < _STATE_SINCE:
        return f"state-space layers were cached differently before vLLM 0.10, this is {profile.label}"
    return ""


def _cache(start: Start) -> str:
    """What of the image decides whether attention can read the KV cache; empty where nothing does."""
    model, gpu, args, profile = start.model, start.gpu, start.args, start.profile
    if short_cache_unsure(gpu, args, profile, model):
        return (
            f"an {args.kv_cache_dtype} KV cache on {gpu.product} runs with FlashInfer, not with Triton's "
            "attention"
        )
    wants = backend_unsure(model, gpu, args, profile)
    return (
        f"whether it starts hangs on the image: its attention wants {wants} for this cache" if wants else ""
    )


def _undescribed(model: Model, args: EngineArgs) -> str:
    """What of its tower no formula covers."""
    tower = model.shape.tower
    if tower is None or model.tower or args.language_model_only:
        return ""
    return tower.missing


def _unprofiled(start: Start, budget: Budget) -> str:
    """Why an encoder that vLLM runs while profiling leaves the sum in doubt; empty where it can't."""
    tower, args = start.model.shape.tower, start.args
    if tower is None or args.skip_mm_profiling or encoder.read(tower) or encoder.left_out(start):
        return ""
    if start.profile.bound:
        return ""
    absent = absent_modalities(args)
    if absent >= (_HEARD if tower.kind == "audio" else _SEEN):
        return ""
    left = None if budget.available is None else budget.available - budget.needed
    if left is None or not 0 <= left < _ENCODER:
        return ""
    return (
        f"what {start.model.shape.arch or 'its architecture'}'s encoder takes while vLLM profiles it was not "
        f"read, and {text(left)} are left (--limit-mm-per-prompt with 0 for each modality switches it off)"
    )


def cache_unsure(start: Start) -> str:
    """Why nobody can say what the model caches; empty where that is known."""
    shape, gpu, profile = start.model.shape, start.gpu, start.profile
    if shape.odd:
        return shape.odd[0]
    if shape.compressed is not None and not _laid_out_as_read(gpu):
        return f"how its compressed attention is laid out on {gpu.product} was not read"
    if shape.compressed is not None and profile.release < _COMPRESSED_SINCE and not profile.bound:
        return f"how vLLM {profile.label} lays out its compressed attention was not read"
    return ""


def _laid_out_as_read(gpu: Gpu) -> bool:
    capability = gpu.capability if gpu.vendor == NVIDIA else None
    return capability is not None and _LAID_OUT[0] <= capability < _LAID_OUT[1]
