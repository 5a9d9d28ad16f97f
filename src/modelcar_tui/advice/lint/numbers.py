"""In which numbers a model is to run: `--quantization` and `--dtype` against the checkpoint."""

from __future__ import annotations

from modelcar_tui.advice.lint.remarks import ERROR, Remarks
from modelcar_tui.advice.repairs.quantization_flag import Numbers, asked_of
from modelcar_tui.memory import cut_fault
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import Argument, fault_of_argument, has_switch, served_args
from modelcar_tui.vllm.quantization import (
    ALLOW_DEPRECATED_FLAG,
    AskedQuantization,
    deprecated_method,
    dtype_fault,
    quantization_flag_fault,
    scales_refused,
)

TENSOR_PARALLEL = "--tensor-parallel-size"


def lint_numbers(
    arguments: tuple[Argument, ...], facts: ModelFacts | None, vllm: str | None, remarks: Remarks
) -> None:
    """What vLLM refuses on each GPU; what the parser refuses already is not said again."""
    given = Numbers.of(arguments)
    asked = asked_of(given, facts, vllm)
    if not (fault := quantization_flag_fault(asked)):
        _with_method(given, asked, bool(has_switch(arguments, ALLOW_DEPRECATED_FLAG)), remarks)
    elif given.quantization is not None and not _told(given.quantization, remarks):
        cure = "delete it: vLLM reads the checkpoint"
        remarks.on(given.quantization, "quantization-mismatch", ERROR, fault, cure)
    if facts is not None:
        _cut(facts, vllm, remarks)


def _with_method(given: Numbers, asked: AskedQuantization, known: bool, remarks: Remarks) -> None:
    """What vLLM says of a method that goes with the checkpoint, and of the dtypes beside it."""
    if not known and (old := deprecated_method(asked)):
        what = f"quantization {old} is deprecated: vLLM starts only when it is told that this is known"
        remarks.on(given.quantization, "quantization-deprecated", ERROR, what, f"add {ALLOW_DEPRECATED_FLAG}")
    dtype = None if given.dtype is None or _told(given.dtype, remarks) else given.dtype
    if dtype is not None and (why := dtype_fault(asked, dtype.value or "auto").why):
        remarks.on(dtype, "dtype-refused", ERROR, why, "delete it")
    if given.cache is not None and (scales := scales_refused(asked, given.cache.value or "")):
        remarks.on(given.cache, "quantization-mismatch", ERROR, scales, "delete it")


def _cut(facts: ModelFacts, vllm: str | None, remarks: Remarks) -> None:
    """Blocks and groups that the shards of these arguments do not hold whole."""
    fault = cut_fault(facts, served_args(remarks.car.serving, vllm).mended(), vllm)
    if fault:
        experts = "--enable-expert-parallel"
        fix = f"add {experts}" if experts in fault else f"use a smaller {TENSOR_PARALLEL}"
        remarks.add("tensor-parallel", ERROR, fault, fix)


def _told(argument: Argument, remarks: Remarks) -> bool:
    return fault_of_argument(argument, remarks.judge.release) is not None
