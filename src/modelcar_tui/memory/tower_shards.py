"""Blocks and groups of a quantization that a shard of a tower or projector does not hold whole."""

from __future__ import annotations

from functools import lru_cache

from modelcar_tui.memory.refused import Refusal
from modelcar_tui.memory.towers import absent_modalities
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models import Model
from modelcar_tui.models.quantization import PLAIN_SCHEME, Storage
from modelcar_tui.models.towers import Piece, Tower
from modelcar_tui.vllm import Profile
from modelcar_tui.vllm.arguments import EngineArgs

_KERNELS = ((128, 64), (64, 128))
"""Multiples of inputs and outputs that Marlin and Machete multiply (marlin_utils.py
check_marlin_supports_shape, machete.py)."""


def cut_tower(model: Model, args: EngineArgs, profile: Profile) -> Refusal | None:
    """The first layer of a tower whose shard cuts a block or a group, or that no kernel multiplies."""
    tower, scheme = model.shape.tower, model.scheme
    if tower is None or not tower.parts or not (scheme.block or scheme.weights_alone):
        return None
    absent = absent_modalities(args)
    found = _first(tower, model.storage, args.tp, profile.release, args.encoder_tp_data, absent)
    if not found:
        return None
    size, unit, error = found
    why = f"a layer of the {tower.kind} tower has {size} inputs on a GPU, no multiple of {unit}"
    return Refusal(Outcome.REFUSED_QUANT, why, error.format(size=size, unit=unit))


@lru_cache(maxsize=256)
def _first(
    tower: Tower, storage: Storage, tp: int, release: tuple[int, ...], data: bool, absent: frozenset[str]
) -> tuple[int, int, str] | None:
    for part in tower.parts:
        scheme = storage.of_part(part.name)
        if not part.quantized or not part.built(release, without=absent):
            continue
        share = part.shared_by(tp, release, data=data)
        for piece in part.pieces:
            _, inner = piece.on(share)
            if scheme.block:
                if piece.linear and _cuts_block(piece, scheme.block, share):
                    return inner, scheme.block, _BLOCKS
                continue
            if piece.linear and scheme.bits < PLAIN_SCHEME.bits and _cuts_group(piece, scheme.group, share):
                return inner, scheme.group or _KERNELS[0][0], _GROUPS
    return None


_BLOCKS = "Weight input_size_per_partition = {size} is not divisible by weight quantization block_k = {unit}."
_GROUPS = "Weight input_size_per_partition={size} is not divisible by group_size={unit}."


def _cuts_block(piece: Piece, block: int, tp: int) -> bool:
    """Of layers that are shared along their inputs (fp8_utils.py validate_fp8_block_shape)."""
    return tp > 1 and piece.cut == "in" and piece.on(tp)[1] % block > 0


def _cuts_group(piece: Piece, group: int, tp: int) -> bool:
    """Whole numbers (compressed_tensors_wNa16.py create_weights, choose_mp_linear_kernel)."""
    out, inner = piece.on(tp)
    if inner <= 1 or piece.only == "file":
        return False
    taken = any(not inner % first and not out % second for first, second in _KERNELS)
    return not taken or bool(group and inner % group)
