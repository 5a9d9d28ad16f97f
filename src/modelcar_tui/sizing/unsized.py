"""What is not modelled, so that an answer would be a lie."""

from __future__ import annotations

from modelcar_tui.core.facts import Source
from modelcar_tui.sizing.architectures import architecture_unsure
from modelcar_tui.sizing.model import Ready
from modelcar_tui.sizing.types import EngineArgs, Gpu
from modelcar_tui.sizing.version import Profile

_OWN_DRAFT = frozenset({"ngram", "[ngram]", "suffix"})
_STATE_SINCE = (0, 10)


def reason(model: Ready, gpu: Gpu, args: EngineArgs, profile: Profile) -> str:
    """Why the verdict must stay UNKNOWN although the sum can be made; the empty text when it need not."""
    if model.shape.odd:
        return model.shape.odd[0]
    unsure = architecture_unsure(model.shape.arch, profile)
    if unsure:
        return unsure
    if args.speculative and _draft(args) not in _OWN_DRAFT:
        return "the draft model of --speculative-config takes memory that is not known here"
    if not model.scheme.known and model.source is not Source.HEADERS:
        return f"the quantization `{model.scheme.name}` is not known"
    if gpu.vendor not in ("nvidia", "amd"):
        return f"{gpu.vendor} devices run vLLM through other code, which is not modelled"
    if "state" in model.shape.kinds and profile.release < _STATE_SINCE:
        return f"state-space layers were cached differently before vLLM 0.10, this is {profile.label}"
    return ""


def _draft(args: EngineArgs) -> str:
    return (args.speculative_method or args.speculative_model or "").lower()
