"""The KV cache as vLLM plans it: pages, groups of layers, tokens, concurrency, longest context.

The layout is `vllm v1/core/kv_cache_utils.py`'s: layers with equal pages form groups of one size, the last
one padded; one block id spans one group.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import msgspec

from modelcar_tui.memory.start import Start
from modelcar_tui.models.parts import Mla
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.states import State
from modelcar_tui.vllm.engine_args import EngineArgs
from modelcar_tui.vllm.profile import Profile

_SPARSE_FP8 = 656
"""Bytes of a token in DeepSeek's 8-bit layout for sparse attention (vllm v1/kv_cache_interface.py)."""


_NARROW_VALUES = (0, 20)
"""Values narrower than keys were padded to them before (vllm models/mimo_v2_flash.py)."""
_PADDED_MLA = 256
"""Width to which DeepSeek's heads were padded before vLLM cached the latent (vllm 0.6
models/deepseek_v2.py)."""


class Group(msgspec.Struct, frozen=True):
    """Layers that share block tables."""

    kind: str
    layers: int
    """Layers that really are in it, without padding."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How one GPU's KV cache is cut."""

    page: int
    """Bytes of one block of one layer."""
    block: int
    """Tokens in a block of attention."""
    size: int
    """Layers in each group, padding included."""
    beside: int
    """Bytes of one block id beyond `size` pages: an indexer's keys, or layers with more KV heads than
    others."""
    wide_block: int
    """Tokens in a block of a full layer; more than `block` where its tokens are smaller than a sliding
    layer's."""
    groups: tuple[Group, ...]
    window: int
    chunk: int
    encoder_tokens: int
    batch: int
    """`max_num_batched_tokens`."""
    speculative: int
    state_mode: str
    """`none`, `align` or `all`: how many state pages a request keeps."""
    context_split: int
    """Decode context parallelism."""

    @property
    def block_bytes(self) -> int:
        """Bytes of one block id over all layers of a group."""
        return self.page * self.size + self.beside

    def blocks(self, kind: str, length: int) -> int:
        """Blocks that one request of `length` tokens needs in a group of `kind` at most."""
        if kind == "sliding":
            return _ceil(min(self.window - 1 + self.batch, length), self.block) + 1
        if kind == "chunked":
            return _ceil(min(self.chunk + self.batch, length), self.block)
        if kind == "cross":
            return _ceil(self.encoder_tokens, self.block)
        if kind == "state":
            if self.state_mode == "all":
                return _ceil(length, self.block)
            return (2 if self.state_mode == "align" else 1) + self.speculative
        return _ceil(_ceil(length, self.context_split), self.wide_block if kind == "full" else self.block)

    def request_blocks(self, length: int) -> int:
        """Block ids of one request over all groups."""
        return sum(self.blocks(group.kind, length) for group in self.groups)

    def needed(self, length: int, *, padded: bool) -> int:
        """Bytes that vLLM's start-up check asks for one request of `length` tokens."""
        if padded:
            return self.request_blocks(length) * self.block_bytes
        blocks = sum(group.layers * self.blocks(group.kind, length) for group in self.groups)
        return blocks * self.page + self.request_blocks(length) * self.beside

    def longest(self, available: float, limit: int, *, padded: bool) -> int:
        """The longest context whose check passes, at most `limit`; 0 when not even one token fits."""
        lengths = range(1, limit + 1)
        return bisect_right(lengths, available, key=lambda length: self.needed(length, padded=padded))

    def block_count(self, available: float) -> int:
        """Block ids that `available` bytes hold."""
        return max(0, int(available // self.block_bytes))

    def tokens(self, blocks: int, length: int, *, as_concurrency: bool) -> int:
        """What the log calls `GPU KV cache size`."""
        if as_concurrency:
            return int(self.concurrency(blocks, length) * length)
        return blocks // len(self.groups) * min(self.block, self.wide_block) * self.context_split

    def concurrency(self, blocks: int, length: int) -> float:
        """Requests of `length` tokens that fit at once."""
        return blocks / self.request_blocks(length)

    @property
    def bytes_per_token(self) -> float:
        """Bytes of one more token of context in the layers that keep every token."""
        full = sum(group.layers for group in self.groups if group.kind in ("full", "mla"))
        return (full * self.page + self.beside) / self.wide_block


def plan_for(start: Start, *, width: float, rank: tuple[int, int]) -> Plan | None:
    """The plan of one GPU of the pipeline rank `rank`; None for a model without a KV cache.

    Args:
        width: bytes of one cached number.
    """
    shape, args, profile = start.model.shape, start.args, start.profile
    if shape.v_head_dim < shape.head_dim and profile.release < _NARROW_VALUES:
        shape = msgspec.structs.replace(shape, v_head_dim=shape.head_dim, wide_v_head_dim=shape.wide_head_dim)
    kinds = Counter(kind for kind in shape.kinds[rank[0] : rank[1]] if kind != "none")
    if shape.encoder_only or not kinds:
        return None
    if shape.shared_kv:
        kinds = _without_shared(shape, rank)
    if shape.family.parallel:
        kinds["state"] = kinds.total()
    block = args.block_size or 16
    per_token = _token_bytes(shape, args, profile, width, shape.mla if "mla" in kinds else None)
    page = int(block * per_token)
    beside = _beside(shape, args, width, block, rank)
    if "state" in kinds and shape.state is not None:
        block, page = _state_pages(shape, shape.state, args, block, per_token, attention=len(kinds) > 1)
    block, wide, page = _unequal(shape, args, width, block, page, kinds)
    if start.switches.hybrid_manager.on is False:
        kinds = _as_full(kinds)
    if shape.encoder_layers:
        kinds["cross"] = kinds.total()
    size, groups = _grouped(kinds)
    return Plan(
        page=page,
        block=block,
        wide_block=wide,
        size=size,
        beside=beside,
        groups=groups,
        window=shape.window,
        chunk=shape.chunk,
        encoder_tokens=shape.encoder_tokens,
        batch=start.limits.batch,
        speculative=args.num_speculative_tokens,
        state_mode=_state_mode(start),
        context_split=args.dcp,
    )


def _token_bytes(shape: Shape, args: EngineArgs, profile: Profile, width: float, mla: Mla | None) -> float:
    """Bytes of one token in one layer on one GPU; MLA's latent is not split."""
    if mla is None:
        own = [heads for heads, _ in shape.varied if heads]
        heads = max(1, (min(own) if own else shape.kv_heads) // args.tp)
        return heads * (shape.head_dim + shape.v_head_dim) * width
    if not (mla.latent and profile.latent_cache):
        wide = mla.nope + mla.rope if profile.latent_cache else _PADDED_MLA
        return max(1, shape.heads // args.tp) * 2 * wide * width
    if shape.indexer is not None and width < 2:
        return _SPARSE_FP8
    return (mla.kv_rank + mla.rope) * width


def _beside(shape: Shape, args: EngineArgs, width: float, block: int, rank: tuple[int, int]) -> int:
    """Bytes of a block id that the pages of equal layers leave out."""
    if shape.indexer is not None:
        return round(block * shape.indexer.token_bytes * (rank[1] - rank[0]) * shape.indexer.share)
    own = [max(1, heads // args.tp) for heads, _ in shape.varied[rank[0] : rank[1]] if heads]
    if not own:
        return 0
    least = max(1, min(heads for heads, _ in shape.varied if heads) // args.tp)
    return int(block * sum(heads - least for heads in own) * (shape.head_dim + shape.v_head_dim) * width)


def _unequal(
    shape: Shape, args: EngineArgs, width: float, block: int, page: int, kinds: Counter[str]
) -> tuple[int, int, int]:
    """Tokens of a sliding and of a full block, and the one page of both: the smaller tokens get longer
    blocks."""
    if not shape.wide_head_dim or "full" not in kinds:
        return block, block, page
    both = shape.wide_head_dim + shape.wide_v_head_dim
    own = int(block * max(1, (shape.wide_kv_heads or shape.kv_heads) // args.tp) * both * width)
    if len(kinds) == 1:
        return block, block, own
    most = max(page, own)
    return block * (most // page), block * (most // own), most


def _state_pages(
    shape: Shape, state: State, args: EngineArgs, block: int, per_token: float, *, attention: bool
) -> tuple[int, int]:
    """Attention's block, raised so that its page holds one state page (vllm
    model_executor/models/config.py)."""
    conv = state.conv_channels // args.tp * (state.conv_kernel - 1) * 2
    own = max(1, state.heads // args.tp) * state.state_a * state.state_b
    page = max(1, conv + own * (4 if args.mamba_ssm_dtype == "float32" else state.state_bytes))
    if not attention:
        return block, page
    step = max(block, 64 if "mla" in shape.kinds else 16)
    tokens = step * _ceil(page, int(step * per_token))
    return tokens, int(tokens * per_token)


def _state_mode(start: Start) -> str:
    if start.args.mamba_cache_mode in ("align", "all"):
        return start.args.mamba_cache_mode
    return "align" if start.switches.prefix_caching.on else "none"


def _without_shared(shape: Shape, rank: tuple[int, int]) -> Counter[str]:
    last = min(rank[1], shape.layers - shape.shared_kv)
    own = Counter(kind for kind in shape.kinds[rank[0] : max(rank[0] + 1, last)] if kind != "none")
    return own or Counter({"full": 1})


def _as_full(kinds: Counter[str]) -> Counter[str]:
    """Before the hybrid allocator, and without it, windows save nothing."""
    if "full" not in kinds:
        return kinds
    merged: Counter[str] = Counter()
    for kind, count in kinds.items():
        merged["full" if kind in ("sliding", "chunked") else kind] += count
    return merged


def _grouped(kinds: Counter[str]) -> tuple[int, tuple[Group, ...]]:
    least, most = min(kinds.values()), max(kinds.values())
    size = most if most < 1.5 * least else least
    groups: list[Group] = []
    for kind in sorted(kinds, key=lambda name: (name != "full", name)):
        count = kinds[kind]
        number = _ceil(count, size)
        groups += [Group(kind, len(range(index, count, number))) for index in range(number)]
    return size, tuple(groups)


def _ceil(a: int, b: int) -> int:
    return -(-a // b)
