"""The rotary caches that vLLM keeps on every GPU: `positions x rotary_dim x 2 B` for each distinct rope.

Source: vllm model_executor/layers/rotary_embedding, whose `get_rope` makes one for each set of parameters.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family
from modelcar_tui.models.weights.weight import FLOAT32

_YARN = ("yarn", "deepseek_yarn", "deepseek_llama_scaling")
_DYNAMIC_AS_IT_IS = (0, 22)
"""From here on a dynamic rope is computed for the positions of the model alone."""
_PICTURES_ALONE = (0, 32)
"""From here on Qwen 3's models count a picture's positions by its tokens."""
_OLMO_GONE = (0, 26)
"""From here on OLMo runs in transformers' own code (vllm models/olmo2.py before)."""
_FOR_PICTURES = ("IsaacForConditionalGeneration",)
"""Their ropes are such, whatever config.json says (vllm models/isaac.py)."""
_POSITIONS = 8192
"""What the models' own files take where config.json is silent (vllm models/internlm2.py and others)."""
_PICTURES = 4
"""A rope for pictures and films has this many times the model's positions (rotary_embedding/mrope.py)."""


class RopeCache(msgspec.Struct, frozen=True):
    """One cache of cosines and sines."""

    rows: int
    dim: int
    width: int
    """Bytes of one number."""
    early: int = 0
    """Its rows in releases before `since`, where they were others."""
    since: tuple[int, ...] = ()


class Ropes(msgspec.Struct, frozen=True):
    """All of a model's, whole on every GPU."""

    caches: tuple[RopeCache, ...] = ()

    def held(self, release: tuple[int, ...]) -> int:
        """Bytes on one GPU."""
        return sum(
            (one.early if release < one.since else one.rows) * one.dim * one.width for one in self.caches
        )


def ropes_of(
    read: Reader, family: Family, dims: tuple[int, int], kinds: tuple[str, ...], arch: str = ""
) -> Ropes:
    """The ropes that config.json describes; `dims`: width of a sliding layer's head and of a full one's."""
    if not family.rope or _without(read, family):
        return Ropes()
    scaling = read.mapping("rope_scaling", "rope_parameters")
    full = _part(scaling, "full_attention") or scaling
    if arch in _FOR_PICTURES:
        full = full | {"mrope_section": []}
    caches = []
    if set(kinds) - {"sliding"}:
        caches.append(_cache(read, family, full, dims[1]))
    own = "sliding" in kinds and _slides_alone(read, family, scaling)
    if own or not caches:
        caches.append(_cache(read, family, _part(scaling, "sliding_attention") if own else full, dims[0]))
    if family.early_ropes and "sliding" in kinds:
        early = RopeCache(0, caches[0].dim, caches[0].width, _positions(read, family), _OLMO_GONE)
        caches.append(early)
    if read.has("compress_rope_theta"):
        return Ropes(_compressed(read, caches[0], kinds))
    if _latent_dim(read):
        caches = _beside_latents(read, family, full, dims[1], caches)
    return Ropes(tuple(caches * (len(kinds) if family.rope_each else _thetas(read, len(kinds)))))


def _positions(read: Reader, family: Family) -> int:
    told = read.integer("max_position_embeddings", "n_positions", "seq_length", high=2**31)
    return min(told or _POSITIONS, family.most_positions)


def _latent_dim(read: Reader) -> int | None:
    """Width of what latent attention turns of a head; None for other models."""
    return read.integer("qk_rope_head_dim", high=2**12)


def _compressed(read: Reader, cache: RopeCache, kinds: tuple[str, ...]) -> tuple[RopeCache, ...]:
    """Those of compressed layers, and of those that are not (vllm models/deepseek_v4)."""
    ratios = {bool(ratio) for ratio in read.listing("compress_ratios")[: len(kinds)]}
    return (msgspec.structs.replace(cache, width=FLOAT32),) * len(ratios or {True})


def _beside_latents(
    read: Reader, family: Family, rope: dict[str, Any], head_dim: int, caches: list[RopeCache]
) -> list[RopeCache]:
    """`caches` of latent attention with those of what stands beside it."""
    if read.has("layer_group_size"):  # linear attention's own (vllm models/bailing_moe_linear.py)
        caches = [*caches, _cache(read, family, rope, head_dim, latent=False)]
    if read.has("index_topk") and not read.flag("indexer_rope_interleave"):
        caches = caches * 2  # the indexer's is laid out otherwise (vllm models/deepseek_v32)
    return caches


def _without(read: Reader, family: Family) -> bool:
    """Whether config.json leaves out an optional rope (vllm models/granitemoehybrid.py, zamba2.py)."""
    if family.optional_rope == "position_embedding_type":
        return read.text("position_embedding_type") != "rope"
    return bool(family.optional_rope) and not read.flag(family.optional_rope)


def _slides_alone(read: Reader, family: Family, parameters: dict[str, Any]) -> bool:
    """Whether sliding layers have a rope of their own."""
    told = bool(_part(parameters, "sliding_attention")) or family.two_ropes
    return told or any(map(read.has, ("rope_local_base_freq", "rope_local_theta", "swa_rope_theta")))


def _thetas(read: Reader, layers: int) -> int:
    """How many bases there are, where each layer has its own (Step 3.5)."""
    return max(1, len(set(read.listing("rope_theta")[:layers])))


def _part(parameters: dict[str, Any], name: str) -> dict[str, Any]:
    found = parameters.get(name)
    return found if isinstance(found, dict) else {}


def _cache(
    read: Reader, family: Family, rope: dict[str, Any], head_dim: int, *, latent: bool = True
) -> RopeCache:
    """The cache of one kind of layer; not `latent`: of one whose heads have no latent part."""
    mla_rope = _latent_dim(read) if latent else None
    told = rope.get("rope_type", rope.get("type"))
    kind = told if isinstance(told, str) else ""
    dim = mla_rope or (head_dim if kind == "proportional" else _rotary_dim(read, family, rope, head_dim))
    wide = family.float_rope or (mla_rope and kind in _YARN)
    width = FLOAT32 if wide else 2
    rows = _rows(read, kind, rope, _positions(read, family))
    if kind == "dynamic" and "alpha" not in rope:
        return RopeCache(rows, dim, width, int(rows * _factor(rope)), _DYNAMIC_AS_IT_IS)
    if "mrope_section" in rope:
        early = rows * _PICTURES
        return RopeCache(rows if family.few_positions else early, dim, width, early, _PICTURES_ALONE)
    return RopeCache(rows, dim, width)


def _rotary_dim(read: Reader, family: Family, rope: dict[str, Any], head_dim: int) -> int:
    stated = rope.get("partial_rotary_factor")
    partial = stated if isinstance(stated, int | float) and 0 < stated <= 1 else None
    partial = partial or read.number("partial_rotary_factor", "rotary_pct", "rope_pct", high=1.0)
    partial = partial or family.rotary_share
    return read.integer("rotary_dim", high=2**14) or int(head_dim * partial)


def _rows(read: Reader, kind: str, rope: dict[str, Any], positions: int) -> int:
    told = rope.get("original_max_position_embeddings")
    original = told if isinstance(told, int) and 0 < told <= 2**31 else None
    if kind == "linear":
        return int(positions * _factor(rope))
    if kind in _YARN and original:
        return int(original * _factor(rope))
    if kind in ("longrope", "su"):
        first = original or read.integer("original_max_position_embeddings", high=2**31) or 0
        return positions + first
    return positions


def _factor(rope: dict[str, Any]) -> float:
    factor = rope.get("factor")
    return factor if isinstance(factor, int | float) and 1 <= factor <= 4096 else 1.0
