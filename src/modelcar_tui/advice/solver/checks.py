"""Whether the model, with its arguments, runs on a kind of GPU at all: asked of every card that is named."""

from __future__ import annotations

from modelcar_tui.hardware import Gpu
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import last_value, parse_arguments
from modelcar_tui.vllm.quantization import Compatibility, Support, check_support


def checked(
    image: str, args: tuple[str, ...], facts: ModelFacts, gpu: Gpu, vllm: str | None
) -> tuple[Compatibility, ...]:
    """How its quantization, dtype and KV cache run there with these arguments."""
    arguments = parse_arguments(args, vllm)
    return check_support(
        facts,
        vendor=gpu.vendor,
        compute_capability=gpu.compute_capability,
        product=gpu.product,
        vllm=vllm,
        kv_cache_dtype=last_value(arguments, "--kv-cache-dtype") or "auto",
        dtype=last_value(arguments, "--dtype") or "auto",
        catalog_reference=image,
        quantization=last_value(arguments, "--quantization"),
    )


def blocked_by(answers: tuple[Compatibility, ...]) -> Compatibility | None:
    """The first answer that no memory mends; None where nothing is known to be refused."""
    return next((answer for answer in answers if answer.support is Support.UNSUPPORTED), None)
