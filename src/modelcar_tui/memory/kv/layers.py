"""Which cache each layer of a model has on one GPU."""

from __future__ import annotations

from collections import Counter

import msgspec

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.memory import sparse_attention
from modelcar_tui.memory.kv.compressed import compressed_layers
from modelcar_tui.memory.kv.flight import in_flight
from modelcar_tui.memory.kv.specs import KEEPS_ALL, Layers, Spec
from modelcar_tui.memory.kv.states import aligned_block, state_spec
from modelcar_tui.memory.kv.widths import head_bytes, number_bytes
from modelcar_tui.memory.start import Start
from modelcar_tui.models import Mla, Shape

_SPARSE_FP8 = 656
"""Bytes of a token in DeepSeek's 8-bit layout, which FlashMLA's sparse backend asks for (vllm
v1/kv_cache_interface.py)."""
_NARROW_VALUES = (0, 20)
"""Values narrower than keys were padded to them before (vllm models/mimo_v2_flash.py)."""
_PADDED_MLA = 256
"""Width to which DeepSeek's heads were padded before vLLM cached the latent (vllm 0.6
models/deepseek_v2.py)."""
_BLOCK, _SPARSE_BLOCK, _SPARSE_HEADS_BLOCK = 16, 64, 128
"""Tokens of a block that vLLM's CUDA backends prefer; FlashMLA's sparse one takes 64, MiniMax M3's 128."""
_ALL_BACKENDS = (0, 31)
"""From here on each backend of a model has its say on the block, before the first layer's alone (vllm
platforms/interface.py); MiniMax M3's first layers are not sparse."""
_SEES_STATES = (0, 28)
_ENCODERS_COUNT = (0, 10, 2)
"""From here on room is kept for the encoder's tokens of one step; the old engine, which served encoders
before, kept it for one input's."""
_OWN_BLOCKS = (0, 25), (0, 30)
"""Between these, windows took the backend's smallest block, whatever `--block-size` said."""
_UNEQUAL_IN_FULL = (0, 32)
"""Before, the backends for values narrower than keys cached in the model's dtype, whatever was asked for."""


def layers_of(start: Start, rank: tuple[int, int]) -> Layers:
    """The caches of the layers `rank`, those that are alike together; none for a model without a cache."""
    shape = start.model.shape
    if shape.encoder_only or shape.bidirectional:
        return ()
    if shape.compressed is not None:
        return compressed_layers(start, shape.compressed, rank)
    kinds = _kinds(shape, rank)
    found = _attention(start, kinds, rank)
    if start.switches.hybrid_manager.on is False:
        found = _as_full(found)
    return tuple(found.items())


def packed(shape: Shape) -> bool:
    """Whether vLLM lays the pages of different layers side by side in one block."""
    return shape.compressed is not None


def _kinds(shape: Shape, rank: tuple[int, int]) -> Counter[str]:
    """How many layers of each kind have a cache of their own."""
    last = min(rank[1], max(rank[0] + 1, shape.layers - shape.shared_kv))
    kinds = Counter(kind for kind in shape.kinds[rank[0] : last] if kind != "none")
    if shape.shared_kv and not kinds:
        kinds = Counter({"full": 1})
    if shape.family.parallel:
        kinds["state"] = kinds.total()
    if shape.loops:
        kinds["sliding" if shape.window else "full"] += shape.loops * kinds["full"]
    return kinds


def _attention(start: Start, kinds: Counter[str], rank: tuple[int, int]) -> dict[Spec, int]:
    shape = start.model.shape
    block = start.args.block_size or _usual_block(shape, start.profile.release)
    kept = [kind for kind in kinds if kind != "state"]
    token = min((_token(start, kind) for kind in kept), default=0)
    if token and ("state" in kinds or _taken_for_a_hybrid(start)):
        block = aligned_block(start, token, block)
    found: Counter[Spec] = Counter()
    for kind, count in kinds.items():
        if kind == "state":
            found[state_spec(start, token, block)] += count
        elif shape.varied:
            found += _varied(start, kind, block, rank)
        else:
            found[_spec(start, kind, block, _token(start, kind))] += count
    if shape.encoder_layers:
        found[_cross(start, block)] += kinds.total() - kinds["state"]
    if shape.indexer is not None:
        own = round(shape.indexer.share * (rank[1] - rank[0]))
        keys = _spec(start, "mla", block, shape.indexer.token_bytes)
        found[msgspec.structs.replace(keys, beside=True)] += own
    if shape.short_conv:
        found[_convolution(start, shape.short_conv)] += kinds.total()
    return +found


def _taken_for_a_hybrid(start: Start) -> bool:
    """0.28 did not see that all of Granite 4's layers may be attention (vllm config/model.py `is_hybrid`)."""
    shape = start.model.shape
    return start.profile.release == _SEES_STATES and shape.state is not None and shape.family.mixed


