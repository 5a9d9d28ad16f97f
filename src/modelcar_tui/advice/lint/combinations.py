"""Arguments that are right one by one and wrong together, or for this model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modelcar_tui.advice.finding import Stops
from modelcar_tui.advice.lint.remarks import ERROR, NOTE, WARNING, Remarks
from modelcar_tui.hardware import Gpu
from modelcar_tui.models import ModelFacts, architecture_of, makes_no_text, no_experts, tensor_parallel_fault
from modelcar_tui.vllm import asked_of_server, longest_context, pipeline_fault, start_refusals
from modelcar_tui.vllm.arguments import (
    Argument,
    argument_faults,
    config_overrides,
    has_switch,
    last_value,
    local_ranks,
    sizes_open,
    tokens_in,
)

_TP, _PP, _DP = "--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"
_DCP, _EXPERTS = "--decode-context-parallel-size", "--enable-expert-parallel"
_BACKEND, _LENGTH = "--distributed-executor-backend", "--max-model-len"
_BATCHED, _SEQUENCES = "--max-num-batched-tokens", "--max-num-seqs"


def lint_combinations(
    arguments: tuple[Argument, ...],
    facts: ModelFacts | None,
    remarks: Remarks,
    vllm: str | None = None,
    gpu: Gpu | None = None,
) -> None:
    """GPU count and parallel sizes, the model's own limits, batch and context sizes."""
    if not sizes_open(arguments):
        _gpus(arguments, remarks)
        _executor(arguments, remarks)
        _parallel(arguments, facts, vllm, remarks)
    _length(arguments, facts.config if facts else None, vllm, remarks)
    _batch(arguments, remarks)
    _context_parallel(arguments, remarks)
    _engine(arguments, facts, vllm, gpu, remarks)


def _engine(
    arguments: tuple[Argument, ...],
    facts: ModelFacts | None,
    vllm: str | None,
    gpu: Gpu | None,
    remarks: Remarks,
) -> None:
    """What vLLM's engine says of arguments that its parser takes: what has a fault of its own has it once."""
    asked = asked_of_server(arguments, vllm, facts, gpus=remarks.car.serving.implied_size, gpu=gpu)
    told = {argument.name for argument, _ in argument_faults(arguments, remarks.judge.release)}
    for refusal in start_refusals(asked):
        if refusal.flag not in told:
            remarks.on(_at(arguments, refusal.flag), refusal.code, ERROR, refusal.what, refusal.fix)


def _context_parallel(arguments: tuple[Argument, ...], remarks: Remarks) -> None:
    size, part = _size(arguments, _TP) or remarks.car.serving.implied_size, _size(arguments, _DCP)
    if part and size % part:
        what = f"{_DCP} {part} must divide tensor parallel {size}"
        remarks.on(_at(arguments, _DCP), "context-parallel", ERROR, what, "lower it")


def _at(arguments: tuple[Argument, ...], flag: str) -> Argument | None:
    return next((argument for argument in reversed(arguments) if argument.name == flag), None)


def _size(arguments: tuple[Argument, ...], flag: str) -> int | None:
    number = tokens_in(last_value(arguments, flag))
    return number if number is not None and number > 0 else None


def _ranks(arguments: tuple[Argument, ...], *flags: str) -> int:
    return math.prod(_size(arguments, flag) or 1 for flag in flags)


def _gpus(arguments: tuple[Argument, ...], remarks: Remarks) -> None:
    """The ranks that are asked for against `gpu_count`, which the QA suite passes in their place."""
    if not remarks.car.serving.by_suite:
        _own_gpus(arguments, remarks)
        return
    count, size = remarks.car.serving.gpu_count, _size(arguments, _TP)
    world, others = _ranks(arguments, _TP, _PP, _DP), _ranks(arguments, _PP, _DP)
    if not arguments and count > 1:
        what = (
            f"gpu_count is {count} but there are no args: the QA suite then passes no tensor parallel "
            f"size and {_idle(count - 1)}"
        )
        remarks.on(None, "gpus-without-args", WARNING, what, f"add --tensor-parallel-size={count}")
    elif others > 1:
        where = _at(arguments, _PP) or _at(arguments, _DP)
        many = f"{world} ranks are asked for and gpu_count is {count}: the server would not start; and "
        what = (
            f"the QA suite sets {_TP} to gpu_count ({count}), so {count} x {others} ranks would want more "
            f"than the {count} GPUs that are requested"
        )
        what = many + what if world > count else what
        fix = f"delete {where.name if where else _PP} and let gpu_count be {world}"
        remarks.on(where, "suite-parallel", ERROR, what, fix, stops=_too_many(world, count))
    elif size is not None and size != count:
        what = f"{_TP} is {size} and gpu_count is {count}: KServe passes {size}, the QA suite passes {count}"
        fix, severity = f"write {_TP}={count}, or gpu_count: {size}", ERROR if world > count else WARNING
        stops = _too_many(world, count)
        remarks.on(_at(arguments, _TP), "gpu-count", severity, what, fix, stops=stops)
    elif size is None and world < count:
        idle = _idle(count - world)
        what = f"gpu_count is {count} and no {_TP} is given: outside the QA suite {idle}"
        remarks.on(None, "gpu-count", WARNING, what, f"add {_TP}={count}")


