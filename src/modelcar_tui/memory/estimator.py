"""What a start of vLLM would come to: as it was measured, where it was, else as it is computed."""

from __future__ import annotations

from modelcar_tui.hardware import Gpu
from modelcar_tui.memory.computed import computed
from modelcar_tui.memory.types import Estimate
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import EngineArgs


def estimate(
    model: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None, derive: bool = True
) -> Estimate:
    """What vLLM would do with `model` on `gpu`.

    Of `model.measured`, the newest start of this very model, card, release and arguments is the answer. Where
    only such arguments differ on which the measured parts do not hang, these are taken, and the rest is
    computed from them. Otherwise everything is computed: see `computed.computed` for the arguments.

    Returns:
        Per GPU figures with their terms. It never raises for what the facts hold; what can't be sized is
        UNKNOWN and says why.
    """
    made = computed(model, gpu, args, vllm=vllm, derive=derive)
    if not model.measured:
        return made
    from modelcar_tui.memory.measured_estimate import measured_estimate

    return measured_estimate(made, model, gpu, args, vllm=vllm, derive=derive)
