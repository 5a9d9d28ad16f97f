"""An estimate under what the lint and the judge of quantizations say of the same start, as the verdict is."""

from __future__ import annotations

import msgspec

from modelcar_tui.advice.finding import Finding, Stops
from modelcar_tui.advice.lint import lint_model
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import ModelCar, Position, ServingArguments
from modelcar_tui.memory import Estimate, Outcome, measured_problems
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import read_engine_args
from modelcar_tui.vllm.quantization import Support, check_support

_OF_THE_MANIFEST = ("gpu-count", "suite-parallel")
"""Findings about `gpu_count`, which a bare list of arguments does not have."""
_PLACE = Position(1, 1)


def with_objections(
    result: Estimate, facts: ModelFacts, gpu: Gpu, arguments: tuple[str, ...], vllm: str | None
) -> Estimate:
    """The estimate, lowered where anything else keeps the server from starting, or leaves it in doubt.

    Args:
        result: of the same model, GPU, arguments and release.
        arguments: as they are written.
    """
    if result.outcome not in (Outcome.STARTS, Outcome.UNKNOWN) or _started_so(result, arguments, vllm):
        return result
    findings = _findings(facts, gpu, arguments, vllm)
    for finding in findings:
        if finding.read:
            return _lowered(result, Outcome.REFUSED_ARGS, finding.what)
    if result.outcome is Outcome.UNKNOWN:
        return result
    for finding in findings:
        what = f"{finding.what} (judged by {finding.release}: the release that will serve was not read)"
        return _lowered(result, Outcome.UNKNOWN, what)
    doubt = _doubt(facts, gpu, arguments, vllm)
    return _lowered(result, Outcome.UNKNOWN, doubt) if doubt else result


def _started_so(result: Estimate, arguments: tuple[str, ...], vllm: str | None) -> bool:
    """Whether vLLM was seen to serve with these arguments."""
    if result.measured is None or not result.exact or result.outcome is not Outcome.STARTS:
        return False
    return set(read_engine_args(arguments, None, vllm).problems) <= measured_problems(result.measured)


def _findings(facts: ModelFacts, gpu: Gpu, arguments: tuple[str, ...], vllm: str | None) -> list[Finding]:
    """What stops a server with this list on this kind of GPU, memory aside."""
    serving = ServingArguments(gpu_count=read_engine_args(arguments, None, vllm).tp, args=arguments)
    car = ModelCar(name="", image="", serving=serving, at=_PLACE, name_at=_PLACE, image_at=_PLACE)
    found = lint_model(car, vllm=vllm, facts=facts, gpu=gpu)
    return [one for one in found if one.stops is Stops.SERVER and one.code not in _OF_THE_MANIFEST]


def _doubt(facts: ModelFacts, gpu: Gpu, arguments: tuple[str, ...], vllm: str | None) -> str:
    """Why nobody knows whether the model's numbers run on the GPU; empty where they do.

    What does not run is the estimate's own refusal.
    """
    args = read_engine_args(arguments, None, vllm)
    answers = check_support(
        facts,
        vendor=gpu.vendor,
        compute_capability=gpu.compute_capability,
        product=gpu.product,
        vllm=vllm,
        kv_cache_dtype=args.kv_cache_dtype,
        dtype=args.dtype,
        quantization=args.quantization,
        shards=args.expert_shards,
    )
    return next((answer.why for answer in answers if answer.support is Support.UNKNOWN), "")


def _lowered(result: Estimate, outcome: Outcome, why: str) -> Estimate:
    return msgspec.structs.replace(result, outcome=outcome, why=why, error="")