def _usual_block(shape: Shape, release: tuple[int, int]) -> int:
    if shape.indexer is None:
        return _BLOCK
    if shape.mla is not None:
        return _SPARSE_BLOCK
    return _SPARSE_HEADS_BLOCK if release >= _ALL_BACKENDS else _BLOCK


def _convolution(start: Start, kernel: int) -> Spec:
    """Inkling's convolutions of keys, values and both outputs: one window of `kernel` tokens (vllm
    models/inkling/nvidia/sconv_swa_attn.py).
    """
    shape, tp = start.model.shape, start.args.tp
    width = 2 * shape.head_dim + 2 * (shape.hidden // shape.kv_heads)
    page = kernel * max(1, shape.kv_heads // tp) * (1 << (width - 1).bit_length()) * start.model.width
    reach = kernel - 1 + in_flight(start)
    return Spec(kind="window", block=kernel, page=page, window=kernel, reach=reach, spare=1)


def _spec(start: Start, kind: str, block: int, token: int) -> Spec:
    shape, page = start.model.shape, block * token
    if kind == "sliding":
        reach = shape.window - 1 + in_flight(start)
        if _OWN_BLOCKS[0] <= start.profile.release < _OWN_BLOCKS[1] and block % _BLOCK == 0:
            block, page = _BLOCK, _BLOCK * token
        return Spec(kind=kind, block=block, page=page, window=shape.window, reach=reach, spare=1)
    if kind == "chunked":
        reach = shape.chunk + in_flight(start)
        return Spec(kind=kind, block=block, page=page, window=shape.chunk, reach=reach)
    return Spec(kind=kind, block=block, page=page, split=start.args.dcp)


def _cross(start: Start, block: int) -> Spec:
    """Attention to an encoder's output: as many tokens as one step encodes at most."""
    shape = start.model.shape
    old = start.profile.number < _ENCODERS_COUNT
    tokens = shape.encoder_tokens if old else start.limits.batch
    return Spec(
        kind="cross",
        block=block,
        page=block * _token(start, "full"),
        always=max(1, ceil_div(tokens, block)),
    )


def _varied(start: Start, kind: str, block: int, rank: tuple[int, int]) -> Counter[Spec]:
    """Layers of one kind that have KV heads of their own."""
    shape, found = start.model.shape, Counter[Spec]()
    for own, (heads, _) in zip(shape.kinds[rank[0] : rank[1]], shape.varied[rank[0] : rank[1]], strict=True):
        if own == kind and heads:
            one = start.of(msgspec.structs.replace(start.model, shape=_with_heads(shape, heads)))
            found[_spec(start, kind, block, _token(one, kind))] += 1
    return found


def _with_heads(shape: Shape, heads: int) -> Shape:
    return msgspec.structs.replace(shape, kv_heads=heads, varied=())


def _token(start: Start, kind: str) -> int:
    """Bytes of one token in one layer of `kind` on one GPU; MLA's latent is not split."""
    shape, args, model = start.model.shape, start.args, start.model
    if kind == "mla" and shape.mla is not None:
        return _latent(start, shape, shape.mla)
    heads, key, value = shape.kv_of(kind)
    release, dtype = start.profile.release, args.kv_cache_dtype
    if release < _NARROW_VALUES:
        value = max(key, value)
    elif key != value and release < _UNEQUAL_IN_FULL:
        return max(1, heads // args.tp) * (key + value) * model.width
    return max(1, heads // args.tp) * head_bytes(dtype, model, key, value)


def _latent(start: Start, shape: Shape, mla: Mla) -> int:
    args, profile = start.args, start.profile
    width = number_bytes(args.kv_cache_dtype, start.model)
    if not (mla.latent and profile.latent_cache):
        wide = mla.nope + mla.rope if profile.latent_cache else _PADDED_MLA
        return max(1, shape.heads // args.tp) * head_bytes(args.kv_cache_dtype, start.model, wide, wide)
    if shape.indexer is not None and width < 2 and not sparse_attention.flashinfer(start):
        return _SPARSE_FP8
    return int((mla.kv_rank + mla.rope) * width)


def _as_full(found: dict[Spec, int]) -> dict[Spec, int]:
    """Before the hybrid allocator, and without it, windows save nothing (`unify_hybrid_kv_cache_specs`)."""
    full = next((spec for spec in found if spec.kind in KEEPS_ALL), None)
    if full is None:
        return found
    merged: Counter[Spec] = Counter()
    for spec, count in found.items():
        local = spec.kind in ("sliding", "chunked")
        kept = Spec(kind=full.kind, block=spec.block, page=spec.page, split=full.split) if local else spec
        merged[kept] += count
    return merged
