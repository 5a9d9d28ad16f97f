"""Blocks and groups of a quantization that a shard does not hold whole."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from modelcar_tui.hardware import NVIDIA, Gpu
from modelcar_tui.memory.refused import Refusal
from modelcar_tui.memory.tower_shards import cut_tower
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models import SHARED_EXPERT_BLOCKS_SINCE, Model, ModelFacts, Shape, describe_model
from modelcar_tui.models.quantization import (
    FINER_BLOCKS_SINCE,
    PLAIN_SCHEME,
    Scheme,
    Storage,
    finer_block,
    quantization_groups,
    quantization_of,
)
from modelcar_tui.models.weights import Weight, distinct_layers, layer_weights
from modelcar_tui.vllm import Profile, profile_for
from modelcar_tui.vllm.arguments import EngineArgs

_GROUPS_CHECKED = (0, 24)
"""From here on compressed-tensors' experts are held against their groups, up to `_ORDERED` but for those
whose activations are ordered."""
_ORDERED = (0, 30)
_ODD_PARTS = (0, 14)
"""From here on parts of a fused layer need not hold whole blocks (ColumnParallelLinear
_maybe_allow_fp8_block_shape_mismatch)."""
_MACHETE = (64, 128)
"""Multiples of inputs and outputs that Machete multiplies on Hopper, whole groups or not."""
_ROWS = ("o_proj", "down_proj", "out_proj")
"""Layers that are cut along their inputs."""
_WITH_HEADS = frozenset({"full", "sliding", "chunked"})
_TOWER = "Qwen2_5_VL"
_TOWER_READ = (0, 11, 1)
"""From here on AWQ leaves alone what the files of the weights hold unquantized."""


def cut_refusal(
    model: Model, facts: ModelFacts, args: EngineArgs, profile: Profile, gpu: Gpu | None = None
) -> Refusal | None:
    """The first part of the model whose shards cut blocks or groups; None where none does.

    Args:
        gpu: None for what is refused on every GPU.
    """
    return (
        _expert_blocks(model, args, profile)
        or _blocks(model, args.tp, profile)
        or _expert_groups(model, facts, args, profile)
        or (_groups(model, args.tp, gpu) if _wants_groups(args, gpu) else None)
        or _tower(model, facts, args, profile)
        or (cut_tower(model, args, profile) if _wants_groups(args, gpu) else None)
    )


def _wants_groups(args: EngineArgs, gpu: Gpu | None) -> bool:
    """Whether a layer must hold whole groups: a shard always, a whole layer with NVIDIA's kernels.

    Conch, which images for AMD bring along, does not ask (vllm kernels/linear/mixed_precision).
    """
    return gpu is None or gpu.vendor == NVIDIA or args.tp > 1


def cut_fault(facts: ModelFacts, args: EngineArgs, vllm: str | None) -> str:
    """The same in words, for a model that was not described yet; empty where nothing is cut or known."""
    if facts.config is None:
        return ""
    model = describe_model(facts, quantization=args.quantization, dtype=args.dtype, overrides=args.overrides)
    refused = None if isinstance(model, str) else cut_refusal(model, facts, args, profile_for(vllm))
    return refused.why if refused else ""


def _share(model: Model, args: EngineArgs) -> int:
    """The width of an expert's part on one GPU; 0 where there are no experts."""
    moe = model.shape.moe
    return 0 if moe is None else (moe.inter or 0) // args.expert_shards


def _experts(model: Model) -> Scheme:
    """The scheme of the experts' matrices, as the last layer that has any holds them."""
    layers = [index for index, has in enumerate(model.shape.experts_at) if has]
    if not layers:
        return PLAIN_SCHEME
    ((_, _, own),) = model.storage.runs(layers[-1], layers[-1] + 1)
    return own.of(model.shape, Weight("experts' down", 2, 2, role="expert"), experts=True)


def _healed(model: Model, part: int) -> str:
    """What helps an expert that would be whole without the cut."""
    whole = (model.shape.moe.inter if model.shape.moe else 0) or 0
    least = model.scheme.block or model.scheme.group
    helps = whole != part and not whole % least
    return "; --enable-expert-parallel keeps experts whole" if helps else ""


def _expert_blocks(model: Model, args: EngineArgs, profile: Profile) -> Refusal | None:
    """Square quantization blocks must not be cut (fp8_utils.py validate_fp8_block_shape_moe)."""
    block, part = _experts(model).block, _share(model, args)
    if not block or not part % block:
        return None
    finer = model.scheme.ids == ("fp8-block",) and profile.release >= FINER_BLOCKS_SINCE
    if finer and finer_block(block, part, model.shape.moe.width if model.shape.moe else 0) != block:
        return None
    why = f"an expert's shard of {part} does not hold whole quantization blocks of {block}"
    error = (
        f"The output_size of gate's and up's weight = {part} is not divisible by weight quantization "
        f"block_n = {block}."
    )
    return Refusal(Outcome.REFUSED_QUANT, why + _healed(model, part), error)


