"""What checkpoints call the matrices of a decoder layer, for quantizations that pick layers by their names.

Names are without what comes before them, such as `model.layers.3.`. A fused matrix has its parts' names and
its own.
"""

from __future__ import annotations

from functools import cache
from itertools import product

_ATTENTION = ("self_attn", "attn", "attention", "self_attention", "mixer", "temporal_block")
_FEED = ("mlp", "feed_forward", "ffn", "block_sparse_moe", "mixer", "moe", "ffn.moe")
_STATE = ("linear_attn", "mamba", "mixer", "short_conv", "conv", "temporal_block")
_OF_SHARED = ("gate_up_proj", "up_proj", "down_proj")
"""What a shared expert has of its own; attention beside it keeps its names."""
_SHARED = ("shared_experts", "shared_expert", "shared_mlp", "share_expert")
_APART = ("experts", "moe.experts")
_GATE_UP = ("gate_proj", "up_proj", "gate_up_proj", "w1", "w3", "w13", "input_linear")
_DOWN = ("down_proj", "w2", "output_linear")
_QKV = ("q_proj", "k_proj", "v_proj", "qkv_proj", "query_key_value", "qkv", "c_attn", "Wqkv")
_Q_A, _KV_A = ("q_a_proj", "fused_qkv_a_proj", "wq_a"), ("kv_a_proj_with_mqa", "kv_a_proj", "wkv")

_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "qkv_proj": (_ATTENTION, _QKV),
    "o_proj": (_ATTENTION, ("o_proj", "out_proj", "dense", "c_proj", "wo_b")),
    "q_a and kv_a": (_ATTENTION, (*_Q_A, *_KV_A)),
    "q_a_proj": (_ATTENTION, _Q_A),
    "q_b_proj": (_ATTENTION, ("q_b_proj", "wq_b")),
    "q_proj": (_ATTENTION, ("q_proj",)),
    "kv_a_proj": (_ATTENTION, _KV_A),
    "kv_b_proj": (_ATTENTION, ("kv_b_proj",)),
    "indexer's q_b": (_ATTENTION, ("indexer.wq_b",)),
    "indexer's k": (_ATTENTION, ("indexer.wk",)),
    "in_proj": (_STATE, ("in_proj", "in_proj_qkvz", "in_proj_qkv")),
    "out_proj": (_STATE, ("out_proj", "o_proj")),
    "kda in_proj": (_ATTENTION, (*_QKV, "in_proj_qkvgfab", "b_proj")),
    "kda out_proj": (_ATTENTION, ("o_proj",)),
    "decay and gate down": (_ATTENTION, ("f_a_proj", "g_a_proj")),
    "decay and gate up": (_ATTENTION, ("f_b_proj", "g_b_proj")),
    "attention gate": (_ATTENTION, ("gate", "g_proj", "gate_proj")),
    "gate_up_proj": (_FEED, _GATE_UP),
    "up_proj": (_FEED, ("up_proj", "dense_h_to_4h", "c_fc", "fc1")),
    "down_proj": (_FEED, (*_DOWN, "dense_4h_to_h", "c_proj", "fc2")),
    "latent projections": (_FEED, ("fc1_latent_proj", "fc2_latent_proj")),
}
"""Of a matrix, by its label in `tensors.py`: the block it lies in and its own names."""


@cache
def names_of(label: str, role: str, *, shared: bool, apart: bool = False) -> tuple[str, ...]:
    """The names of a matrix.

    Args:
        label: in `tensors.py`.
        role: there, too.
        shared: the layer has experts, so that its plain MLP is a shared one.
        apart: experts lie beside the plain MLP, not inside of it.
    """
    if role == "expert":
        own = _DOWN if "down" in label else _GATE_UP
        within = _APART if apart else [f"{block}.experts" for block in _FEED]
        return (*within, *(f"{block}.0.{part}" for block, part in product(within, own)))
    blocks, parts = _PARTS.get(label, ((), ()))
    if shared and label in _OF_SHARED:
        blocks = tuple(f"{block}.{kind}" for block, kind in product(blocks, _SHARED)) + _SHARED
    return tuple(f"{block}.{part}" for block, part in product(blocks, parts))
