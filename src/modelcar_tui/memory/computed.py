"""Does it start, and with what KV cache: vLLM's memory arithmetic for one model, GPU and set of arguments."""

from __future__ import annotations

import msgspec

from modelcar_tui.hardware import Gpu
from modelcar_tui.memory import sampling
from modelcar_tui.memory.bounds import between, within
from modelcar_tui.memory.budget import budgets_of
from modelcar_tui.memory.derived import on_size, sized
from modelcar_tui.memory.draft_heads import draft_kind, draft_layers, with_head
from modelcar_tui.memory.encoder import cut_items_refusal
from modelcar_tui.memory.explain import report
from modelcar_tui.memory.guess import guessed
from modelcar_tui.memory.open_questions import open_questions
from modelcar_tui.memory.parts import Parts
from modelcar_tui.memory.refusals import column_of, refusal
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models import Model, ModelFacts, Reader, describe_model, text_part
from modelcar_tui.vllm import EngineSwitch, Profile, StartLimits, hungriest_profile, profile_for
from modelcar_tui.vllm.arguments import EngineArgs
from modelcar_tui.vllm.quantization import model_type_of, resolved_dtype

_WHATEVER_THE_ARGUMENTS = (Outcome.REFUSED_ARCH, Outcome.REFUSED_KERNEL)


def computed(
    model: ModelFacts,
    gpu: Gpu,
    args: EngineArgs,
    *,
    vllm: str | None,
    derive: bool = True,
    parts: Parts | None = None,
) -> Estimate:
    """What vLLM would do with `model` on `gpu`, by its arithmetic alone.

    Args:
        model: what is known of it; without a config.json the answer comes from its size alone, with bounds.
        gpu: one unit; `args.tp x args.pp` of them are used.
        args: from `read_engine_args`.
        vllm: the version of the runtime image; None when it is not known. Then the newest is assumed and
            said, the figures are bounded by a release with other habits, and a verdict on which they differ
            is UNKNOWN.
        derive: also search for the smallest card and the longest context, which takes as long as all the
            rest; without it both are unknown.
        parts: what a measured start says of its parts, of a release that is known.

    Returns:
        Per GPU figures with their terms. It never raises for what the facts hold; what can't be sized is
        UNKNOWN and says why.
    """
    profile = profile_for(vllm)
    if profile.known:
        return _one(model, gpu, args, profile, derive, parts)

    def both(card: Gpu) -> tuple[Estimate, Estimate]:
        return _one(model, card, args, profile, derive), _one(
            model, card, args, hungriest_profile(profile), derive
        )

    return between(*both(gpu), profile.newer, lambda gib: both(sized(gpu, gib)))


def limits_of(facts: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None) -> StartLimits | None:
    """The numbers that vLLM would run with, its own where the arguments name none; None where the model can't
    be described."""
    start = prepared(facts, gpu, args, vllm=vllm)
    return None if start is None else start.limits


def prepared(facts: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None) -> Start | None:
    """The start as it is computed; None where the model can't be described."""
    profile = profile_for(vllm)
    model = _described(facts, gpu, args, profile)
    return None if isinstance(model, str) else start_of(model, gpu, args, profile)


def _described(facts: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile) -> Model | str:
    kind, version = model_type_of(facts.config), profile.version or profile.release
    dtype = resolved_dtype(args.dtype, column_of(gpu), kind, version)
    return describe_model(facts, quantization=args.quantization, dtype=dtype, overrides=args.overrides)


def _one(
    facts: ModelFacts,
    gpu: Gpu,
    args: EngineArgs,
    profile: Profile,
    derive: bool,
    parts: Parts | None = None,
) -> Estimate:
    model = _described(facts, gpu, args, profile)
    if isinstance(model, str):
        return guessed(facts, gpu, args, profile, model)
    start = msgspec.structs.replace(start_of(model, gpu, args, profile), parts=parts)
    refused = refusal(start, facts) or cut_items_refusal(start)
    if refused is not None and args.unknown and refused.outcome not in _WHATEVER_THE_ARGUMENTS:
        why = f"{args.unknown[0]}; without it: {refused.why}"
        return Estimate(outcome=Outcome.UNKNOWN, why=why, vllm=profile.label)
    if refused is not None:
        return Estimate(outcome=refused.outcome, why=refused.why, error=refused.error, vllm=profile.label)
    if draft_kind(args) == "head":
        drafts = draft_layers(Reader(text_part(facts.config or {}), facts.config or {}))
        shared, own = (start.of(with_head(model, args, drafts, own_vocabulary=own)) for own in (False, True))
        question = "whether the draft head shares the model's vocabulary"
        return _within(shared, own, question, derive)
    return _of_either_manager(start, derive) if args.kv_connector_module else _sized(start, derive)


def _of_either_manager(start: Start, derive: bool) -> Estimate:
    """Where nobody knows whether the hybrid KV cache manager is on: with it and without it."""
    manager = start.switches.hybrid_manager
    if manager.on is not None:
        return _sized(start, derive)
    off = msgspec.structs.replace(start.switches, hybrid_manager=EngineSwitch(False, manager.why))
    without = msgspec.structs.replace(start, switches=off)
    return _within(start, without, manager.why, derive)


def _within(start: Start, other: Start, question: str, derive: bool) -> Estimate:
    def on_card(gib: float) -> tuple[Estimate, Estimate]:
        return _sized(on_size(start, gib), derive), _sized(on_size(other, gib), derive)

    return within(_sized(start, derive), _sized(other, derive), question, on_card)


def _sized(start: Start, derive: bool) -> Estimate:
    """The figures, with bounds where something is open; the verdict only where both bounds have it."""
    found, questions = _exact(start, derive), open_questions(start)
    for bound in (0.0, 1.0) if questions else ():
        if bound != start.most:
            found = _bounded(found, start, start.at(bound), " and ".join(questions), derive)
    if not start.parts and (bare := sampling.without_flashinfer(start)) is not None:
        questions = (*questions, sampling.QUESTION)
        found = _bounded(found, start, bare, sampling.QUESTION, derive)
    if not questions or found.kv_available_gib.low is None:
        return found
    note = f"the KV cache is a range, its lower end is the promise: it depends on {' and '.join(questions)}"
    return msgspec.structs.replace(found, notes=(*found.notes, note))


def _bounded(found: Estimate, start: Start, bound: Start, question: str, derive: bool) -> Estimate:
    def on_card(gib: float) -> tuple[Estimate, Estimate]:
        return _exact(on_size(start, gib), derive), _exact(on_size(bound, gib), derive)

    return within(found, _exact(bound, derive), question, on_card)


def _exact(start: Start, derive: bool) -> Estimate:
    return report(start, budgets_of(start), derive=derive)
