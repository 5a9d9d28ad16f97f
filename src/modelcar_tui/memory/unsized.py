"""What is not modelled, so that an answer would be a lie."""

from __future__ import annotations

from modelcar_tui.core.facts import Source
from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.draft_heads import draft_kind
from modelcar_tui.memory.other_code import ample, other_code, runs_other_code
from modelcar_tui.memory.outcome import state_blocks
from modelcar_tui.memory.refusals import short_cache_unsure
from modelcar_tui.memory.start import Start
from modelcar_tui.vllm.architectures import architecture_unsure

_STATE_SINCE = (0, 10)
_CAPPED_SINCE = (0, 18)


def reason(start: Start, budget: Budget) -> str:
    """Why the verdict must stay UNKNOWN although the sum can be made; the empty text when it need not."""
    model, gpu, args, profile = start.model, start.gpu, start.args, start.profile
    if args.unknown or args.doubts:
        return (*args.unknown, *args.doubts)[0]
    if model.shape.odd:
        return model.shape.odd[0]
    unsure = architecture_unsure(model.shape.arch, profile)
    if unsure:
        return unsure
    if draft_kind(args) == "model":
        return "the draft model of --speculative-config takes memory that is not known here"
    if short_cache_unsure(gpu, args, profile, model):
        return (
            f"an {args.kv_cache_dtype} KV cache on {gpu.product} runs with FlashInfer, not with Triton's "
            "attention"
        )
    if not model.scheme.known and model.source is not Source.HEADERS:
        return f"the quantization `{model.scheme.name}` is not known"
    blocks = state_blocks(budget)
    if runs_other_code(gpu) and (blocks is not None or not ample(budget)):
        return other_code(gpu)
    if blocks is not None and profile.release < _CAPPED_SINCE and start.limits.seqs > blocks:
        return (
            f"graphs of {start.limits.seqs} sequences over {blocks} state blocks crashed before vLLM 0.18 "
            "(issue 34094)"
        )
    if "state" in model.shape.kinds and profile.release < _STATE_SINCE:
        return f"state-space layers were cached differently before vLLM 0.10, this is {profile.label}"
    return ""