def _blocks(model: Model, tp: int, profile: Profile) -> Refusal | None:
    """The same of the other layers, of fused ones part by part (fp8_utils.py validate_fp8_block_shape)."""
    shape, block = model.shape, model.scheme.block
    if not block or shape.varied or tp == 1:
        return None
    if shape.compressed is not None and profile.release >= SHARED_EXPERT_BLOCKS_SINCE:
        return None
    inner = next((size for size in _inputs(shape, tp) if size % block), 0)
    if inner:
        why = f"a shard of {inner} inputs does not hold whole quantization blocks of {block}"
        error = (
            f"Weight input_size_per_partition = {inner} is not divisible by weight quantization block_k = "
            f"{block}."
        )
        return Refusal(Outcome.REFUSED_QUANT, why, error)
    odd = model.scheme.ids == ("fp8-block",) and profile.release >= _ODD_PARTS
    part = 0 if odd else next((size for size in _outputs(shape, tp) if size % block), 0)
    if not part:
        return None
    why = f"a shard of {part} does not hold whole quantization blocks of {block}"
    error = (
        f"Weight output_partition_size = {part} is not divisible by weight quantization block_n = {block}."
    )
    return Refusal(Outcome.REFUSED_QUANT, why, error)


def _inputs(shape: Shape, tp: int) -> list[int]:
    """Inputs on one GPU of the layers that are cut along them."""
    found = [shape.heads * shape.v_head_dim // tp] if set(shape.kinds) & _WITH_HEADS else []
    laurel = [shape.inputs.laurel // tp] if shape.inputs is not None and shape.inputs.laurel else []
    return found + [width // tp for width in _widths(shape)] + laurel


def _outputs(shape: Shape, tp: int) -> list[int]:
    """Parts of fused outputs on one GPU."""
    found = [width // tp for width in _widths(shape)]
    if set(shape.kinds) & _WITH_HEADS and not shape.wide_head_dim:
        queries, keys = shape.heads // tp * shape.head_dim, max(1, shape.kv_heads // tp) * shape.head_dim
        found += [queries, keys]
    return found


def _widths(shape: Shape) -> list[int]:
    """Widths of the MLPs beside the experts, shared ones among them."""
    moe = shape.moe
    if moe is None:
        return [] if set(shape.kinds) == {"state"} else [shape.inter]
    dense = [] if all(shape.experts_at) else [moe.dense_inter]
    return dense + ([moe.shared_inter] if moe.shared_inter else [])


def _expert_groups(model: Model, facts: ModelFacts, args: EngineArgs, profile: Profile) -> Refusal | None:
    """Groups of integers in compressed-tensors' experts (compressed_tensors_moe_wna16.py create_weights)."""
    group, part = _experts(model).group, _share(model, args)
    if not group or not part % group or not model.scheme.weights_alone:
        return None
    if profile.release < _GROUPS_CHECKED or (profile.release < _ORDERED and _ordered(facts)):
        return None
    why = f"an expert's shard of {part} does not hold whole quantization groups of {group}"
    error = (
        "CompressedTensors WNA16 MoE with static group scales requires the MoE intermediate size per "
        f"tensor-parallel partition ({part}) to be divisible by group_size ({group})."
    )
    return Refusal(Outcome.REFUSED_QUANT, why + _healed(model, part), error)


def _groups(model: Model, tp: int, gpu: Gpu | None) -> Refusal | None:
    """Groups of the other layers along their inputs.

    Source: awq.py and compressed_tensors_wNa16.py create_weights, MarlinLinearKernel.can_implement.
    """
    ids = set(model.scheme.ids)
    if not (ids & {"awq", "gptq"} or model.scheme.weights_alone):
        return None
    hopper = gpu is None or str(gpu.compute_capability) == "9.0"
    part, group = _cut_group(model.shape, model.storage, tp, machete="gptq" in ids and hopper)
    if not part:
        return None
    why = f"a shard of {part} inputs does not hold whole quantization groups of {group}"
    error = f"Weight input_size_per_partition={part} is not divisible by group_size={group}."
    return Refusal(Outcome.REFUSED_QUANT, why, error)


@lru_cache(maxsize=512)
def _cut_group(shape: Shape, storage: Storage, tp: int, *, machete: bool) -> tuple[int, int]:
    """The inputs on one GPU of the first layer whose group is cut, and the group; zeros where none is."""
    for first, last, own in storage.runs(0, shape.layers):
        for one, kind, experts, _ in distinct_layers(shape, first, last):
            for weight in layer_weights(one, kind, experts=experts, tp=tp, ep=1):
                group = 0 if weight.role == "expert" else own.of(one, weight, experts=experts).group
                if group and _is_cut(weight, group, tp) and not (machete and _multiplies(weight)):
                    return weight.inner, group
    return 0, 0


def _is_cut(weight: Weight, group: int, tp: int) -> bool:
    whole = weight.inner * (tp if weight.label in _ROWS else 1)
    return weight.inner % group > 0 and whole > group


def _multiplies(weight: Weight) -> bool:
    """Whether Machete takes a layer of this shape."""
    return not weight.inner % _MACHETE[0] and not weight.out % _MACHETE[1]


def _ordered(facts: ModelFacts) -> bool:
    """Whether the weights of a group are ordered by their activations."""
    weights = (group.get("weights") for group in quantization_groups(quantization_of(facts) or {}))
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
