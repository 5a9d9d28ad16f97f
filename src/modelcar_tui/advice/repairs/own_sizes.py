"""The GPUs of a Kubernetes manifest's pods and the ranks that its arguments start."""

from __future__ import annotations

from collections.abc import Callable

from modelcar_tui.advice.repairs.drafts import GPU_COUNT, IMPROVEMENT, REQUIRED, Drafts
from modelcar_tui.core.counting import several
from modelcar_tui.manifest import Operation
from modelcar_tui.vllm.arguments import last_given, local_ranks, parse_arguments, sizes_open, tested_args

TENSOR_PARALLEL = "--tensor-parallel-size"


def own_sizes(fault: Callable[[int], str], vllm: str | None, drafts: Drafts, *, most: int | None) -> None:
    """Make them agree; what the solver has set, and what nobody knows here, is left.

    Args:
        fault: why the model can't be cut to a tensor parallel size; empty where it can.
        most: GPUs of the largest node; None where that is not known.
    """
    car = drafts.car
    serving, whole = car.serving, parse_arguments(car.serving.whole, vllm)
    settled = any(
        change.flag in (TENSOR_PARALLEL, GPU_COUNT) and change.operation is not Operation.REMOVE
        for change in drafts.all()
    )
    have = serving.gpu_count * car.pods
    if settled or not have or sizes_open(whole):
        return
    engine = tested_args(serving, vllm)
    others = engine.pp * local_ranks(whole, car.pods)
    world = engine.tp * others
    if world > have:
        wanted = -(-world // car.pods)
        if most is None or wanted <= most:
            why = f"{several(world, 'rank')} start and {_asked(have)}: vLLM needs one for each"
            drafts.gpus(wanted, why)
        elif not have % others and not fault(have // others):
            _size(drafts, have // others, f"{_asked(have)}, and {world} ranks would start", REQUIRED, vllm)
    elif world < have and others == 1 and car.pods == 1 and not fault(have):
        _size(drafts, have, f"{_asked(have)}; vLLM uses {world}, the rest is idle", IMPROVEMENT, vllm)


def _asked(have: int) -> str:
    return f"{several(have, 'GPU')} {'is' if have == 1 else 'are'} asked for"


def _size(drafts: Drafts, size: int, why: str, severity: str, vllm: str | None) -> None:
    given = last_given(parse_arguments(drafts.car.serving.args, vllm), TENSOR_PARALLEL)
    item = f"{TENSOR_PARALLEL}={size}"
    if given is None:
        drafts.add(item, why, severity)
    else:
        drafts.set(given, item, why, severity)
