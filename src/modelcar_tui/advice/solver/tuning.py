"""What the solver may turn: a handful of arguments, and how a model's arguments look with them."""

from __future__ import annotations

import math

import msgspec

from modelcar_tui.advice.repairs import Drafts
from modelcar_tui.advice.repairs.drafts import GPU_COUNT, IMPROVEMENT, REQUIRED
from modelcar_tui.core.facts import Term
from modelcar_tui.manifest import ServingArguments
from modelcar_tui.vllm.arguments import Argument, parse_arguments

LENGTH, SEQUENCES, BATCHED = "--max-model-len", "--max-num-seqs", "--max-num-batched-tokens"
UTILIZATION, KV_DTYPE, EAGER = "--gpu-memory-utilization", "--kv-cache-dtype", "--enforce-eager"
TENSOR_PARALLEL, PIPELINE = "--tensor-parallel-size", "--pipeline-parallel-size"
EXPERTS = "--enable-expert-parallel"
USEFUL = 8192
"""The context that users need where the manifest names none: a conversation with a document or a few pages of
tool output in it. Below this other changes are rather made."""
_LAST = 10.7
"""What a context below the need costs at once: more than all that may keep it on the same GPUs."""


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Values to set; None leaves an argument as it is."""

    gpus: int | None = None
    """GPUs of one node, and the tensor parallel size."""
    stages: int | None = None
    """Pipeline stages, each on `gpus` GPUs: to find a way out, never written (see `alternatives`)."""
    experts: bool | None = None
    """Each expert whole on one GPU, where a shard of it would cut the blocks of its quantization."""
    length: int | None = None
    sequences: int | None = None
    batched: int | None = None
    utilization: float | None = None
    kv_dtype: str | None = None
    eager: bool | None = None

    def flags(self) -> dict[str, str]:
        """The arguments that are set, with their whole items."""
        items: dict[str, str] = {}
        if self.gpus is not None:
            items[TENSOR_PARALLEL] = f"{TENSOR_PARALLEL}={self.gpus}"
        if self.stages is not None:
            items[PIPELINE] = f"{PIPELINE}={self.stages}"
        if self.experts:
            items[EXPERTS] = EXPERTS
        if self.length is not None:
            items[LENGTH] = f"{LENGTH}={self.length}"
        if self.sequences is not None:
            items[SEQUENCES] = f"{SEQUENCES}={self.sequences}"
        if self.batched is not None:
            items[BATCHED] = f"{BATCHED}={self.batched}"
        if self.utilization is not None:
            items[UTILIZATION] = f"{UTILIZATION}={self.utilization:g}"
        if self.kv_dtype is not None:
            items[KV_DTYPE] = f"{KV_DTYPE}={self.kv_dtype}"
        if self.eager:
            items[EAGER] = EAGER
        return items

    def without(self, knob: str) -> Tuning:
        """The same with one of its values left as it is."""
        return msgspec.structs.replace(self, **{knob: None})

    def set_knobs(self) -> tuple[str, ...]:
        """Names of the fields that have a value."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not None)


def tuned(serving: ServingArguments, tuning: Tuning) -> ServingArguments:
    """Arguments and GPU count with a tuning, for the estimate: flags that are set replace those that are
    there."""
    items = tuning.flags()
    if tuning.gpus is None:
        items.pop(TENSOR_PARALLEL, None)
    if not items:
        return serving
    args = serving.args
    kept: list[str] = []
    for argument in parse_arguments(args, None):
        if argument.name not in items:
            kept += args[argument.index : argument.index + argument.items]
    count = tuning.gpus or serving.gpu_count
    return msgspec.structs.replace(serving, args=(*kept, *items.values()), args_at=(), gpu_count=count)


def write(
    tuning: Tuning,
    drafts: Drafts,
    reasons: dict[str, str],
    evidence: tuple[Term, ...],
    vllm: str | None,
    *,
    required: frozenset[str],
    bound: frozenset[str],
) -> None:
    """The tuning as changes of the manifest; the GPU count and the tensor parallel size belong together.

    Args:
        required: the fields without which it does not start; the others are improvements.
        bound: the fields that make a valid command line only together.
    """
    car = drafts.car
    arguments = parse_arguments(car.serving.args, vllm)
    pair: list[str] = []
    if tuning.gpus is not None and tuning.gpus != car.serving.gpu_count:
        grave = REQUIRED if "gpus" in required else IMPROVEMENT
        pair.append(drafts.gpus(tuning.gpus, reasons.get("gpus", ""), grave, evidence=evidence))
    knobs = {
        "gpus": TENSOR_PARALLEL,
        "experts": EXPERTS,
        "length": LENGTH,
        "sequences": SEQUENCES,
        "batched": BATCHED,
        "utilization": UTILIZATION,
        "kv_dtype": KV_DTYPE,
        "eager": EAGER,
    }
    items = tuning.flags()
    for knob, flag in knobs.items():
        if flag not in items:
            continue
        present, severity = _last(arguments, flag), REQUIRED if knob in required else IMPROVEMENT
        why = reasons.get(knob, "")
        if knob == "gpus" and pair:
            why = f"goes with gpu_count {tuning.gpus}: " + (
                "the QA suite passes that number, so KServe must, too"
                if car.serving.by_suite
                else "vLLM uses as many GPUs as it says"
            )
        if present is not None and _says(present, items[flag]):
            continue
        if present is None:
            made = drafts.add(items[flag], why, severity, evidence=evidence)
        else:
            made = drafts.set(present, items[flag], why, severity, evidence=evidence)
        if knob in bound:
            pair.append(made)
    drafts.couple(*pair)


def cost(tuning: Tuning, gpu_count: int, asked: int | None, need: int) -> float:
    """How much a tuning takes away, for choosing the smallest: each change costs one and a bit for its
    harm.

    Args:
        tuning: what is changed.
        gpu_count: of the manifest.
        asked: the context that vLLM would take now, in tokens.
        need: the context that users need, in tokens; a shorter one costs more than all else on these GPUs.
    """
    total = 0.0
    if tuning.gpus is not None and tuning.gpus != gpu_count:
        more = tuning.gpus > gpu_count
        total += (3.0 if more else 1.0) + abs(math.log2(tuning.gpus / max(gpu_count, 1)))
    if tuning.length is not None and asked:
        total += 0.6 + 0.3 * max(0.0, math.log2(asked / tuning.length))
        if tuning.length < need:
            total += _LAST + 0.9 * math.log2(need / tuning.length)
        total += 2.0 * max(0.0, math.log2(min(asked, USEFUL) / tuning.length))
    if tuning.experts:
        total += 0.3
    if tuning.sequences is not None:
        total += 1.6 + 0.1 * max(0.0, math.log2(1024 / tuning.sequences))
    if tuning.batched is not None:
        total += 1.8 + 0.1 * max(0.0, math.log2(8192 / tuning.batched))
    if tuning.utilization is not None:
        total += 1.5 if tuning.utilization <= 0.92 else 2.0
    if tuning.kv_dtype is not None:
        total += 1.7
    if tuning.eager:
        total += 2.6
    return total


def _last(arguments: tuple[Argument, ...], flag: str) -> Argument | None:
    return next((found for found in reversed(arguments) if found.name == flag and not found.dotted), None)


def _says(argument: Argument, item: str) -> bool:
    flag, _, value = item.partition("=")
    same = argument.name == flag and (argument.value or "") == value
    return same and not argument.separate and not argument.negated


__all__ = ["GPU_COUNT", "Tuning", "cost", "tuned", "write"]
