"""Which layers a quantized checkpoint usually leaves in 16 bits, for when only its scheme is known.

Sources: the examples of vllm-project/llm-compressor (their `ignore`), the recipes of NVIDIA/Model-Optimizer,
and the lists of checkpoints that nvidia publishes (aiconfigurator-core bundles two dozen). Weights of logs
agree where any is known: Qwen3-Next and Qwen3.5 in FP8 (three logs, to 0.09 GiB of 76), Llama 4 Maverick
(four), Nemotron 3 Nano in FP8 (eleven, to 0.02 GiB of 31).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from modelcar_tui.models.quantization.named_layers import Rule, Storage
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme
from modelcar_tui.models.shape import Shape

_SHORT_FLOATS = ("nvfp4", "mxfp4")
_NO_LISTS = ("gguf", "bitsandbytes")
_ROUTER_ALONE = ("qwen3_moe", "qwen3_vl_moe", "mixtral", "gpt_oss")
"""Mixtures whose published lists name nothing but routers and edges."""
_LINEAR_ATTENTION = ("gdn", "kda")


def usual_storage(shape: Shape, scheme: Scheme) -> Storage | None:
    """How a checkpoint in `scheme` is usually stored; None where its layers are usually all quantized."""
    if scheme.bits >= PLAIN_SCHEME.bits or not scheme.known or scheme.experts_only or scheme.short_experts:
        return None
    if scheme.name in _NO_LISTS or (scheme.block and scheme.bits == 8):
        return None
    if shape.moe is not None and _experts_alone(shape, scheme):
        return Storage(replace(scheme, experts_only=True, attention=False))
    rules = tuple(Rule(name) for name in _left_out(shape, scheme))
    return Storage(scheme, rules, head=scheme if scheme.head else PLAIN_SCHEME) if rules else None


def _experts_alone(shape: Shape, scheme: Scheme) -> bool:
    if shape.model_type.startswith("llama4") or shape.arch.startswith("Llama4"):
        return True
    kind = shape.model_type.removesuffix("_text")
    named = kind in _ROUTER_ALONE or shape.mla is not None or shape.family.one_part_layers
    return scheme.name in _SHORT_FLOATS and not named


def _left_out(shape: Shape, scheme: Scheme) -> Iterator[str]:
    state = shape.state.kind if shape.state is not None else ""
    if state in _LINEAR_ATTENTION:
        yield "*linear_attn*"
    wary = state in _LINEAR_ATTENTION or shape.mla is not None or shape.model_type.startswith("gemma4")
    if scheme.name in _SHORT_FLOATS and wary:
        yield "*self_attn*"
    if shape.family.one_part_layers:
        yield from _of_one_part(shape)


def _of_one_part(shape: Shape) -> Iterator[str]:
    """Nemotron's attention; also its latent projections (ModelOpt's mamba_moe recipes, Nemotron 3 Super), or
    without such the mixer before it (nvidia's list of Nemotron 3 Nano)."""
    latent = shape.moe is not None and shape.moe.width != shape.hidden
    if latent:
        yield "*_latent_proj*"
    for layer, kind in enumerate(shape.kinds):
        if kind not in ("state", "none"):
            yield f"layers.{layer}.mixer.*"
            if layer and shape.kinds[layer - 1] == "state" and not latent:
                yield f"layers.{layer - 1}.mixer.*"
