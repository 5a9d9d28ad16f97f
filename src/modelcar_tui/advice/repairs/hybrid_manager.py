"""The hybrid KV cache manager, where arguments and the model ask for what can't be together."""

from __future__ import annotations

import msgspec

from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.models import ModelFacts, describe_model
from modelcar_tui.vllm import manager_refused, profile_for
from modelcar_tui.vllm.arguments import Argument, EngineArgs, tested_args

FLAG = "--disable-hybrid-kv-cache-manager"
_WISHES: tuple[tuple[bool | None, str], ...] = ((None, ""), (True, f"--no-{FLAG[2:]}"), (False, FLAG))
"""What the arguments may say of the manager: nothing, that it is to be on, that it is to be off."""


def manager_fault(args: EngineArgs, facts: ModelFacts | None, vllm: str | None) -> str:
    """Why vLLM stops over the manager on a GPU that has it; empty where it does not, or nothing is known."""
    if facts is None or facts.config is None:
        return ""
    model = describe_model(facts, quantization=args.quantization, dtype="auto", overrides=args.overrides)
    return "" if isinstance(model, str) else manager_refused(model.shape, args, profile_for(vllm), "nvidia")


def repair_manager(
    arguments: tuple[Argument, ...], facts: ModelFacts, vllm: str | None, drafts: Drafts
) -> None:
    """Say of the manager what lets the server start; nothing where no word of it does."""
    args = tested_args(drafts.car.serving, vllm)
    why = manager_fault(args, facts, vllm)
    if not why:
        return
    right = [
        item
        for wish, item in _WISHES
        if not manager_fault(msgspec.structs.replace(args, hybrid_kv_manager=wish), facts, vllm)
    ]
    given = [one for one in arguments if one.name == FLAG and one.flag]
    if not right:
        return
    item, why = right[0], f"vLLM stops: {why}"
    for argument in given[: len(given) if not item else -1]:
        drafts.remove(argument, why, REQUIRED)
    if item and given:
        drafts.set(given[-1], item, why, REQUIRED)
    elif item:
        drafts.add(item, why, REQUIRED)
