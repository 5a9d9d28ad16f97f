"""Blocks and groups of a quantization that a shard does not hold whole."""

from __future__ import annotations

from collections.abc import Mapping

from modelcar_tui.memory.refused import Refusal
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.declared import groups_of, quantization_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe
from modelcar_tui.vllm.engine_args import EngineArgs
from modelcar_tui.vllm.profile import Profile, profile_for

_REFINED = (0, 30)
"""From here on an expert's blocks may be refined to fit its shard."""
_GROUPS_CHECKED = (0, 24)
"""From here on compressed-tensors' experts are held against their groups, up to `_ORDERED` but for those
whose activations are ordered."""
_ORDERED = (0, 30)
_INTEGERS = ("w4a16", "w8a16")
_WITH_HEADS = frozenset({"full", "sliding", "chunked"})
_TOWER = "Qwen2_5_VL"
_TOWER_READ = (0, 11, 1)
"""From here on AWQ leaves alone what the files of the weights hold unquantized."""


def cut_refusal(model: Model, facts: ModelFacts, args: EngineArgs, profile: Profile) -> Refusal | None:
    """The first part of the model whose shards cut blocks or groups; None where none does."""
    return (
        _blocks(model, args, profile)
        or _groups(model, facts, args, profile)
        or _attention(model, args)
        or _tower(model, facts, args, profile)
    )


def cut_fault(facts: ModelFacts, args: EngineArgs, vllm: str | None) -> str:
    """The same in words, for a model that was not described yet; empty where nothing is cut or known."""
    if facts.config is None:
        return ""
    model = describe(facts, quantization=args.quantization, dtype=args.dtype, overrides=args.overrides)
    refused = None if isinstance(model, str) else cut_refusal(model, facts, args, profile_for(vllm))
    return refused.why if refused else ""


def _share(model: Model, args: EngineArgs) -> int:
    """The width of an expert's part on one GPU; 0 where there are no experts."""
    moe = model.shape.moe
    return 0 if moe is None else (moe.inter or 0) // args.expert_shards


def _healed(model: Model, part: int) -> str:
    """What helps an expert that would be whole without the cut."""
    whole = (model.shape.moe.inter if model.shape.moe else 0) or 0
    least = model.scheme.block or model.scheme.group
    helps = whole != part and not whole % least
    return "; --enable-expert-parallel keeps experts whole" if helps else ""


def _blocks(model: Model, args: EngineArgs, profile: Profile) -> Refusal | None:
    """Square quantization blocks must not be cut (vllm quantization/utils/fp8_utils.py)."""
    shape, block, tp = model.shape, model.scheme.block, args.tp
    if not block:
        return None
    part = _share(model, args)
    if part % block and profile.release < _REFINED:
        why = f"an expert's shard of {part} does not hold whole quantization blocks of {block}"
        error = (
            f"The output_size of gate's and up's weight = {part} is not divisible by weight quantization "
            f"block_n = {block}."
        )
        return Refusal(Outcome.REFUSED_QUANT, why + _healed(model, part), error)
    part = shape.inter // tp
    if tp > 1 and shape.moe is None and part % block and not shape.varied:
        why = f"a shard of {part} does not hold whole quantization blocks of {block}"
        error = (
            f"Weight output_partition_size = {part} is not divisible by weight quantization block_n = "
            f"{block}."
        )
        return Refusal(Outcome.REFUSED_QUANT, why, error)
    return None


def _groups(model: Model, facts: ModelFacts, args: EngineArgs, profile: Profile) -> Refusal | None:
    """Groups of integers in compressed-tensors' experts (compressed_tensors_moe_wna16.py create_weights)."""
    group, part = model.scheme.group, _share(model, args)
    if not group or not part % group or not set(model.scheme.ids) & {*_INTEGERS}:
        return None
    if profile.release < _GROUPS_CHECKED or (profile.release < _ORDERED and _ordered(facts)):
        return None
    why = f"an expert's shard of {part} does not hold whole quantization groups of {group}"
    error = (
        "CompressedTensors WNA16 MoE with static group scales requires the MoE intermediate size per "
        f"tensor-parallel partition ({part}) to be divisible by group_size ({group})."
    )
    return Refusal(Outcome.REFUSED_QUANT, why + _healed(model, part), error)


def _attention(model: Model, args: EngineArgs) -> Refusal | None:
    """Groups along the input of the attention's output layer (awq.py and compressed_tensors_wNa16.py
    create_weights)."""
    shape, group = model.shape, model.scheme.of_attention().group
    if not group or args.tp == 1 or not set(model.scheme.ids) & {"awq", *_INTEGERS}:
        return None
    part = shape.heads * shape.v_head_dim // args.tp
    if not set(shape.kinds) & _WITH_HEADS or shape.varied or not part % group:
        return None
    why = f"a shard of {part} of the attention's inputs does not hold whole quantization groups of {group}"
    error = f"Weight input_size_per_partition={part} is not divisible by group_size={group}."
    return Refusal(Outcome.REFUSED_QUANT, why, error)


def _ordered(facts: ModelFacts) -> bool:
    """Whether the weights of a group are ordered by their activations."""
    weights = (group.get("weights") for group in groups_of(quantization_of(facts) or {}))
    return any(isinstance(part, Mapping) and part.get("actorder") == "group" for part in weights)


def _tower(model: Model, facts: ModelFacts, args: EngineArgs, profile: Profile) -> Refusal | None:
    """Qwen2.5-VL's tower, which AWQ quantizes unless the checkpoint says that it does not.

    Source: models/qwen2_5_vl.py _maybe_ignore_quant_config, awq.py create_weights.
    """
    raw, version = quantization_of(facts) or {}, profile.version or profile.number
    if not model.shape.arch.startswith(_TOWER) or raw.get("quant_method") != "awq":
        return None
    if version >= _TOWER_READ or raw.get("modules_to_not_convert"):
        return None
    vision, group = (facts.config or {}).get("vision_config"), model.scheme.group
    width = vision.get("intermediate_size") if isinstance(vision, Mapping) else None
    if not isinstance(width, int) or not group or not (width // args.tp) % group:
        return None
    why = (
        f"the checkpoint names no modules_to_not_convert, so its tower is taken for AWQ, and a width of "
        f"{width} does not hold whole groups of {group}"
    )
    error = "The input size is not aligned with the quantized weight shape."
    return Refusal(Outcome.REFUSED_QUANT, why, error)
