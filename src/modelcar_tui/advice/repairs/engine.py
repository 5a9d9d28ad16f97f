"""Arguments that vLLM's engine refuses, written otherwise where that is sure, else taken away."""

from __future__ import annotations

from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.advice.repairs.own_sizes import TENSOR_PARALLEL
from modelcar_tui.core.errors import UserError
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import ServingArguments, effective
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import asked_of_server, start_refusals
from modelcar_tui.vllm.arguments import Argument, parse_arguments
from modelcar_tui.vllm.refused import Refusal

_ROUNDS = 4
"""A repair may bring another refusal to light; no chain is longer."""


def repair_engine(
    arguments: tuple[Argument, ...], facts: ModelFacts, gpu: Gpu | None, vllm: str | None, drafts: Drafts
) -> None:
    """A change for each argument that the engine refuses beside what the other changes leave.

    A tensor parallel size is left to the solver.
    """
    for _ in range(_ROUNDS):
        after = _after(drafts)
        left = parse_arguments(after.whole, vllm)
        found = start_refusals(asked_of_server(left, vllm, facts, gpus=after.implied_size, gpu=gpu))
        if not [
            True
            for refusal in found
            if refusal.flag != TENSOR_PARALLEL and _repair(refusal, arguments, drafts)
        ]:
            return


def _after(drafts: Drafts) -> ServingArguments:
    """The arguments as the changes leave them; as they are where a change can't be written."""
    try:
        return effective(drafts.car.serving, drafts.all())
    except UserError:
        return drafts.car.serving


def _repair(refusal: Refusal, arguments: tuple[Argument, ...], drafts: Drafts) -> bool:
    """Whether there is a new change."""
    why = f"{refusal.what}: vLLM refuses to start"
    if refusal.add:
        return bool(drafts.add(refusal.add, why, REQUIRED))
    given = [one for one in arguments if one.name == refusal.flag and one.flag and not drafts.touched(one)]
    if refusal.write and given:
        drafts.set(given.pop(), refusal.write, why, REQUIRED)
        return True
    removed = [drafts.remove(one, why, REQUIRED) for one in given]
    return any(removed) or drafts.revise(refusal.flag, refusal.write or None, why)