def _own_gpus(arguments: tuple[Argument, ...], remarks: Remarks) -> None:
    """The ranks that a Kubernetes manifest starts against the GPUs of its pods."""
    car = remarks.car
    world = _ranks(arguments, _TP, _PP) * local_ranks(arguments, car.pods)
    have = car.serving.gpu_count * car.pods
    if not have or world == have:
        return
    where = next(filter(None, (_at(arguments, flag) for flag in (_TP, _PP, _DP))), None)
    over = f" in {car.pods} pods" if car.pods > 1 else ""
    asked = "1 GPU is asked for" if have == 1 else f"{have} GPUs are asked for"
    if world > have:
        what = f"{world} ranks are asked for and only {asked.removesuffix(' asked for')} there{over}"
        fix = f"ask for {world // car.pods} GPUs a pod, or lower the sizes"
        remarks.on(where, "gpu-count", ERROR, what, fix, stops=Stops.SERVER)
        return
    what = f"{asked}{over} and vLLM uses {world}: {_idle(have - world)}"
    remarks.on(where, "gpu-count", WARNING, what, f"add {_TP}={have}, or ask for {world}")


def _executor(arguments: tuple[Argument, ...], remarks: Remarks) -> None:
    backend, where = last_value(arguments, _BACKEND), _at(arguments, _BACKEND)
    one = _ranks(arguments, _TP, _PP)  # each data parallel rank has an executor of its own
    if backend in ("mp", "ray") and remarks.car.serving.gpu_count == _ranks(arguments, _TP, _PP, _DP) == 1:
        what = f"{_BACKEND}={backend} starts a second process that one GPU does not need"
        remarks.on(where, "executor-one-gpu", NOTE, what, "delete it")
    if backend == "uni" and one > 1:
        what = f"{_BACKEND}=uni drives one GPU and {one} are asked for"
        remarks.on(where, "executor-uni", ERROR, what, "delete it: mp is the default")


def _too_many(ranks: int, gpus: int) -> Stops:
    """vLLM needs a GPU a rank; where there are enough, only the QA suite's own sizes are in question."""
    return Stops.SERVER if ranks > gpus else Stops.SUITE


def _idle(number: int) -> str:
    return "1 GPU stays idle" if number == 1 else f"{number} GPUs stay idle"


def _parallel(
    arguments: tuple[Argument, ...], facts: ModelFacts | None, vllm: str | None, remarks: Remarks
) -> None:
    config, changed = facts.config if facts else None, config_overrides(arguments, vllm)
    size = _size(arguments, _TP) or (remarks.car.serving.implied_size if arguments else 1)
    stages = _size(arguments, _PP) or 1
    if stages > 1 and (fault := pipeline_fault(config, stages, vllm)):
        remarks.on(_at(arguments, _PP), "pipeline-parallel", ERROR, fault, f"delete {_PP}")
    whole = bool(has_switch(arguments, _EXPERTS))

    def fault_over(gpus: int) -> str:
        return tensor_parallel_fault(facts, gpus, changed, whole_experts=whole)

    fault = fault_over(size)
    if fault:
        fitting = [other for other in (1, 2, 4, 8, 16) if other <= max(size, 1) and not fault_over(other)]
        fix = f"use {fitting[-1]}" if fitting else "use one GPU"
        remarks.on(_at(arguments, _TP), "tensor-parallel", ERROR, f"tensor parallel {size}: {fault}", fix)
    if whole and no_experts(config):
        what = "expert parallelism needs a mixture-of-experts model"
        remarks.on(_at(arguments, _EXPERTS), "expert-parallel", ERROR, what, "delete it")


def _length(
    arguments: tuple[Argument, ...], config: Mapping[str, Any] | None, vllm: str | None, remarks: Remarks
) -> None:
    wanted, limit = (
        _size(arguments, _LENGTH),
        longest_context(config, config_overrides(arguments, vllm), vllm),
    )
    allowed = remarks.car.serving.long_context
    if wanted is not None and limit is not None and wanted > limit and not allowed:
        what = f"{_LENGTH}={wanted} and the model has {limit:,} positions: vLLM refuses to start"
        remarks.on(_at(arguments, _LENGTH), "context-too-long", ERROR, what, f"write {_LENGTH}={limit}")


def _batch(arguments: tuple[Argument, ...], remarks: Remarks) -> None:
    batched, sequences = _size(arguments, _BATCHED), _size(arguments, _SEQUENCES)
    wanted, where = _size(arguments, _LENGTH), _at(arguments, _BATCHED)
    if batched and sequences and batched < sequences:
        what = f"{_BATCHED} ({batched}) must be at least {_SEQUENCES} ({sequences})"
        remarks.on(where, "batch-too-small", ERROR, what, f"write {_BATCHED}={sequences}")
    if batched and wanted and batched < wanted and has_switch(arguments, "--enable-chunked-prefill") is False:
        what = f"without chunked prefill {_BATCHED} ({batched}) must hold a whole context ({wanted})"
        remarks.on(where, "batch-below-context", ERROR, what, "delete --no-enable-chunked-prefill")


def lint_output_type(config: Mapping[str, Any] | None, remarks: Remarks) -> None:
    """The manifest's output type against what the architecture does."""
    first = architecture_of(config)
    kind = remarks.car.model_output_type
    hint = f"{remarks.car.name} {remarks.car.image}".lower()
    speech = "Whisper" in first or (not first and "whisper" in hint)
    if speech and kind != "audio":
        what = f"a speech model with model_output_type {kind}: the QA suite would ask it for text"
        remarks.add("output-type", WARNING, what, "write model_output_type: audio")
    elif makes_no_text(first) and kind == "text":
        what = f"{first} makes embeddings and model_output_type is text"
        remarks.add("output-type", WARNING, what, "write model_output_type: embedding")
