"""How vLLM builds a quantized model's experts, as far as it decides what runs them."""

from __future__ import annotations

import msgspec

from modelcar_tui.models import Shape
from modelcar_tui.models.quantization import Scheme
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import Version, at, parse_version

_GROUPS = (-1, 32, 64, 128)
_TILE, _LEAST = 128, 64
_USUAL = (1, 2, 4, 8)


class ExpertLayers(msgspec.Struct, frozen=True):
    """What the judge of quantizations asks about a model's experts."""

    fused: bool = False
    """It has some, in layers of their own."""
    odd: bool = False
    """Their shards have no shape that Marlin multiplies."""


NO_EXPERTS = ExpertLayers()


def expert_layers(
    arch: str,
    method: str,
    version: Version | None,
    *,
    shape: Shape | None = None,
    scheme: Scheme | None = None,
    shards: int | None = None,
) -> ExpertLayers:
    """The experts of a model that has some.

    Args:
        method: as vLLM takes it.
        version: of vLLM; the newest for None.
        shape: of the model; None where it can't be sized, which counts as even.
        scheme: of its weights.
        shards: GPUs that cut each expert; None where that is open: odd if it is for any usual number.
    """
    if _linear(arch, method, version):
        return NO_EXPERTS
    if shape is None or scheme is None or shape.moe is None or not shape.moe.inter:
        return ExpertLayers(fused=True)
    each = _USUAL if shards is None else (shards,)
    return ExpertLayers(fused=True, odd=not all(_even(shape, scheme, number) for number in each))


def _linear(arch: str, method: str, version: Version | None) -> bool:
    """Whether the experts are linear layers (model_loader/utils.py get_model_architecture)."""
    table = quantization_table().linear_experts
    if arch != table.arch or version is None or version >= (parse_version(table.until) or ()):
        return False
    return bool(method) and method not in at(table.but, ".".join(map(str, version[:4])), ())


def _even(shape: Shape, scheme: Scheme, shards: int) -> bool:
    """marlin_utils.check_moe_marlin_supports_layer, 0.8.5 to 0.24.0."""
    group = scheme.group or -1
    width = ((shape.moe.inter if shape.moe else 0) or 0) // shards
    return not shape.hidden % _TILE and not width % max(_LEAST, group) and group in _GROUPS
