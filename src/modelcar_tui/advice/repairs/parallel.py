"""`gpu_count`, the tensor parallel size and the other sizes: KServe passes one, the QA suite the other."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from modelcar_tui.advice.repairs.drafts import GPU_COUNT, IMPROVEMENT, REQUIRED, Drafts
from modelcar_tui.advice.repairs.own_sizes import TENSOR_PARALLEL, own_sizes
from modelcar_tui.advice.repairs.values import EXPERTS, intended
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import Operation, effective
from modelcar_tui.memory import Outcome, cut_fault, estimate
from modelcar_tui.models import ModelFacts, tensor_parallel_fault
from modelcar_tui.vllm.arguments import Argument, config_overrides, has_switch, read_engine_args, tested_args

_PP, _DP = "--pipeline-parallel-size", "--data-parallel-size"
_DCP, _BACKEND = "--decode-context-parallel-size", "--distributed-executor-backend"


def repair_sizes(
    arguments: tuple[Argument, ...], facts: ModelFacts, gpu: Gpu | None, vllm: str | None, drafts: Drafts
) -> None:
    """Make the sizes agree with each other and with `gpu_count`; what the solver has set is left."""
    serving, changed = drafts.car.serving, config_overrides(arguments, vllm)
    whole = bool(has_switch(arguments, EXPERTS)) or drafts.settles(EXPERTS)

    def fault(size: int) -> str:
        sized = msgspec.structs.replace(serving, gpu_count=size)
        engine = msgspec.structs.replace(tested_args(sized, vllm), tp=size, ep=whole)
        shards = tensor_parallel_fault(facts, size, changed, whole_experts=whole)
        return shards or cut_fault(facts, engine.mended(), vllm)

    if not serving.by_suite:
        own_sizes(fault, vllm, drafts, most=None if gpu is None else gpu.count)
        _backend(arguments, drafts)
        return
    _only_tensor_parallel(arguments, drafts)
    given = [item for item in arguments if item.name == TENSOR_PARALLEL and intended(item)]
    settled = [change.new for change in drafts.all() if change.id in _settled(drafts)]
    if not settled or (given and settled == [f"{TENSOR_PARALLEL}={intended(given[-1])}"]):
        if given:
            _agree(given[-1], fault, facts, gpu, vllm, drafts)
        elif drafts.gpu_count > 1:
            _written(fault, facts, gpu, vllm, drafts)
    _context_parallel(arguments, drafts)
    _backend(arguments, drafts)


def _only_tensor_parallel(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    """Take away pipeline and data parallel ranks, beside which the QA suite's size is one too many."""
    for argument in arguments:
        ranks = intended(argument) if argument.name in (_PP, _DP) else 0
        if ranks > 1:
            many = f"{ranks} times as many ranks as GPUs would start"
            why = f"the QA suite sets {TENSOR_PARALLEL} to gpu_count, so {many}"
            drafts.remove(argument, why, REQUIRED, for_suite=_world(arguments) <= drafts.gpu_count)


def _context_parallel(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    for argument in arguments:
        part = intended(argument) if argument.name == _DCP else 0
        if part and drafts.gpu_count % part:
            why = f"{_DCP} {part} does not divide tensor parallel {drafts.gpu_count}"
            drafts.couple(drafts.remove(argument, why, REQUIRED), *_settled(drafts))


def _settled(drafts: Drafts) -> list[str]:
    """The changes that give the model another number of GPUs, and write it down."""
    return [
        change.id
        for change in drafts.all()
        if change.flag in (TENSOR_PARALLEL, GPU_COUNT) and change.operation is not Operation.REMOVE
    ]


def _agree(
    given: Argument,
    fault: Callable[[int], str],
    facts: ModelFacts,
    gpu: Gpu | None,
    vllm: str | None,
    drafts: Drafts,
) -> None:
    """Give both one value: gpu_count's, unless it is only the suite's or the model can't be cut to it."""
    serving, size = drafts.car.serving, intended(given)
    count = serving.gpu_count
    if size == count:
        return
    there = gpu is None or size <= gpu.count
    if there and serving.gpu_count_at is None:
        drafts.gpus(size, f"{TENSOR_PARALLEL} is {size} and without gpu_count one GPU is requested")
        return
    if there and fault(count) and not fault(size):
        drafts.gpus(size, f"gpu_count is {count}, {TENSOR_PARALLEL} is {size}, and {fault(count)}")
        return
    why = f"gpu_count is {count} and {TENSOR_PARALLEL} is {size}: the QA suite passes {count}, KServe {size}"
    needed = size > count or not _starts_so(serving.args, facts, gpu, vllm)
    item = f"{TENSOR_PARALLEL}={count}"
    if not drafts.set(given, item, why, REQUIRED if needed else IMPROVEMENT):
        drafts.revise(TENSOR_PARALLEL, item, why)


def _written(
    fault: Callable[[int], str], facts: ModelFacts, gpu: Gpu | None, vllm: str | None, drafts: Drafts
) -> None:
    """Write down the size that is only implied, or the largest below it that the model can be cut to."""
    serving, count = drafts.car.serving, drafts.gpu_count
    if not fault(count):
        why = f"{count} GPUs are requested; without it vLLM uses one, the rest is idle"
        left = effective(serving, (change for change in drafts.all() if change.severity == REQUIRED)).args
        needed = not left and not _starts_so((), facts, gpu, vllm)
        severity = REQUIRED if needed else IMPROVEMENT
        drafts.add(f"{TENSOR_PARALLEL}={count}", why, severity, for_suite=True)
        return
    size = next((size for size in range(count - 1, 1, -1) if not fault(size)), 1)
    why = f"the QA suite passes gpu_count {count} on, and {fault(count)}"
    item, goes = f"{TENSOR_PARALLEL}={size}", f"goes with gpu_count {size}"
    drafts.couple(
        drafts.gpus(size, why, for_suite=not serving.args),
        drafts.add(item, goes, REQUIRED, for_suite=not serving.args),
    )


def _backend(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    count = drafts.gpu_count
    for argument in arguments:
        if argument.name != _BACKEND:
            continue
        if count == 1 and argument.value in ("mp", "ray"):
            why = f"one GPU needs no {argument.value} workers; vLLM's default is one process"
            drafts.remove(argument, why)
        elif count > 1 and argument.value == "uni":
            why = f"uni drives one GPU and {count} are requested; the default is mp"
            sized = any(other.name in (TENSOR_PARALLEL, _PP, _DP) for other in arguments)
            alone = _world(arguments, (TENSOR_PARALLEL, _PP)) == 1
            drafts.remove(argument, why, REQUIRED, for_suite=sized and alone)


def _starts_so(args: tuple[str, ...], facts: ModelFacts, gpu: Gpu | None, vllm: str | None) -> bool:
    """Whether the model starts with the sizes that the arguments themselves name; True where no GPU is
    known."""
    if gpu is None:
        return True
    engine = read_engine_args(args, None, vllm).mended()
    return estimate(facts, gpu, engine, vllm=vllm, derive=False).outcome is Outcome.STARTS


def _world(arguments: tuple[Argument, ...], flags: tuple[str, ...] = (TENSOR_PARALLEL, _PP, _DP)) -> int:
    """How many ranks the arguments ask for; a data parallel rank has an executor of its own."""
    sizes = {argument.name: intended(argument) for argument in arguments if argument.name in flags}
    return math.prod(size or 1 for size in sizes.values())
