"""Bytes of a model's towers and projectors on one GPU, and whether its GPUs can share them."""

from __future__ import annotations

from functools import lru_cache

from modelcar_tui.core.facts import Source
from modelcar_tui.models import Model
from modelcar_tui.models.quantization import Storage
from modelcar_tui.models.towers import Part, Tower, held_bytes
from modelcar_tui.vllm import Profile
from modelcar_tui.vllm.arguments import EngineArgs

_AS_DESCRIBED = 0.05
"""What the headers may hold beside the description (layers that aren't built) before they are believed."""


def tower_bytes(model: Model, args: EngineArgs, profile: Profile) -> float:
    """Bytes on one GPU, of what is built for this start.

    Described towers are cut piece by piece; where the weights' headers say otherwise, in proportion. A tower
    that only the size of the checkpoint betrays is shared as a whole, or held whole.
    """
    tower = model.shape.tower
    if tower is None or not tower.parts:
        whole = model.whole_tower or args.encoder_tp_data
        return 0.0 if args.language_model_only else model.tower / (1 if whole else args.tp)
    now, full = _described(
        tower,
        model.storage,
        model.width,
        args.tp,
        profile.release,
        args.encoder_tp_data,
        absent_modalities(args),
    )
    known = model.source is not Source.MODEL_CONFIG and model.tower > 0
    if known and abs(model.tower - full) > _AS_DESCRIBED * full:
        return model.tower * now / full
    return now


@lru_cache(maxsize=256)
def _described(
    tower: Tower,
    storage: Storage,
    width: int,
    tp: int,
    release: tuple[int, ...],
    data: bool,
    absent: frozenset[str],
) -> tuple[float, float]:
    """Bytes on one of `tp` GPUs, and of everything."""
    built = _built(tower, release, absent)
    now = held_bytes(built, tp, width, release, data=data, scheme_of=storage.of_part)
    return now, held_bytes(tower.parts, 1, width, release, scheme_of=storage.of_part)


def _built(tower: Tower, release: tuple[int, ...], absent: frozenset[str]) -> tuple[Part, ...]:
    return tuple(part for part in tower.parts if part.built(release, without=absent))


def absent_modalities(args: EngineArgs) -> frozenset[str]:
    """Modalities of which no prompt holds any."""
    if args.language_model_only:
        return frozenset({"image", "video", "audio", "vision_chunk"})
    return args.media.absent
