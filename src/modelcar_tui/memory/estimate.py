"""Does it start, and with what KV cache: vLLM's memory arithmetic for one model, GPU and set of arguments."""

from __future__ import annotations

from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.bounds import between, within
from modelcar_tui.memory.budget import budget_for
from modelcar_tui.memory.draft_heads import draft_kind, draft_layers, with_head
from modelcar_tui.memory.explain import report
from modelcar_tui.memory.guess import guessed
from modelcar_tui.memory.ready import Ready, ready
from modelcar_tui.memory.refusals import refusal
from modelcar_tui.memory.types import Estimate
from modelcar_tui.memory.unsized import reason
from modelcar_tui.models.config import Reader, text_part
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.defaults import Limits, limits_for
from modelcar_tui.vllm.engine_args import EngineArgs
from modelcar_tui.vllm.profile import Profile, hungry, profile_for


def estimate(model: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None) -> Estimate:
    """What vLLM would do with `model` on `gpu`.

    Args:
        model: what is known of it; without a config.json the answer comes from its size alone, with bounds.
        gpu: one unit; `args.tp x args.pp` of them are used.
        args: from `parse_args`.
        vllm: the version of the runtime image; None when it is not known. Then the newest is assumed and
        said,
            the figures are bounded by a release with other habits, and a verdict on which they differ is
            UNKNOWN.

    Returns:
        Per GPU figures with their terms. It never raises for what the facts hold; what can't be sized is
        UNKNOWN and says why.
    """
    profile = profile_for(vllm)
    found = _one(model, gpu, args, profile)
    if profile.known:
        return found
    return between(found, _one(model, gpu, args, hungry(profile)))


def _one(model: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile) -> Estimate:
    prepared = ready(model, quantization=args.quantization, dtype=args.dtype, overrides=args.overrides)
    if isinstance(prepared, str):
        return guessed(model, gpu, args, profile, prepared)
    limits = limits_for(prepared.shape, args, profile, gpu)
    refused = refusal(prepared, gpu, args, profile, limits)
    if refused is not None:
        return Estimate(outcome=refused.outcome, why=refused.why, error=refused.error, vllm=profile.label)
    if draft_kind(args) == "head":
        drafts = draft_layers(Reader(text_part(model.config or {}), model.config or {}))
        shared, own = (with_head(prepared, args, drafts, own_vocabulary=whole) for whole in (False, True))
        return within(
            _sized(shared, gpu, args, profile, limits),
            _sized(own, gpu, args, profile, limits),
            "whether the draft head shares the model's vocabulary",
        )
    return _sized(prepared, gpu, args, profile, limits)


def _sized(model: Ready, gpu: Gpu, args: EngineArgs, profile: Profile, limits: Limits) -> Estimate:
    budget = budget_for(model, gpu, args, profile, limits)
    return report(
        model, gpu, args, profile, limits, budget, reason(model, gpu, args, profile, limits, budget)
    )
