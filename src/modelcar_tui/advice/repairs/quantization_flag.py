"""What `--quantization` and `--dtype` have to be changed to, where vLLM refuses them for a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.hardware import Gpu, Hardware, hardware
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import parse_version
from modelcar_tui.vllm.arguments import Argument, has_switch
from modelcar_tui.vllm.quantization import (
    ALLOW_DEPRECATED_FLAG,
    BFLOAT16,
    QUANTIZATION_FLAG,
    AskedQuantization,
    deprecated_method,
    dtype_fault,
    quantization_flag_fault,
    scales_refused,
)

DTYPE, CACHE = "--dtype", "--kv-cache-dtype"


class Numbers(msgspec.Struct, frozen=True):
    """The arguments that decide in which numbers a model runs."""

    quantization: Argument | None
    dtype: Argument | None
    cache: Argument | None
    configured: bool
    """Whether `--quantization-config` is given."""

    @classmethod
    def of(cls, arguments: tuple[Argument, ...]) -> Numbers:
        """The last of each, as the later argument wins."""
        given = {item.name: item for item in arguments if item.flag and item.value and not item.unknown}
        configured = f"{QUANTIZATION_FLAG}-config" in given
        return cls(given.get(QUANTIZATION_FLAG), given.get(DTYPE), given.get(CACHE), configured)


def asked_of(
    numbers: Numbers, facts: ModelFacts | None, vllm: str | None, gpu: Gpu | None = None
) -> AskedQuantization:
    """What decides about the method of such a start."""
    value = numbers.quantization.value if numbers.quantization else None
    card = hardware(gpu.vendor, gpu.product, gpu.compute_capability) if gpu else None
    return AskedQuantization(
        facts=facts, value=value, version=parse_version(vllm), gpu=card, configured=numbers.configured
    )


def repair_quantization(
    arguments: tuple[Argument, ...], facts: ModelFacts, gpu: Gpu | None, vllm: str | None, drafts: Drafts
) -> None:
    """Take away a method that vLLM refuses, and say that a deprecated one is known."""
    given = Numbers.of(arguments)
    asked = asked_of(given, facts, vllm, gpu)
    fault = quantization_flag_fault(asked)
    if given.quantization is not None and fault:
        drafts.remove(given.quantization, fault, REQUIRED)
        asked = msgspec.structs.replace(asked, value=None)
    if given.cache is not None and (scales := scales_refused(asked, given.cache.value or "")):
        drafts.remove(given.cache, scales, REQUIRED)
    old = deprecated_method(asked)
    if old and not has_switch(arguments, ALLOW_DEPRECATED_FLAG):
        drafts.add(
            ALLOW_DEPRECATED_FLAG, f"vLLM calls {old} deprecated and starts only when it is told so", REQUIRED
        )


def repair_dtype(
    arguments: tuple[Argument, ...], facts: ModelFacts, gpu: Gpu | None, vllm: str | None, drafts: Drafts
) -> None:
    """The smallest change that gives a dtype which the GPU, the model and the method have."""
    given = Numbers.of(arguments)
    asked = asked_of(given, facts, vllm, gpu)
    if quantization_flag_fault(asked):
        asked = msgspec.structs.replace(asked, value=None)
    dtype = (given.dtype.value if given.dtype else None) or "auto"
    fault = dtype_fault(asked, dtype)
    if not fault.why:
        return
    why = f"{gpu.product}: {fault.why}" if gpu is not None and fault.of_gpu else fault.why
    for value, method in _others(asked, dtype):
        other = msgspec.structs.replace(asked, value=method)
        if not dtype_fault(other, value).why:
            _change(given, value, method, asked, why, drafts)
            return


def _others(asked: AskedQuantization, dtype: str) -> Iterator[tuple[str, str | None]]:
    """Dtypes and methods to try, the nearest first."""
    if dtype in BFLOAT16 and _lacks(asked.gpu):
        yield "half", asked.value
    if dtype != "auto" and (asked.gpu is not None or asked.value is None):  # what it is hangs on the GPU
        yield "auto", asked.value
    if asked.value is not None:
        yield dtype, None
        yield "auto", None
    yield from (("half", asked.value), ("bfloat16", asked.value))


def _lacks(gpu: Hardware | None) -> bool:
    return gpu is not None and gpu.column == "nvidia" and gpu.capability < 80


def _change(
    given: Numbers, value: str, method: str | None, asked: AskedQuantization, why: str, drafts: Drafts
) -> None:
    if given.quantization is not None and method != asked.value:
        drafts.remove(given.quantization, why, REQUIRED)
    if given.dtype is None:
        if value != "auto":
            drafts.add(f"{DTYPE}={value}", why, REQUIRED)
    elif value == "auto":
        drafts.remove(given.dtype, why, REQUIRED)
    elif value != given.dtype.value:
        drafts.set(given.dtype, f"{DTYPE}={value}", why, REQUIRED)
